import {
  requireCount,
  requireFinite,
  requireNotNegative,
  requirePositive,
  requireProbability,
} from './argument-checks.ts';
import { normalCdf, normalDensity, normalQuantile } from './normal.ts';

export type Effect = {
  /** Measured gain, in units of the metric. */
  readonly estimate: number;
  readonly standardError: number;
};

/** The law of true effects across a campaign's hypotheses, N(mean, sd^2), in units of the metric. */
export type EffectPrior = { readonly mean: number; readonly sd: number };

export type ShrunkEffect = {
  readonly estimate: number;
  readonly sd: number;
  readonly low: number;
  readonly high: number;
  /** Posterior probability that the effect is above zero. */
  readonly probabilityPositive: number;
};

/**
 * Normal-normal shrinkage: what to report for an effect that was selected because it looked good. The posterior needs no
 * correction for selection when the prior is right (Efron 2011, "Tweedie's formula and selection bias").
 */
export function shrinkEffect(effect: Effect, prior: EffectPrior, confidence = 0.95): ShrunkEffect {
  checkEffect(effect);
  requireNotNegative('prior.sd', prior.sd);
  requireProbability('confidence', confidence);
  const kept = prior.sd ** 2 / (prior.sd ** 2 + effect.standardError ** 2);
  const estimate = prior.mean + kept * (effect.estimate - prior.mean);
  const sd = Math.sqrt(kept) * effect.standardError;
  const reach = -normalQuantile((1 - confidence) / 2) * sd;
  const probabilityPositive = sd === 0 ? (estimate > 0 ? 1 : 0) : normalCdf(estimate / sd);
  return { estimate, sd, low: estimate - reach, high: estimate + reach, probabilityPositive };
}

/**
 * The prior from all effects measured so far (empirical Bayes), selected or not: the mean of Paule and Mandel 1982, whose sd
 * makes the weighted squared deviations equal their degrees of freedom, or 0 when noise alone explains the spread.
 */
export function estimateEffectPrior(effects: readonly Effect[]): EffectPrior {
  if (effects.length < 2) throw new RangeError(`effects needs at least 2 values, got ${effects.length}`);
  effects.forEach(checkEffect);
  const largest = Math.max(...effects.map((effect) => Math.abs(effect.estimate) + effect.standardError));
  let low = 0;
  let high = (2 * largest) ** 2 * effects.length;
  if (excessSpread(effects, 0) <= 0) return { mean: weightedMean(effects, 0), sd: 0 };
  for (let step = 0; step < 200; step++) {
    const middle = 0.5 * (low + high);
    if (excessSpread(effects, middle) > 0) low = middle;
    else high = middle;
  }
  return { mean: weightedMean(effects, high), sd: Math.sqrt(high) };
}

/** Expected largest of `count` independent standard normals: the winner's curse of a null search, in sigmas. */
export function expectedMaximumOfNulls(count: number): number {
  requireCount('count', count, 1);
  // Simpson's rule on z N phi(z) Phi(z)^(N-1); beyond 12 sigmas nothing is left for any count below 1e30.
  const steps = 4000;
  const width = 24 / steps;
  let sum = 0;
  for (let step = 0; step <= steps; step++) {
    const z = -12 + step * width;
    const weight = step === 0 || step === steps ? 1 : step % 2 === 1 ? 4 : 2;
    sum += weight * z * count * normalDensity(z) * normalCdf(z) ** (count - 1);
  }
  return (sum * width) / 3;
}

function weightedMean(effects: readonly Effect[], priorVariance: number): number {
  let total = 0;
  let weights = 0;
  for (const { estimate, standardError } of effects) {
    const weight = 1 / (standardError ** 2 + priorVariance);
    total += weight * estimate;
    weights += weight;
  }
  return total / weights;
}

function excessSpread(effects: readonly Effect[], priorVariance: number): number {
  const centre = weightedMean(effects, priorVariance);
  const spread = effects.reduce(
    (sum, { estimate, standardError }) => sum + (estimate - centre) ** 2 / (standardError ** 2 + priorVariance),
    0,
  );
  return spread - (effects.length - 1);
}

function checkEffect(effect: Effect): void {
  requireFinite('effect.estimate', effect.estimate);
  requirePositive('effect.standardError', effect.standardError);
}
