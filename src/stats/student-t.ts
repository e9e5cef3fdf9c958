import { requirePositive, requireProbability } from './argument-checks.ts';
import { incompleteBeta } from './beta-function.ts';
import { findRootOfRising } from './find-root.ts';

/** P(T <= t) for Student's t with `df` degrees of freedom (not necessarily whole). Abramowitz and Stegun 26.7.1. */
export function studentTCdf(t: number, df: number): number {
  requirePositive('df', df);
  if (Number.isNaN(t)) throw new RangeError(`t must be a number, got ${t}`);
  if (!Number.isFinite(t)) return t > 0 ? 1 : 0;
  const square = t * t;
  const tail = 0.5 * incompleteBeta(df / 2, 0.5, df / (df + square), square / (df + square));
  return t < 0 ? tail : 1 - tail;
}

/** The t with P(T <= t) = probability. */
export function studentTQuantile(probability: number, df: number): number {
  requireProbability('probability', probability);
  requirePositive('df', df);
  if (probability === 0.5) return 0;
  if (probability > 0.5) return -studentTQuantile(1 - probability, df);
  // Heavy tails (df near 1) reach 1e6 and more, so the search runs over the logarithm of -t.
  const target = Math.log(probability);
  const logSize = findRootOfRising((x) => target - Math.log(studentTCdf(-Math.exp(x), df)), -2, 2);
  return -Math.exp(logSize);
}
