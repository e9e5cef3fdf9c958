import { describe, expect, it } from 'vitest';
import { driftChart } from './drift-chart.ts';
import { estimateNoiseFloor, pairedDifferenceVariance, sigmaUpperBound } from './noise-floor.ts';
import { createRandom } from './random.ts';

describe('noise floor', () => {
  it('pools groups with different means and inflates while df is small', () => {
    const floor = estimateNoiseFloor([
      [1, 3],
      [10, 12, 14],
    ]);
    expect(floor).toMatchObject({ sigma: Math.sqrt(10 / 3), df: 3 });
    expect(sigmaUpperBound(1, 4)).toBeCloseTo(1.5576, 4);
    expect(sigmaUpperBound(1, 400)).toBeLessThan(1.04);
  });

  it('bounds the true sigma with the stated confidence', () => {
    const random = createRandom('bound');
    let covered = 0;
    for (let run = 0; run < 2000; run++) {
      const values = Array.from({ length: 5 }, () => 0.01 * random.normal());
      if (estimateNoiseFloor([values]).sigmaUsed >= 0.01) covered++;
    }
    expect(covered / 2000).toBeGreaterThan(0.77);
    expect(covered / 2000).toBeLessThan(0.83);
  });

  it('gives the variance of a paired difference', () => {
    expect(pairedDifferenceVariance(2, 0.75)).toBe(2);
    expect(() => pairedDifferenceVariance(1, 2)).toThrow('correlationOfPairs must be between -1 and 1, got 2');
  });
});

describe('drift chart', () => {
  const random = createRandom('drift');
  const noise = Array.from({ length: 4000 }, () => random.normal());

  it('rarely alarms without drift', () => {
    const alarms = driftChart(noise, { centre: 0, sigma: 1 }).filter((point) => point.isDrifting).length;
    expect(alarms / noise.length).toBeLessThan(0.008);
  });

  it('sees a shift of 1.5 sigma within some ten values', () => {
    const shifted = noise.slice(0, 60).map((value, index) => (index < 30 ? value * 0.5 : value * 0.5 + 1.5));
    const points = driftChart(shifted, { centre: 0, sigma: 1 });
    expect(points.slice(0, 30).some((point) => point.isDrifting)).toBe(false);
    expect(points.slice(30, 42).some((point) => point.isDrifting)).toBe(true);
  });

  it('has the exact limit for the first value', () => {
    expect(driftChart([5], { centre: 5, sigma: 2 })[0]).toEqual({
      average: 5,
      limit: expect.closeTo(1.2, 10),
      isDrifting: false,
    });
  });
});
