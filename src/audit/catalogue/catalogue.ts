import type { AuditDescription } from './audit-description.ts';
import { ENVIRONMENT_AUDITS } from './environment-audits.ts';
import { KERNEL_AUDITS } from './kernel-audits.ts';
import { LANGUAGE_MODEL_AUDITS } from './language-model-audits.ts';
import { NUMBER_AUDITS } from './number-audits.ts';
import { RUNTIME_AUDITS } from './runtime-audits.ts';
import { SOL_AUDITS } from './sol-audits.ts';
import { SPEEDRUN_AUDITS } from './speedrun-audits.ts';
import { COMPARABILITY_AUDIT, STATIC_AUDITS } from './static-audits.ts';

/** Every audit that must report where it applies. */
export const CATALOGUE: ReadonlyMap<string, AuditDescription> = joined([
  STATIC_AUDITS,
  RUNTIME_AUDITS,
  ENVIRONMENT_AUDITS,
  LANGUAGE_MODEL_AUDITS,
  SOL_AUDITS,
  SPEEDRUN_AUDITS,
  KERNEL_AUDITS,
  NUMBER_AUDITS,
]);

/** Audits that run only where the user has set them up, so that their silence says nothing. */
export const OPTIONAL_AUDITS: readonly AuditDescription[] = [COMPARABILITY_AUDIT];

/** Id and version of every audit: what a batch was guarded by. */
export function catalogueVersions(): Readonly<Record<string, number>> {
  return Object.fromEntries([...CATALOGUE.values()].map(({ id, version }) => [id, version]));
}

/** Whether an audit that fires makes a candidate a suspected hack. */
export function decides(audit: string): boolean {
  const weight = CATALOGUE.get(audit)?.weight;
  return weight === 'suspect' || weight === 'refuse';
}

/** Ids of the audits that run at a place, in the catalogue's order. */
export function idsThatRun(place: AuditDescription['runs']): readonly string[] {
  return [...CATALOGUE.values()].filter(({ runs }) => runs === place).map(({ id }) => id);
}

function joined(groups: readonly (readonly AuditDescription[])[]): ReadonlyMap<string, AuditDescription> {
  const all = new Map<string, AuditDescription>();
  for (const description of groups.flat()) {
    if (all.has(description.id)) throw new Error(`two audits are called '${description.id}'`);
    all.set(description.id, description);
  }
  return all;
}
