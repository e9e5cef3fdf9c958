import type { AuditDescription } from '../../audit/catalogue/audit-description.ts';

/** The looks that a re-audit can take, and the audits for which each is due. */
export interface StaleAudits {
  readonly change: readonly string[];
  /** Need fresh trials. */
  readonly trials: readonly string[];
  readonly numbers: readonly string[];
}

/**
 * The audits that have not looked at an experiment in their present version. Those of batches look at no experiment.
 *
 * @param auditedBy versions that have looked at it.
 * @param expected audits that must report on a trial of the task. Others of trials are due only if they reported before.
 * @param options.all every audit, whether it is due or not.
 */
export function staleAudits(
  catalogue: Iterable<AuditDescription>,
  auditedBy: Readonly<Record<string, number>>,
  expected: readonly string[],
  options: { readonly all?: boolean } = {},
): StaleAudits {
  const stale = [...catalogue].filter(({ id, version }) => options.all === true || auditedBy[id] !== version);
  const thatRun = (...places: readonly AuditDescription['runs'][]): readonly string[] =>
    stale.filter(({ runs }) => places.includes(runs)).map(({ id }) => id);
  return {
    change: thatRun('change'),
    trials: thatRun('trial', 'judge').filter((id) => expected.includes(id) || auditedBy[id] !== undefined),
    numbers: thatRun('experiment'),
  };
}

export function isNothingStale({ change, trials, numbers }: StaleAudits): boolean {
  return change.length + trials.length + numbers.length === 0;
}
