import { describe, expect, it } from 'vitest';
import * as scipy from './scipy-values.fixture.ts';
import { correlation, mean, median, pooledVariance, quantile, standardDeviation } from './summary.ts';

describe('summary', () => {
  it.each(scipy.quantiles)('quantile %d equals NumPy', (probability, wanted) => {
    expect(quantile(scipy.skewed, probability)).toBeCloseTo(wanted, 12);
  });

  it('gives mean, median and standard deviation', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(median([5, 1, 2, 10])).toBe(3.5);
    expect(standardDeviation([1, 3])).toBeCloseTo(Math.SQRT2, 14);
  });

  it('pools variances within groups and skips groups of one', () => {
    expect(pooledVariance([[1, 3], [10, 12, 14], [99]])).toEqual({ variance: 10 / 3, df: 3 });
    expect(() => pooledVariance([[1], []])).toThrow('groups need at least one group with 2 values');
  });

  it('has no correlation where a side does not vary', () => {
    expect(correlation([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 14);
    expect(correlation([1, 2], [3, 3])).toBeUndefined();
    expect(() => correlation([1, 2], [3, 3, 3])).toThrow('equal length');
  });
});
