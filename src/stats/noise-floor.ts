import { requireCount, requireNotNegative, requireProbability } from './argument-checks.ts';
import { chiSquareQuantile } from './chi-square.ts';
import { pooledVariance } from './summary.ts';

/** How much one measurement varies when nothing changes. All sigmas in units of the metric. */
export type NoiseFloor = {
  /** Plain estimate. */
  readonly sigma: number;
  readonly df: number;
  /** Upper confidence bound of sigma: what tests use, so that a lucky estimate does not make them too sure. */
  readonly sigmaUsed: number;
};

/**
 * Sigma from repeated baselines, in one or several groups that may have different means (tasks, machines, parents).
 *
 * @param confidence One-sided confidence of the bound. Default 0.8, a factor 1.56 at 4 df and 1.13 at 30. With it, the
 * sequential test at alpha 0.01 has a simulated false-alarm rate over 12 pairs of 0.012, 0.004, 0.002 with sigma from 5, 10, 20
 * baselines; with the plain estimate 0.049, 0.015, 0.008. So: at least 10 baselines.
 */
export function estimateNoiseFloor(groups: readonly (readonly number[])[], confidence = 0.8): NoiseFloor {
  const pooled = pooledVariance(groups);
  const sigma = Math.sqrt(pooled.variance);
  return { sigma, df: pooled.df, sigmaUsed: sigmaUpperBound(sigma, pooled.df, confidence) };
}

/** Upper bound sigma sqrt(df / chi2_quantile(1 - confidence, df)) of a normal sample's standard deviation. */
export function sigmaUpperBound(sigma: number, df: number, confidence = 0.8): number {
  requireNotNegative('sigma', sigma);
  requireCount('df', df, 1);
  requireProbability('confidence', confidence);
  return sigma * Math.sqrt(df / chiSquareQuantile(1 - confidence, df));
}

/** Variance of the difference of two runs that share a seed: 2 sigma^2 (1 - rho). */
export function pairedDifferenceVariance(sigma: number, correlationOfPairs: number): number {
  requireNotNegative('sigma', sigma);
  if (!(correlationOfPairs >= -1 && correlationOfPairs <= 1)) {
    throw new RangeError(`correlationOfPairs must be between -1 and 1, got ${correlationOfPairs}`);
  }
  return 2 * sigma * sigma * (1 - correlationOfPairs);
}
