import type { Direction } from './events.ts';
import { gain, type CampaignState, type Trial } from './state.ts';
import type { ExperimentId } from './ids.ts';
import { openTrials } from './state.ts';
import type { Stage, TrialOutcome } from './trial.ts';

/** Both sides of one comparison on one seed. An arm is undefined until its trial has ended. */
export interface Pair {
  readonly pair: number;
  readonly candidate?: TrialOutcome;
  readonly reference?: TrialOutcome;
}

/** The pairs of one stage of an open experiment, in the order in which they were planned. */
export function pairsOf(state: CampaignState, id: ExperimentId, stage: Stage): readonly Pair[] {
  return pairTrials(openTrials(state, id), stage);
}

export function pairTrials(trials: readonly Trial[], stage: Stage): readonly Pair[] {
  const pairs = new Map<number, { pair: number; candidate?: TrialOutcome; reference?: TrialOutcome }>();
  for (const { plan, outcome, state } of trials) {
    if (plan.stage !== stage) continue;
    const pair = pairs.get(plan.pair) ?? { pair: plan.pair };
    if (state === 'ended' && outcome) pair[plan.arm] = outcome;
    pairs.set(plan.pair, pair);
  }
  return [...pairs.values()];
}

/** The paired gain of the objective, or of a secondary metric. Undefined unless both sides have it. */
export function pairGain(pair: Pair, direction: Direction, metric?: string): number | undefined {
  const candidate = valueOf(pair.candidate, metric);
  const reference = valueOf(pair.reference, metric);
  return candidate === undefined || reference === undefined ? undefined : gain(direction, candidate, reference);
}

export function valueOf(outcome: TrialOutcome | undefined, metric?: string): number | undefined {
  if (outcome?.status !== 'succeeded') return undefined;
  return metric === undefined ? outcome.result.value : outcome.result.metrics[metric];
}
