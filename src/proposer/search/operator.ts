import type { Interval, Operator, Proposal } from '../../domain/hypothesis.ts';
import type { CampaignState, Experiment } from '../../domain/state.ts';
import { wholeGainEstimate } from '../../domain/reduce.ts';
import type { Random } from '../../stats/random.ts';
import { quantile } from '../../stats/summary.ts';
import type { SearchSpace } from './search-space.ts';

export interface OperatorContext {
  readonly state: CampaignState;
  readonly champion: Experiment & { readonly candidate: NonNullable<Experiment['candidate']> };
  readonly space: SearchSpace;
  readonly random: Random;
}

/** What an operator proposes, without the names that are the same for all. */
export type Draft = Omit<Proposal, 'operator' | 'proposer'>;

/** One move of the search. Undefined: it has nothing to propose on this state. */
export interface SearchOperator {
  readonly operator: Operator;
  draft(context: OperatorContext): Promise<Draft | undefined>;
}

/** How many of the latest experiments an operator looks back on; what it costs does not grow with the campaign. */
export const LOOK_BACK = 400;

/** The latest experiments, newest first, that a test accepts. Looks at no more than LOOK_BACK. */
export function latest(state: CampaignState, accept: (experiment: Experiment) => boolean): Experiment[] {
  const found: Experiment[] = [];
  for (let number = state.experimentCount - 1, seen = 0; number >= 0 && seen < LOOK_BACK; number -= 1, seen += 1) {
    const experiment = state.experiments.get(`e${number}` as Experiment['id']);
    if (experiment && accept(experiment)) found.push(experiment);
  }
  return found;
}

/** Before anything was tried, a change is expected to worsen the metric by at most a tenth and better it by at most a twentieth. */
const FIRST_GUESS = { worse: 0.1, better: 0.05 };

/**
 * Where a gain is expected, four times out of five: the middle 80 % of what the operator's experiments gained so far, give or take
 * the noise; a rough guess while there are too few.
 */
export function predictFromHistory(state: CampaignState, operator: Operator): Interval {
  const gains = latest(
    state,
    ({ proposal, verdict }) => proposal.operator === operator && verdict !== undefined,
  ).flatMap(({ verdict }) => (verdict ? (wholeGainEstimate(state, verdict) ?? []) : []));
  const sigma = state.noise?.sigmaUsed ?? 0;
  const size = Math.abs(state.noise?.mean ?? 0);
  if (gains.length < 5) return { low: -FIRST_GUESS.worse * size - sigma, high: FIRST_GUESS.better * size + sigma };
  return { low: quantile(gains, 0.1) - sigma, high: quantile(gains, 0.9) + sigma };
}
