import { studentTCdf, studentTQuantile } from '../../stats/student-t.ts';

/** A sample of two runs or more that vary. */
export interface Spread {
  readonly n: number;
  readonly mean: number;
  readonly sd: number;
}

export interface SummaryTest {
  /** The mean less the null value, or the left mean less the right one. */
  readonly difference: number;
  readonly standardError: number;
  readonly df: number;
  readonly t: number;
  /** One-sided, that the difference is below 0. */
  readonly p: number;
  /** 95 %, two-sided. */
  readonly low: number;
  readonly high: number;
}

/** Student's one-sample t-test (Student 1908) from statistics; the same as `oneSampleTTest` of the values, alternative `less`. */
export function oneSampleFromSummary({ n, mean, sd }: Spread, nullValue: number): SummaryTest {
  return finish(mean - nullValue, sd / Math.sqrt(n), n - 1);
}

/** Welch's test (Welch 1947) from statistics; the same as `welchTTest` of the values, alternative `less`. */
export function welchFromSummary(left: Spread, right: Spread): SummaryTest {
  const leftPart = left.sd ** 2 / left.n;
  const rightPart = right.sd ** 2 / right.n;
  const df = (leftPart + rightPart) ** 2 / (leftPart ** 2 / (left.n - 1) + rightPart ** 2 / (right.n - 1));
  return finish(left.mean - right.mean, Math.sqrt(leftPart + rightPart), df);
}

function finish(difference: number, standardError: number, df: number): SummaryTest {
  const t = difference / standardError;
  const reach = studentTQuantile(0.975, df) * standardError;
  return {
    difference,
    standardError,
    df,
    t,
    p: studentTCdf(t, df),
    low: difference - reach,
    high: difference + reach,
  };
}
