import { requireCount } from '../stats/argument-checks.ts';
import type { Random } from '../stats/random.ts';
import { randomValue } from './knob-coordinate.ts';
import { checkKnobSpace, type KnobObservation, type KnobSpace, type KnobValues } from './knob-space.ts';
import { createParzenEstimator, type ParzenEstimator } from './parzen.ts';

export type SuggestOptions = {
  readonly space: KnobSpace;
  /** Oldest first. */
  readonly history: readonly KnobObservation[];
  readonly random: Random;
  /** Points drawn from the good density, of which the one with the best ratio is returned. Default 24. */
  readonly candidates?: number;
  /** How many of n observations count as good. Default min(ceil(0.1 n), 25). */
  readonly gamma?: (observations: number) => number;
  /** Uniform draws before the model is used. Default 10. */
  readonly startupTrials?: number;
  /** Cost bound: the best quarter of this many and the most recent others are used. Default 400. */
  readonly maximumObservations?: number;
};

/**
 * Tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kegl 2011): models the good and the bad points, and returns
 * the point that is most likely under the good model relative to the bad one. Deterministic given `random`. Cost is
 * bounded by candidates x maximumObservations x knobs, plus one pass over the history.
 */
export function suggest(options: SuggestOptions): KnobValues {
  const { space, history, random, candidates = 24, startupTrials = 10 } = options;
  checkKnobSpace(space);
  requireCount('candidates', candidates, 1);
  if (history.length < Math.max(1, startupTrials)) {
    return Object.fromEntries(space.map((knob) => [knob.name, randomValue(knob, random)]));
  }
  const { good, bad } = splitHistory(options);
  const goodDensity = estimatorOf(space, good);
  const badDensity = estimatorOf(space, bad);
  let best: KnobValues = goodDensity.sample(random);
  let bestScore = goodDensity.logDensity(best) - badDensity.logDensity(best);
  for (let draw = 1; draw < candidates; draw++) {
    const values = goodDensity.sample(random);
    const score = goodDensity.logDensity(values) - badDensity.logDensity(values);
    if (score > bestScore) [best, bestScore] = [values, score];
  }
  return best;
}

/** Optuna's default share of good observations: a tenth, at most 25. */
export function defaultGamma(observations: number): number {
  return Math.min(Math.ceil(0.1 * observations), 25);
}

type Split = { readonly good: readonly KnobObservation[]; readonly bad: readonly KnobObservation[] };

function splitHistory(options: SuggestOptions): Split {
  const { history, gamma = defaultGamma, maximumObservations = 400 } = options;
  requireCount('maximumObservations', maximumObservations, 4);
  const bestKept = Math.floor(maximumObservations / 4);
  const goodCount = Math.max(1, Math.min(gamma(history.length), bestKept, history.length));
  const bestIndices = bestOf(history, bestKept);
  const isBest = new Set(bestIndices);
  const recent: number[] = [];
  for (let index = history.length - 1; index >= 0 && recent.length < maximumObservations - bestKept; index--) {
    if (!isBest.has(index)) recent.push(index);
  }
  const badIndices = [...bestIndices.slice(goodCount), ...recent].toSorted((left, right) => left - right);
  const take = (indices: readonly number[]): KnobObservation[] =>
    indices.map((index) => history[index] as KnobObservation);
  return { good: take(bestIndices.slice(0, goodCount)), bad: take(badIndices) };
}

/** Indices of the `count` lowest losses, best first; one pass, so that a long history stays cheap. */
function bestOf(history: readonly KnobObservation[], count: number): number[] {
  const kept: { readonly index: number; readonly loss: number }[] = [];
  history.forEach((observation, index) => {
    const loss = finiteLoss(observation.loss);
    if (kept.length === count && loss >= (kept[count - 1]?.loss ?? Infinity)) return;
    let place = kept.length;
    while (place > 0 && (kept[place - 1]?.loss ?? -Infinity) > loss) place--;
    kept.splice(place, 0, { index, loss });
    if (kept.length > count) kept.pop();
  });
  return kept.map(({ index }) => index);
}

function finiteLoss(loss: number | undefined): number {
  return loss === undefined || Number.isNaN(loss) ? Infinity : Math.min(loss, Number.MAX_VALUE);
}

/** The newest 25 points count fully; older ones less, linearly (Bergstra, Yamins, Cox 2013, "linear forgetting"). */
function estimatorOf(space: KnobSpace, observations: readonly KnobObservation[]): ParzenEstimator {
  const older = observations.length - 25;
  const weights = observations.map((_, index) => (index < older ? (index + 1) / (older + 1) : 1));
  return createParzenEstimator({ space, points: observations.map((observation) => observation.values), weights });
}
