import { requireFinite, requireNotNegative, requirePositive } from './argument-checks.ts';
import { logIncompleteBeta } from './beta-function.ts';

/** Sufficient statistics of paired differences whose variance is not known. */
export type TMixture = {
  /** Standard deviation of the normal prior on gain / sigma, without unit. 1 is the usual choice. */
  readonly effectScale: number;
  readonly n: number;
  readonly sum: number;
  readonly sumOfSquares: number;
};

export function createTMixture(options: { readonly effectScale: number }): TMixture {
  requirePositive('effectScale', options.effectScale);
  return { effectScale: options.effectScale, n: 0, sum: 0, sumOfSquares: 0 };
}

export function observeTMixture(test: TMixture, differences: readonly number[]): TMixture {
  differences.forEach((difference, index) => requireFinite(`differences[${index}]`, difference));
  return {
    ...test,
    n: test.n + differences.length,
    sum: differences.reduce((sum, difference) => sum + difference, test.sum),
    sumOfSquares: differences.reduce((sum, difference) => sum + difference * difference, test.sumOfSquares),
  };
}

/**
 * Natural logarithm of the anytime-valid t-test's e-value. The right-Haar prior on sigma removes the scale, and the
 * standardised gain delta has prior N(0, g), g = effectScale^2 (two-sided), or its positive half (`greater`).
 * Two-sided: Gronau, Ly, Wagenmakers 2020 with known mean 0 of the prior; Wang and Ramdas 2023, "Anytime-valid t-tests".
 *
 * With r = sum / sqrt(sumOfSquares) and k = r^2 g / (1 + n g), the likelihood ratio of the scale-invariant data is
 * exp(-n delta^2 / 2) E[exp(delta r W)] with W chi-distributed (n df). Integrating delta first and W second gives
 *
 *   two-sided: E = (1 + n g)^(-1/2) (1 - k)^(-n/2)
 *   greater:   E = 2 (1 + n g)^(-1/2) (1 - k)^(-n/2) T_n(sign(r) sqrt(n k / (1 - k))), T_n Student's cdf with n df
 *
 * Validity of `greater` against every gain <= 0: a shift by c <= 0 lowers the t statistic of every prefix, and E rises with
 * it, so E of the shifted data lies below E of the unshifted data at every n; P(E ever reaches 1 / alpha) <= alpha by Ville
 * 1939. The stopping rule may look at E (or t) only, not at the scale of the data. Differences of exactly zero so far: E = 1.
 */
export function tMixtureLogEValue(test: TMixture, alternative: 'greater' | 'two-sided' = 'greater'): number {
  requireNotNegative('sumOfSquares', test.sumOfSquares);
  const { n, sum, sumOfSquares } = test;
  if (n === 0 || sumOfSquares === 0) return 0;
  const g = test.effectScale ** 2;
  const k = ((sum * sum) / sumOfSquares) * (g / (1 + n * g));
  const twoSided = -0.5 * Math.log1p(n * g) - 0.5 * n * Math.log1p(-k);
  if (alternative === 'two-sided') return twoSided;
  // T_n(-sqrt(n k / (1 - k))) = I_{1-k}(n/2, 1/2) / 2, in logarithms: far from the alternative it underflows while the
  // two-sided part overflows.
  const logTail = logIncompleteBeta(n / 2, 0.5, 1 - k, k) - Math.LN2;
  return twoSided + Math.LN2 + (sum < 0 ? logTail : Math.log1p(-Math.exp(logTail)));
}
