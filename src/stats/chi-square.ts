import { requirePositive, requireProbability } from './argument-checks.ts';
import { findRootOfRising } from './find-root.ts';
import { lowerIncompleteGamma, upperIncompleteGamma } from './gamma-function.ts';

/** P(X <= x) for chi-square with `df` degrees of freedom. */
export function chiSquareCdf(x: number, df: number): number {
  requirePositive('df', df);
  return x <= 0 ? 0 : lowerIncompleteGamma(df / 2, x / 2);
}

/** P(X >= x) for chi-square with `df` degrees of freedom, accurate in its tail. */
export function chiSquareUpperTail(x: number, df: number): number {
  requirePositive('df', df);
  return x <= 0 ? 1 : upperIncompleteGamma(df / 2, x / 2);
}

/** The x with P(X <= x) = probability. */
export function chiSquareQuantile(probability: number, df: number): number {
  requireProbability('probability', probability);
  requirePositive('df', df);
  const rising =
    probability <= 0.5
      ? (logX: number) => Math.log(lowerIncompleteGamma(df / 2, Math.exp(logX) / 2)) - Math.log(probability)
      : (logX: number) => Math.log(1 - probability) - Math.log(upperIncompleteGamma(df / 2, Math.exp(logX) / 2));
  return Math.exp(findRootOfRising(rising, Math.log(df) - 1, Math.log(df) + 1));
}
