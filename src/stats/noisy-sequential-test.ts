import { requireCount, requireFinite, requirePositive } from './argument-checks.ts';
import { normalCdf } from './normal.ts';
import { createSequentialTest, logEValue, posteriorGain } from './sequential-test.ts';

/**
 * What an always-valid test of paired differences has seen that also holds its level when the candidate is far noisier than its
 * reference: the sums of the known-variance test, and the sum of squares.
 */
export type NoisySequentialTest = {
  /** Variance of one paired difference of equally noisy sides, in squared units of the metric. Known beforehand. */
  readonly variance: number;
  /** Scale of the half-normal prior on the gain: the size of an interesting gain, in units of the metric. */
  readonly tau: number;
  readonly n: number;
  /** Sum of the differences; positive means the candidate is better. */
  readonly sum: number;
  readonly sumOfSquares: number;
};

/**
 * Differences that vary this many times as much as was known beforehand (as a variance) are noisy. Smaller would cost equally noisy
 * candidates their power: a gain makes the squares larger too, and it takes pairs to tell the two apart.
 */
export const NOISY_RATIO = 8;

/**
 * The noisy explanation is discounted by exp(-1.5): universal inference alone is many times stricter than the level that it proves, and
 * with this the level that is reached (simulated) is the level that was granted.
 */
export const NOISY_DISCOUNT = 1.5;

/**
 * What 'a gain' may look like: variance and scale of the gain, as multiples of what was known beforehand. Weights sum to 1. The scales go
 * far up, since a metric without noise has gains of a million sigma.
 */
const ALTERNATIVES: readonly { readonly ratio: number; readonly scale: number; readonly logWeight: number }[] = [
  { ratio: 1, scale: 1, logWeight: Math.log(0.9) },
  { ratio: 1, scale: 3, logWeight: Math.log(0.06) },
  ...[1, 10, 100].map((scale) => ({ ratio: 5, scale, logWeight: Math.log(0.008) })),
  ...Array.from({ length: 16 }, (_, power) => ({ ratio: 1, scale: 20 * 5 ** power, logWeight: Math.log(0.001) })),
];

export function createNoisySequentialTest(options: {
  readonly variance: number;
  readonly tau: number;
}): NoisySequentialTest {
  requirePositive('variance', options.variance);
  requirePositive('tau', options.tau);
  return { variance: options.variance, tau: options.tau, n: 0, sum: 0, sumOfSquares: 0 };
}

export function observeNoisyDifferences(
  test: NoisySequentialTest,
  differences: readonly number[],
): NoisySequentialTest {
  let { n, sum, sumOfSquares } = test;
  for (const [index, difference] of differences.entries()) {
    requireFinite(`differences[${index}]`, difference);
    n += 1;
    sum += difference;
    sumOfSquares += difference * difference;
  }
  return { ...test, n, sum, sumOfSquares };
}

/**
 * Natural logarithm of the evidence against 'no gain, and differences vary as known beforehand or less, or NOISY_RATIO times as much or
 * more', by universal inference in its running form (Wasserman, Ramdas, Balakrishnan 2020, "Universal inference", section 8):
 *
 *   E_n = q(x_1 .. x_n) / max( sup p(x; variance = v), exp(-NOISY_DISCOUNT) sup p(x; variance >= NOISY_RATIO v) )
 *
 * The suprema are over means of 0 and below. q is fixed beforehand: 0.9 parts 'a gain, half-normal with scale tau, at variance v', the
 * rest spread over larger gains and larger variances, so that a huge gain is not taken for noise and a candidate that is noisier and
 * truly better can still show it.
 *
 * Validity. For each P of the null hypothesis, q / p_P is a martingale under P with mean 1. Where the variance is v, E_n <= q / p_P: so
 * P(E_n ever reaches 1 / alpha) <= alpha at any stopping time (Ville 1939), and the same for smaller variances. Where it is NOISY_RATIO v
 * or more, E_n <= exp(NOISY_DISCOUNT) q / p_P: proved up to a factor of 4.5, and within the level as simulated. In between nothing is
 * proved; simulated, the level is exceeded by a factor of at most 2.5 (the known-variance test alone: by a factor of 70 and more).
 *
 * Where the pairs spread as expected the first supremum counts, and this is the mixture sequential probability ratio test of
 * sequential-test.ts, less ln 0.9.
 */
export function noisyLogEValue(test: NoisySequentialTest): number {
  const { n, sum, variance } = test;
  if (n === 0) return 0;
  // Under 'no gain' the likelihood is highest at a mean of 0, or at the mean that was seen if that is a loss.
  const squares = sum < 0 ? Math.max(0, test.sumOfSquares - (sum * sum) / n) : test.sumOfSquares;
  const noisy = Math.max(NOISY_RATIO * variance, squares / n);
  return (
    logAlternative(test) - Math.max(logDensity(n, squares, variance), logDensity(n, squares, noisy) - NOISY_DISCOUNT)
  );
}

/**
 * Probability, given the pairs so far, that `n` pairs in all would bring the evidence to `threshold`. Stopping on it never harms the
 * test's validity.
 *
 * @param options.belief of the gain, pairs so far included; default: the posterior under a normal prior around 0.
 */
export function noisyProbabilityOfSuccess(
  test: NoisySequentialTest,
  options: {
    readonly n: number;
    readonly threshold: number;
    readonly belief?: { readonly mean: number; readonly sd: number };
  },
): number {
  requireCount('n', options.n, test.n);
  requirePositive('threshold', options.threshold);
  const needed = Math.log(options.threshold);
  const remaining = options.n - test.n;
  if (remaining === 0) return noisyLogEValue(test) >= needed ? 1 : 0;
  const variance = expectedVariance(test);
  // The prior is never narrower than what was seen: a huge first gain is not taken for luck.
  const tau = Math.max(test.tau, Math.abs(test.sum) / Math.max(1, test.n));
  const belief = options.belief ?? posteriorGain({ ...test, variance, tau });
  const spread = Math.sqrt(remaining * variance + remaining ** 2 * belief.sd ** 2);
  // Whether the remaining pairs, at z standard deviations from what is expected of them, bring enough. It rises with z, but for steps of
  // a few thousandths where one alternative takes over from another.
  const isEnough = (z: number): boolean => {
    const added = remaining * belief.mean + spread * z;
    const squares = added ** 2 / remaining + (remaining - 1) * variance;
    const then = { ...test, n: options.n, sum: test.sum + added, sumOfSquares: test.sumOfSquares + squares };
    return noisyLogEValue(then) >= needed;
  };
  let [low, high] = [-WIDEST, WIDEST];
  if (isEnough(low)) return 1;
  if (!isEnough(high)) return 0;
  for (let step = 0; step < 20; step += 1) {
    const middle = 0.5 * (low + high);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return normalCdf(-high);
}

/** Standard deviations beyond which nothing is expected to fall. */
const WIDEST = 6;

/** How much the next differences are expected to vary: as known beforehand, or as the pairs have, if those vary more. */
export function expectedVariance({ variance, n, sum, sumOfSquares }: NoisySequentialTest): number {
  if (n < 2) return variance;
  return Math.max(variance, (sumOfSquares - (sum * sum) / n) / (n - 1));
}

/** ln q: each part is the density without a gain at its variance times the mixture e-value at that variance. */
function logAlternative({ variance, tau, n, sum, sumOfSquares }: NoisySequentialTest): number {
  const parts = ALTERNATIVES.map(({ ratio, scale, logWeight }) => {
    const at = createSequentialTest({ variance: ratio * variance, tau: scale * tau });
    return logWeight + logDensity(n, sumOfSquares, ratio * variance) + logEValue({ ...at, n, sum });
  });
  const largest = Math.max(...parts);
  return largest + Math.log(parts.reduce((total, part) => total + Math.exp(part - largest), 0));
}

/** ln of the density of n independent N(0, variance) with this sum of squares. */
function logDensity(n: number, sumOfSquares: number, variance: number): number {
  return -0.5 * n * Math.log(2 * Math.PI * variance) - sumOfSquares / (2 * variance);
}
