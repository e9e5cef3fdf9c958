import { describe, expect, it } from 'vitest';
import * as scipy from './scipy-values.fixture.ts';
import { oneSampleTTest, pairedTTest, welchTTest, type TTestOptions, type TTestResult } from './t-test.ts';

const { candidate, baseline, other } = scipy.samples;

const run = (kind: 'one-sample' | 'paired' | 'welch', options: TTestOptions): TTestResult => {
  if (kind === 'one-sample') return oneSampleTTest(candidate, { ...options, nullValue: 3.28 });
  return kind === 'paired' ? pairedTTest(candidate, baseline, options) : welchTTest(candidate, other, options);
};

describe('t-tests', () => {
  it.each(scipy.tTests)('%s, %s, equals SciPy', (kind, alternative, confidence, t, df, p, low, high) => {
    const result = run(kind, { alternative, confidence });
    expect(result.t).toBeCloseTo(t, 9);
    expect(result.df).toBeCloseTo(df, 9);
    expect(result.p).toBeCloseTo(p, 11);
    expect(result.interval.low).toBeCloseTo(low ?? -Infinity, 9);
    expect(result.interval.high).toBeCloseTo(high ?? Infinity, 9);
  });

  it('treats values that do not vary as certain', () => {
    expect(oneSampleTTest([2, 2, 2], { alternative: 'greater', nullValue: 1 })).toMatchObject({ t: Infinity, p: 0 });
    expect(oneSampleTTest([2, 2], { alternative: 'less', nullValue: 1 })).toMatchObject({ t: Infinity, p: 1 });
    expect(oneSampleTTest([1, 1], { nullValue: 1 })).toMatchObject({ t: 0, p: 1, interval: { low: 1, high: 1 } });
    expect(welchTTest([1, 1], [2, 2, 2]).df).toBe(3);
  });

  it('refuses samples that are too small, unequal or not finite', () => {
    expect(() => oneSampleTTest([1])).toThrow('values needs at least 2 values, got 1');
    expect(() => pairedTTest([1, 2], [1])).toThrow('equal length, got 2 and 1');
    expect(() => welchTTest([1, 2], [1, Number.NaN])).toThrow('right[1] must be a finite number, got NaN');
  });
});
