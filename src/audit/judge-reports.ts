import type { AuditReport } from '../domain/audit.ts';
import type { Check } from '../domain/trial.ts';
import type { AuditDescription } from './catalogue/audit-description.ts';

/**
 * What a task's own judge checked, as reports. A judge may make one check in several places (once on each split): the report is that
 * of the worst. A check that failed has fired where the judge gave no result because of it, or where it decides. Checks that the catalogue does not know are a task's own; they are noted, and only their judge decides by them.
 */
export function judgeReports(
  checks: readonly Check[],
  catalogue: ReadonlyMap<string, AuditDescription>,
  { isRefused }: { readonly isRefused: boolean },
): readonly AuditReport[] {
  const byId = new Map<string, Check[]>();
  for (const check of checks) byId.set(check.id, [...(byId.get(check.id) ?? []), check]);
  return [...byId].flatMap(([audit, made]) => {
    const known = catalogue.get(audit);
    if (known && known.runs !== 'judge') return [];
    const failed = made.filter(({ ok }) => !ok);
    const isGrave = known !== undefined && (isRefused || known.weight !== 'triage');
    const finding = failed.length === 0 ? 'passed' : isGrave ? 'fired' : 'noted';
    const detail = (failed.length > 0 ? failed : made).map((check) => check.detail).join('; ');
    return [{ audit, version: known?.version ?? 1, finding, detail } as const];
  });
}
