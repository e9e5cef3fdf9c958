import type { AuditReport } from '../../domain/audit.ts';
import type { AuditDescription } from '../catalogue/audit-description.ts';
import { STATIC_AUDITS } from '../catalogue/static-audits.ts';

export type StaticAudit =
  | 'editable-files'
  | 'path-tricks'
  | 'text-only'
  | 'diff-size'
  | 'protected-hashes'
  | 'shadowed-modules'
  | 'forbidden-names'
  | 'own-seeds'
  | 'silent-knob'
  | 'evaluator-sniffing'
  | 'model-text';

/** Longer words are cut: a report goes into the log with every change. */
const LONGEST_DETAIL = 600;

/** A report of the version that the catalogue names. */
export function report(audit: StaticAudit, finding: AuditReport['finding'], detail: string): AuditReport {
  const description = STATIC_AUDITS.find(({ id }) => id === audit);
  if (!description) throw new Error(`the catalogue has no audit '${audit}'`);
  return reportOf(description, finding, detail);
}

export function reportOf(
  { id, version }: AuditDescription,
  finding: AuditReport['finding'],
  detail: string,
): AuditReport {
  const plain = plainWords(detail);
  const cut = plain.length > LONGEST_DETAIL ? `${plain.slice(0, LONGEST_DETAIL - 1).toWellFormed()}…` : plain;
  return { audit: id, version, finding, detail: cut };
}

/** What a candidate or a model wrote may stand in a report: no line of a log or terminal may be forged with it. */
function plainWords(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD').toWellFormed();
}

/** Whether a report means that no candidate is made. */
export function isRefusal({ audit, finding }: AuditReport): boolean {
  return finding === 'fired' && STATIC_AUDITS.some(({ id, weight }) => id === audit && weight === 'refuse');
}
