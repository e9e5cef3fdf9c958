import { describe, expect, it } from 'vitest';
import { bootstrapInterval } from './bootstrap.ts';
import { createRandom } from './random.ts';
import * as scipy from './scipy-values.fixture.ts';
import { mean, median } from './summary.ts';

describe('bootstrapInterval', () => {
  it('agrees with SciPy’s BCa interval for the mean', () => {
    const interval = bootstrapInterval({
      values: scipy.skewed,
      statistic: mean,
      random: createRandom(1),
      confidence: 0.9,
      resamples: 30_000,
    });
    expect(interval.method).toBe('bca');
    expect(Math.abs(interval.low - scipy.bcaSkewed[0])).toBeLessThan(0.03);
    expect(Math.abs(interval.high - scipy.bcaSkewed[1])).toBeLessThan(0.06);
  });

  it('agrees with SciPy for small differences', () => {
    const differences = scipy.samples.baseline.map((value, index) => value - (scipy.samples.candidate[index] ?? 0));
    const interval = bootstrapInterval({
      values: differences,
      statistic: mean,
      random: createRandom(2),
      resamples: 20_000,
    });
    expect(interval.low).toBeCloseTo(scipy.bcaMean[0], 3.7);
    expect(interval.high).toBeCloseTo(scipy.bcaMean[1], 3.7);
  });

  it('works for the median and for values that do not vary', () => {
    const interval = bootstrapInterval({
      values: [1, 2, 3, 4, 5, 6, 7, 8, 100],
      statistic: median,
      random: createRandom(3),
    });
    expect(interval.low).toBeLessThan(5);
    expect(interval.high).toBeLessThan(101);
    expect(bootstrapInterval({ values: [2, 2, 2], statistic: mean, random: createRandom(3) })).toEqual({
      estimate: 2,
      low: 2,
      high: 2,
      method: 'percentile',
    });
    expect(() => bootstrapInterval({ values: [1], statistic: mean, random: createRandom(3) })).toThrow(
      'values needs at least 2',
    );
  });
});
