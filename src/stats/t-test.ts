import { requireFinite, requireProbability, requireSample } from './argument-checks.ts';
import { mean, variance } from './summary.ts';
import { studentTCdf, studentTQuantile } from './student-t.ts';

/** `less` asks whether the mean lies below the null value, `greater` whether above. */
export type Alternative = 'less' | 'greater' | 'two-sided';

export type TTestOptions = {
  /** Default `two-sided`. */
  readonly alternative?: Alternative;
  /** The value of the mean (or difference) under the null hypothesis. Default 0. */
  readonly nullValue?: number;
  /** Coverage of the interval. Default 0.95. */
  readonly confidence?: number;
};

export type TTestResult = {
  readonly n: number;
  readonly df: number;
  /** Infinite when the values do not vary and differ from the null; 0 when they equal it. */
  readonly t: number;
  readonly p: number;
  /** The mean, or difference of means, in units of the values. */
  readonly estimate: number;
  readonly standardError: number;
  /** One-sided for a one-sided alternative, then one end is infinite, as in SciPy. */
  readonly interval: { readonly low: number; readonly high: number };
};

/**
 * Student's one-sample t-test (Student 1908). Values that do not vary give p = 0 or 1: the caller must decide whether so
 * little noise is believable.
 */
export function oneSampleTTest(values: readonly number[], options: TTestOptions = {}): TTestResult {
  requireSample('values', values, 2);
  const standardError = Math.sqrt(variance(values) / values.length);
  return finish({ n: values.length, df: values.length - 1, estimate: mean(values), standardError }, options);
}

/** One-sample test of the differences left[i] - right[i]. */
export function pairedTTest(
  left: readonly number[],
  right: readonly number[],
  options: TTestOptions = {},
): TTestResult {
  if (left.length !== right.length) {
    throw new RangeError(`left and right must have equal length, got ${left.length} and ${right.length}`);
  }
  return oneSampleTTest(
    left.map((value, index) => value - (right[index] as number)),
    options,
  );
}

/** Two independent samples with unequal variances (Welch 1947); the estimate is mean(left) - mean(right), n counts both. */
export function welchTTest(left: readonly number[], right: readonly number[], options: TTestOptions = {}): TTestResult {
  requireSample('left', left, 2);
  requireSample('right', right, 2);
  const leftPart = variance(left) / left.length;
  const rightPart = variance(right) / right.length;
  const total = leftPart + rightPart;
  const df =
    total === 0
      ? left.length + right.length - 2
      : total ** 2 / (leftPart ** 2 / (left.length - 1) + rightPart ** 2 / (right.length - 1));
  const n = left.length + right.length;
  return finish({ n, df, estimate: mean(left) - mean(right), standardError: Math.sqrt(total) }, options);
}

type Measured = Pick<TTestResult, 'n' | 'df' | 'estimate' | 'standardError'>;

function finish(measured: Measured, options: TTestOptions): TTestResult {
  const { alternative = 'two-sided', nullValue = 0, confidence = 0.95 } = options;
  requireFinite('nullValue', nullValue);
  requireProbability('confidence', confidence);
  const { df, estimate, standardError } = measured;
  const difference = estimate - nullValue;
  const t = difference === 0 ? 0 : difference / standardError;
  const tail = alternative === 'two-sided' ? (1 - confidence) / 2 : 1 - confidence;
  const reach = standardError === 0 ? 0 : -studentTQuantile(tail, df) * standardError;
  return {
    ...measured,
    t,
    p: pValue(t, df, alternative),
    interval: {
      low: alternative === 'less' ? -Infinity : estimate - reach,
      high: alternative === 'greater' ? Infinity : estimate + reach,
    },
  };
}

function pValue(t: number, df: number, alternative: Alternative): number {
  switch (alternative) {
    case 'less':
      return studentTCdf(t, df);
    case 'greater':
      return studentTCdf(-t, df);
    case 'two-sided':
      return Math.min(1, 2 * studentTCdf(-Math.abs(t), df));
  }
}
