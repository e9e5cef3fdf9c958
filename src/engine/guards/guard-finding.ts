import type { AuditReport } from '../../domain/audit.ts';
import type { GuardPlan } from '../../domain/batch.ts';
import type { TrialOutcome } from '../../domain/trial.ts';

/** Ids of the audits that fired, each once. */
export function firedAudits(reports: readonly AuditReport[]): readonly string[] {
  return idsOf(reports.filter(({ finding }) => finding === 'fired'));
}

/** Ids of the audits that fired or found something worth a look: what may catch a canary. */
export function alarmedAudits(reports: readonly AuditReport[]): readonly string[] {
  return idsOf(reports.filter(({ finding }) => finding !== 'passed'));
}

function idsOf(reports: readonly AuditReport[]): readonly string[] {
  return [...new Set(reports.map(({ audit }) => audit))];
}

/** Whether a canary was caught for the right reason. */
export function isCaught(guard: Pick<GuardPlan, 'expects'>, alarmed: readonly string[]): boolean {
  return guard.expects.some((audit) => alarmed.includes(audit));
}

export type GuardFinding =
  | { readonly kind: 'held'; readonly fired: readonly string[]; readonly detail: string }
  | { readonly kind: 'broken'; readonly fired: readonly string[]; readonly detail: string }
  /** It ended in a way that says nothing of the audits (a busy machine, a crash): once more. */
  | { readonly kind: 'unclear'; readonly detail: string };

/**
 * What the ended trials of a guard say of the audits.
 *
 * @param audits of the change itself.
 */
export function judgeGuard(
  guard: GuardPlan,
  outcomes: readonly TrialOutcome[],
  audits: readonly AuditReport[] = [],
): GuardFinding {
  // What is merely noted in a trial may be noted of every program; what is noted of a change was brought in by it.
  const inTrials = firedAudits(outcomes.flatMap(({ facts }) => facts.audits ?? []));
  const inChange = guard.kind === 'canary' ? alarmedAudits(audits) : firedAudits(audits);
  const fired = [...new Set([...inChange, ...inTrials])];
  const last = outcomes.at(-1);
  const ended = last === undefined ? 'it did not run' : endWords(last);
  if (guard.kind === 'canary') {
    // A remark on the change stops nobody: one that scored all the same was let through.
    const isStopped = outcomes.every(({ status }) => status === 'failed');
    if (isCaught(guard, inTrials) || (isStopped && isCaught(guard, fired)))
      return { kind: 'held', fired, detail: `caught by ${fired.join(', ')}` };
    const wanted = `${guard.expects.join(' or ')} had to fire`;
    const isNoted = inTrials.length === 0 && audits.every(({ finding }) => finding !== 'fired');
    if (fired.length > 0 && !(isNoted && outcomes.every(({ status }) => status === 'failed')))
      return { kind: 'broken', fired, detail: `${wanted}, but only ${fired.join(', ') || 'nothing'} did: ${ended}` };
    if (outcomes.every(({ status }) => status === 'failed')) return { kind: 'unclear', detail: `${wanted}: ${ended}` };
    return { kind: 'broken', fired, detail: `${wanted} and nothing did: ${ended}` };
  }
  if (fired.length > 0)
    return { kind: 'broken', fired, detail: `an honest control was refused by ${fired.join(', ')}: ${ended}` };
  // It is run again after a failure that says nothing of the audits: what counts is that it got through as often as it has to.
  if (outcomes.filter(({ status }) => status === 'succeeded').length < guard.trials)
    return { kind: 'unclear', detail: `an honest control did not get through: ${ended}` };
  return { kind: 'held', fired, detail: 'passed every audit' };
}

function endWords(outcome: TrialOutcome): string {
  switch (outcome.status) {
    case 'succeeded':
      return `it scored ${outcome.result.value}`;
    case 'failed':
      return `it failed (${outcome.failure}): ${outcome.reason}`;
    case 'cancelled':
      return 'it was cancelled';
    default:
      return outcome satisfies never;
  }
}
