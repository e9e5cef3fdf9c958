import { requireFinite, requirePositive } from '../stats/argument-checks.ts';
import type { Random } from '../stats/random.ts';

/** What is believed of an arm before its first pull. */
export type ArmPrior = {
  /** Expected share of pulls with a validated gain. Default 0.25. */
  readonly successRate?: number;
  /** How many pulls that belief is worth. Default 2. */
  readonly strength?: number;
  /** Expected size of a gain, in the units of the recorded gains. Default: the mean gain of all arms, or 1. */
  readonly gain?: number;
  /** Expected cost of a pull. Default: the mean cost of all arms, or 1. */
  readonly costSeconds?: number;
};

/** An arm (operator, proposer, task) and what its pulls brought. All counts and sums are discounted, so not whole. */
export type Arm = {
  readonly id: string;
  readonly prior: ArmPrior;
  readonly pulls: number;
  /** Pulls with a validated gain above 0. */
  readonly successes: number;
  readonly totalGain: number;
  readonly totalCostSeconds: number;
};

export type Pull = {
  readonly armId: string;
  /** Validated gain; 0 or less counts as none. */
  readonly gain: number;
  readonly costSeconds: number;
};

export type ArmChoice = { readonly armId: string; readonly reason: 'floor' | 'thompson' };

export function createArm(id: string, prior: ArmPrior = {}): Arm {
  return { id, prior, pulls: 0, successes: 0, totalGain: 0, totalCostSeconds: 0 };
}

/**
 * The arms after one more pull. All arms first forget a little (discounted bandits: Garivier and Moulines 2011; Raj and
 * Kalyani 2017), so an arm that dried up loses its credit, and one that was left alone becomes uncertain again.
 *
 * @param discount What is kept of the past at each pull. Default 0.98: about the last 50 pulls count.
 */
export function recordPull(arms: readonly Arm[], pull: Pull, discount = 0.98): Arm[] {
  requireFinite('pull.gain', pull.gain);
  requirePositive('pull.costSeconds', pull.costSeconds);
  if (!(discount > 0 && discount <= 1)) throw new RangeError(`discount must be above 0 and at most 1, got ${discount}`);
  if (!arms.some((arm) => arm.id === pull.armId))
    throw new RangeError(`pull.armId is none of the arms, got ${pull.armId}`);
  return arms.map((arm) => {
    const isPulled = arm.id === pull.armId;
    return {
      ...arm,
      pulls: arm.pulls * discount + (isPulled ? 1 : 0),
      successes: arm.successes * discount + (isPulled && pull.gain > 0 ? 1 : 0),
      totalGain: arm.totalGain * discount + (isPulled ? Math.max(0, pull.gain) : 0),
      totalCostSeconds: arm.totalCostSeconds * discount + (isPulled ? pull.costSeconds : 0),
    };
  });
}

export type ChooseArmOptions = {
  readonly arms: readonly Arm[];
  readonly random: Random;
  /** Least probability of each arm. Default 0.02; at most 1 / number of arms. */
  readonly floor?: number;
};

/**
 * Thompson sampling (Thompson 1933) on validated gain per second: the success probability is Beta, the size of a gain is
 * exponential with an inverse-gamma mean (both conjugate), the cost is its mean.
 */
export function chooseArm(options: ChooseArmOptions): ArmChoice {
  const { arms, random, floor = 0.02 } = options;
  if (arms.length === 0) throw new RangeError('arms must not be empty, got 0 arms');
  if (!(floor >= 0 && floor * arms.length <= 1)) {
    throw new RangeError(`floor must be between 0 and 1 / ${arms.length} arms, got ${floor}`);
  }
  if (random.uniform() < floor * arms.length) return { armId: random.pick(arms).id, reason: 'floor' };
  const pooled = poolArms(arms);
  const values = arms.map((arm) => drawGainPerSecond(arm, pooled, random));
  const best = values.reduce((top, value, index) => (value > (values[top] ?? -Infinity) ? index : top), 0);
  return { armId: (arms[best] as Arm).id, reason: 'thompson' };
}

type Pooled = { readonly gain: number; readonly costSeconds: number };

function poolArms(arms: readonly Arm[]): Pooled {
  const sum = (of: (arm: Arm) => number): number => arms.reduce((total, arm) => total + of(arm), 0);
  const successes = sum((arm) => arm.successes);
  const pulls = sum((arm) => arm.pulls);
  return {
    gain: successes > 0 ? sum((arm) => arm.totalGain) / successes : 1,
    costSeconds: pulls > 0 ? sum((arm) => arm.totalCostSeconds) / pulls : 1,
  };
}

function drawGainPerSecond(arm: Arm, pooled: Pooled, random: Random): number {
  const { successRate = 0.25, strength = 2, gain = pooled.gain, costSeconds = pooled.costSeconds } = arm.prior;
  const failures = Math.max(0, arm.pulls - arm.successes);
  const probability = random.beta(successRate * strength + arm.successes, (1 - successRate) * strength + failures);
  // Inverse gamma with prior shape 3 and mean `gain`.
  const size = (2 * gain + arm.totalGain) / random.gamma(3 + arm.successes);
  const cost = (costSeconds + arm.totalCostSeconds) / (1 + arm.pulls);
  return (probability * size) / cost;
}
