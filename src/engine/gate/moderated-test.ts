import type { Interval } from '../../domain/hypothesis.ts';
import { studentTCdf, studentTQuantile } from '../../stats/student-t.ts';
import { mean, squaredDeviations } from '../../stats/summary.ts';

export interface PairedTest {
  readonly pairs: number;
  readonly meanGain: number;
  readonly standardError: number;
  readonly degrees: number;
  /** One-sided: the probability of so large a mean gain, or a larger one, if there were none. */
  readonly p: number;
  /** Two-sided 95 % interval of the mean gain. */
  readonly interval: Interval;
}

/**
 * Paired t-test with a moderated variance: the pairs' own spread and the spread known from before, each weighted by its degrees
 * of freedom (Smyth 2004, https://doi.org/10.2202/1544-6115.1027). The prior counts for no more than the pairs themselves, and for
 * nothing when the pairs spread more than it says: a candidate that is noisier than its reference is judged by its own noise.
 *
 * @param known variance of one paired difference from earlier runs; leave out for the plain paired t-test.
 * @throws RangeError for fewer than two gains.
 */
export function moderatedPairedTest(gains: readonly number[], known?: { variance: number }): PairedTest {
  const pairs = gains.length;
  if (pairs < 2) throw new RangeError(`a paired test needs at least 2 pairs; got ${pairs}`);
  const own = pairs - 1;
  const squares = squaredDeviations(gains);
  const prior = known && squares / own <= known.variance ? own : 0;
  const degrees = own + prior;
  const variance = (squares + prior * (known?.variance ?? 0)) / degrees;
  const standardError = Math.sqrt(variance / pairs);
  const meanGain = mean(gains);
  if (standardError === 0) {
    return {
      pairs,
      meanGain,
      standardError,
      degrees,
      p: meanGain > 0 ? 0 : 1,
      interval: { low: meanGain, high: meanGain },
    };
  }
  const half = studentTQuantile(0.975, degrees) * standardError;
  return {
    pairs,
    meanGain,
    standardError,
    degrees,
    p: studentTCdf(-meanGain / standardError, degrees),
    interval: { low: meanGain - half, high: meanGain + half },
  };
}
