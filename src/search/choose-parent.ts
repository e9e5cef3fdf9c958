import { requireNotNegative, requirePositive } from '../stats/argument-checks.ts';
import type { Random } from '../stats/random.ts';
import { mean, standardDeviation } from '../stats/summary.ts';

export type ParentCandidate = {
  readonly id: string;
  /** Posterior mean of its quality; higher is better (a validated gain, or minus the loss). */
  readonly mean: number;
  /** Posterior standard deviation of that. */
  readonly sd: number;
  /** Experiments that started from it. */
  readonly children: number;
  /** How unlike the rest of the archive it is, 0 to 1. Default 1 / sqrt(1 + children). */
  readonly novelty?: number;
};

export type ChooseParentOptions = {
  readonly candidates: readonly ParentCandidate[];
  readonly random: Random;
  /** Default `thompson`: best of one draw from each posterior. `softmax` weighs by exp(quality / temperature). */
  readonly strategy?: 'thompson' | 'softmax';
  /** Bonus of a wholly novel candidate, in standard deviations of the archive's quality. Default 0.3. */
  readonly noveltyWeight?: number;
  /** Of `softmax`, in the same unit. Default 0.5. */
  readonly temperature?: number;
};

/** Which candidate to build on. Returns its id. */
export function chooseParent(options: ChooseParentOptions): string {
  const { candidates, random, strategy = 'thompson', noveltyWeight = 0.3, temperature = 0.5 } = options;
  if (candidates.length === 0) throw new RangeError('candidates must not be empty, got 0 candidates');
  requireNotNegative('noveltyWeight', noveltyWeight);
  requirePositive('temperature', temperature);
  const spread = spreadOf(candidates);
  const qualities = candidates.map((candidate) => {
    const novelty = candidate.novelty ?? 1 / Math.sqrt(1 + candidate.children);
    return candidate.mean + noveltyWeight * spread * novelty;
  });
  // The largest of q / T plus Gumbel noise is a draw from the softmax (Gumbel 1954).
  const scores = candidates.map((candidate, index) => {
    const noise = strategy === 'thompson' ? candidate.sd * random.normal() : temperature * spread * gumbel(random);
    return (qualities[index] as number) + noise;
  });
  const best = scores.reduce((top, score, index) => (score > (scores[top] as number) ? index : top), 0);
  return (candidates[best] as ParentCandidate).id;
}

function spreadOf(candidates: readonly ParentCandidate[]): number {
  const between = candidates.length < 2 ? 0 : standardDeviation(candidates.map((candidate) => candidate.mean));
  return between > 0 ? between : Math.max(mean(candidates.map((candidate) => candidate.sd)), Number.MIN_VALUE);
}

function gumbel(random: Random): number {
  return -Math.log(-Math.log(1 - random.uniform()) || Number.EPSILON);
}
