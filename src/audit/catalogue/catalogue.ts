import type { AuditDescription } from './audit-description.ts';

/** Every audit there is. */
export const CATALOGUE: ReadonlyMap<string, AuditDescription> = joined([]);

/** Id and version of every audit: what a batch was guarded by. */
export function catalogueVersions(): Readonly<Record<string, number>> {
  return Object.fromEntries([...CATALOGUE.values()].map(({ id, version }) => [id, version]));
}

/** Whether an audit that fires makes a candidate a suspected hack. */
export function decides(audit: string): boolean {
  const weight = CATALOGUE.get(audit)?.weight;
  return weight === 'suspect' || weight === 'refuse';
}

function joined(groups: readonly (readonly AuditDescription[])[]): ReadonlyMap<string, AuditDescription> {
  const all = new Map<string, AuditDescription>();
  for (const description of groups.flat()) {
    if (all.has(description.id)) throw new Error(`two audits are called '${description.id}'`);
    all.set(description.id, description);
  }
  return all;
}
