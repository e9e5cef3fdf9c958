import { requireCount, requireFinite, requirePositive } from './argument-checks.ts';
import { logNormalCdf, logScaledNormalCdf } from './normal.ts';

/** What an always-valid test of paired differences has seen: enough to go on, and to be stored. */
export type SequentialTest = {
  /** Variance of one paired difference, in squared units of the metric. Known beforehand, not from these pairs. */
  readonly variance: number;
  /** Scale of the half-normal prior on the gain: the size of an interesting gain, in units of the metric. */
  readonly tau: number;
  readonly n: number;
  /** Sum of the differences; positive means the candidate is better. */
  readonly sum: number;
};

export function createSequentialTest(options: { readonly variance: number; readonly tau: number }): SequentialTest {
  requirePositive('variance', options.variance);
  requirePositive('tau', options.tau);
  return { variance: options.variance, tau: options.tau, n: 0, sum: 0 };
}

/** Adds paired differences (baseline minus candidate where lower is better). */
export function observeDifferences(test: SequentialTest, differences: readonly number[]): SequentialTest {
  differences.forEach((difference, index) => requireFinite(`differences[${index}]`, difference));
  return {
    ...test,
    n: test.n + differences.length,
    sum: differences.reduce((sum, difference) => sum + difference, test.sum),
  };
}

/**
 * Natural logarithm of the e-value against "gain <= 0" (mixture SPRT of Robbins 1970; Johari, Pekelis, Walsh 2017, here
 * with a half-normal instead of a normal mixture so that only gains count). With S the sum and v the variance:
 *
 *   E_n = integral over theta > 0 of 2 N(theta; 0, tau^2) exp(theta S / v - n theta^2 / (2 v))
 *       = 2 sqrt(v / (v + n tau^2)) exp(S^2 tau^2 / (2 v (v + n tau^2))) Phi(S tau / sqrt(v (v + n tau^2)))
 *
 * Under theta = 0 it is a martingale with mean 1; each term of the mixture is a supermartingale under theta < 0. So
 * P(E_n ever reaches 1 / alpha) <= alpha, whatever the stopping rule (Ville 1939).
 */
export function logEValue(test: SequentialTest): number {
  const { variance, tau, n, sum } = test;
  const total = variance + n * tau * tau;
  const z = (sum * tau) / Math.sqrt(variance * total);
  return Math.LN2 + 0.5 * Math.log(variance / total) + logScaledNormalCdf(z);
}

/**
 * Probability, given the pairs so far, that `n` pairs in all would bring the e-value to `threshold` or above. The gain has
 * the prior N(0, tau^2), two-sided. Below a few per cent, more pairs are not worth their cost (predictive power: Spiegelhalter,
 * Freedman, Blackburn 1986). Stopping on it never harms the test's validity.
 *
 * @param options.belief What is believed of the gain, pairs so far included, instead of the posterior under that prior.
 */
export function probabilityOfSuccess(
  test: SequentialTest,
  options: {
    readonly n: number;
    readonly threshold: number;
    readonly belief?: { readonly mean: number; readonly sd: number };
  },
): number {
  requireCount('n', options.n, test.n);
  requirePositive('threshold', options.threshold);
  const needed = neededSum(test, options.n, Math.log(options.threshold));
  const remaining = options.n - test.n;
  if (remaining === 0) return test.sum >= needed ? 1 : 0;
  const gain = options.belief ?? posteriorGain(test);
  const spread = Math.sqrt(remaining * test.variance + remaining ** 2 * gain.sd ** 2);
  return Math.exp(logNormalCdf((test.sum + remaining * gain.mean - needed) / spread));
}

/** Posterior of the gain under the prior N(0, tau^2), in units of the metric. */
export function posteriorGain(test: SequentialTest): { readonly mean: number; readonly sd: number } {
  const total = test.variance + test.n * test.tau * test.tau;
  return { mean: (test.tau ** 2 * test.sum) / total, sd: test.tau * Math.sqrt(test.variance / total) };
}

/** Posterior probability that the gain is above `delta` (units of the metric) under the prior N(0, tau^2). */
export function probabilityOfGain(test: SequentialTest, delta = 0): number {
  requireFinite('delta', delta);
  const gain = posteriorGain(test);
  return Math.exp(logNormalCdf((gain.mean - delta) / gain.sd));
}

/** The sum at which the e-value of n pairs equals the threshold; the e-value rises with the sum. */
function neededSum(test: SequentialTest, n: number, logThreshold: number): number {
  const excess = (sum: number): number => logEValue({ ...test, n, sum }) - logThreshold;
  const unit = Math.sqrt(test.variance * Math.max(n, 1)) + test.tau * n;
  if (n === 0) return logThreshold <= 0 ? -Infinity : Infinity;
  let low = -unit;
  let high = unit;
  while (excess(low) > 0) low *= 2;
  while (excess(high) < 0) high *= 2;
  for (let step = 0; step < 100; step++) {
    const middle = 0.5 * (low + high);
    if (excess(middle) < 0) low = middle;
    else high = middle;
  }
  return high;
}
