import type { AuditReport } from '../../domain/audit.ts';
import { pairGain, valueOf } from '../../domain/pairs.ts';
import { scoredAt, type Scored } from '../../domain/scored.ts';
import { gain, type CampaignState, type Experiment, type Trial } from '../../domain/state.ts';
import type { Stage, TrialOutcome } from '../../domain/trial.ts';
import type { Verdict } from '../../domain/verdict.ts';

/** All numbers of one experiment, and what the machine and the task say of them. */
export interface NumbersInput {
  readonly state: CampaignState;
  readonly experiment: Experiment;
  /** Every trial that it asked for, its references included. Those that have not ended are left out. */
  readonly trials: readonly Trial[];
  readonly verdict: Verdict;
  /** Of the task's budgeted phase. Undefined: it has none. */
  readonly budget?: { readonly limitSeconds: number; readonly graceSeconds: number };
  /** What one trial computes on. */
  readonly machine?: {
    readonly cores: number;
    /** Of its accelerators together; undefined: it has none, or nobody knows. */
    readonly acceleratorFlops?: number;
  };
}

/** A run of the candidate that gave a value. */
export interface CandidateRun {
  readonly seed: number;
  readonly scored: Scored;
  readonly value: number;
  readonly outcome: Extract<TrialOutcome, { status: 'succeeded' }>;
}

/** Both sides on one seed. */
export interface SharedSeed {
  readonly seed: number;
  readonly scored: Scored;
  readonly candidate: number;
  readonly reference: number;
  /** Positive is better. */
  readonly gain: number;
  readonly hiddenGain?: number;
}

/** The numbers as the audits look at them: made once for all of them. */
export interface NumbersContext extends NumbersInput {
  readonly runs: readonly CandidateRun[];
  readonly shared: readonly SharedSeed[];
}

export interface NumberAudit {
  readonly id: string;
  readonly version: number;
  look(context: NumbersContext): Pick<AuditReport, 'finding' | 'detail'>;
}

interface Sides {
  seed: number;
  stage: Stage;
  candidate?: TrialOutcome;
  reference?: TrialOutcome;
}

export function numbersContext(input: NumbersInput): NumbersContext {
  const { state, trials } = input;
  const runs: CandidateRun[] = [];
  const shared: SharedSeed[] = [];
  const scoredBy = (stage: Stage): Scored => scoredAt(stage, state.task.screensApart === true);
  const pairs = new Map<string, Sides>();
  for (const { plan, outcome } of trials) {
    if (!outcome) continue;
    const key = `${plan.stage}:${plan.pair}`;
    const pair = pairs.get(key) ?? { seed: plan.seed, stage: plan.stage };
    pair[plan.arm] = outcome;
    pairs.set(key, pair);
    const value = valueOf(outcome);
    if (plan.arm !== 'candidate' || value === undefined || outcome.status !== 'succeeded') continue;
    runs.push({ seed: plan.seed, scored: scoredBy(plan.stage), value, outcome });
    const screened = plan.stage === 'screen' ? state.screenBlocks.get(plan.pair)?.value : undefined;
    // A screening reference may be another experiment's trial; its value is in the block that they share.
    if (typeof screened === 'number') {
      const { seed } = plan;
      shared.push({
        seed,
        scored: scoredBy('screen'),
        candidate: value,
        reference: screened,
        gain: gain(state.task.direction, value, screened),
      });
    }
  }
  for (const pair of pairs.values()) {
    if (pair.stage === 'screen') continue;
    const candidate = valueOf(pair.candidate);
    const reference = valueOf(pair.reference);
    if (candidate === undefined || reference === undefined) continue;
    const both = { pair: 0, ...pair };
    const { holdoutMetric, direction } = state.task;
    const hiddenGain = holdoutMetric === undefined ? undefined : pairGain(both, direction, holdoutMetric);
    shared.push({
      seed: pair.seed,
      scored: scoredBy(pair.stage),
      candidate,
      reference,
      gain: gain(direction, candidate, reference),
      ...(hiddenGain === undefined ? {} : { hiddenGain }),
    });
  }
  return { ...input, runs, shared };
}
