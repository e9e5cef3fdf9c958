import type { AuditReport } from '../../domain/audit.ts';
import type { AssayEvent } from '../../domain/events.ts';
import { openTrials, type CampaignState, type Experiment, type Trial } from '../../domain/state.ts';
import type { Verdict } from '../../domain/verdict.ts';
import { voidBatch } from './void-batch.ts';

/** Looks at all numbers of an experiment that is about to be kept. */
export type NumberAudits = (input: {
  readonly state: CampaignState;
  readonly experiment: Experiment;
  readonly trials: readonly Trial[];
  readonly verdict: Verdict;
}) => readonly AuditReport[];

export interface KeepAudits {
  readonly auditNumbers: NumberAudits;
  /** Ids that must report. */
  readonly expected: readonly string[];
  readonly decides: (audit: string) => boolean;
}

/** The verdict after the audits of the whole experiment, and the event that says what they found. */
export function auditKeep(
  state: CampaignState,
  experiment: Experiment,
  verdict: Verdict,
  { auditNumbers, expected, decides }: KeepAudits,
): { readonly verdict: Verdict; readonly events: readonly AssayEvent[] } {
  const trials = openTrials(state, experiment.id);
  const numbers = auditNumbers({ state, experiment, trials, verdict });
  const audits = [...worstOf(trials), ...numbers];
  const events: AssayEvent[] = [{ type: 'experiment.audited', experiment: experiment.id, occasion: 'keep', audits }];
  const fired = numbers.filter(({ audit, finding }) => finding === 'fired' && decides(audit));
  const silent = expected.filter((id) => !numbers.some(({ audit }) => audit === id));
  if (fired.length > 0) {
    const reasons = fired.map(({ audit, detail }) => `${audit}: ${detail}`);
    return { verdict: withKind(verdict, 'suspected-hack', [...reasons, ...verdict.reasons]), events };
  }
  if (silent.length > 0) {
    const reason = `silent guards: ${silent.join(', ')} had to look at the numbers of ${experiment.id} and did not`;
    const voided = experiment.batch === undefined ? [] : voidBatch(state, experiment.batch, reason);
    return {
      verdict: withKind(verdict, 'inconclusive', [`${reason}, so it is not kept`, ...verdict.reasons]),
      events: [...events, ...voided],
    };
  }
  return { verdict, events };
}

function withKind(verdict: Verdict, kind: Verdict['kind'], reasons: readonly string[]): Verdict {
  const [first = 'no reason was given', ...rest] = reasons;
  return { ...verdict, kind, reasons: [first, ...rest] };
}

/** One report for each audit of the candidate's trials: the worst that it said. */
function worstOf(trials: readonly Trial[]): readonly AuditReport[] {
  const rank = { passed: 0, noted: 1, fired: 2 } as const;
  const worst = new Map<string, AuditReport>();
  for (const { plan, outcome } of trials) {
    if (plan.arm !== 'candidate') continue;
    for (const report of outcome?.facts.audits ?? []) {
      const before = worst.get(report.audit);
      if (!before || rank[report.finding] > rank[before.finding]) worst.set(report.audit, report);
    }
  }
  return [...worst.values()];
}
