import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalDensity } from './normal.ts';
import { createRandom } from './random.ts';
import {
  createSequentialTest,
  logEValue,
  observeDifferences,
  posteriorGain,
  probabilityOfGain,
  probabilityOfSuccess,
} from './sequential-test.ts';

/** The mixture integral itself, by the midpoint rule. */
const integrated = (variance: number, tau: number, n: number, sum: number): number => {
  const steps = 20_000;
  const width = (12 * tau) / steps;
  let total = 0;
  for (let step = 0; step < steps; step++) {
    const theta = (step + 0.5) * width;
    total +=
      ((2 * normalDensity(theta / tau)) / tau) *
      Math.exp((theta * sum) / variance - (n * theta * theta) / (2 * variance));
  }
  return total * width;
};

/** Share of campaigns of up to `most` pairs whose e-value ever reaches 1 / alpha, and the mean e-value at stopping. */
const simulate = (options: { theta: number; alpha: number; tau: number; most: number; runs: number; seed: string }) => {
  const random = createRandom(options.seed);
  let alarms = 0;
  let meanAtStop = 0;
  for (let run = 0; run < options.runs; run++) {
    let test = createSequentialTest({ variance: 1, tau: options.tau });
    for (let pair = 0; pair < options.most && logEValue(test) < -Math.log(options.alpha); pair++) {
      test = observeDifferences(test, [options.theta + random.normal()]);
    }
    if (logEValue(test) >= -Math.log(options.alpha)) alarms++;
    meanAtStop += Math.exp(logEValue(test)) / options.runs;
  }
  return { rate: alarms / options.runs, meanAtStop };
};

describe('one-sided mixture SPRT', () => {
  it('equals the integral of the likelihood ratio', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 4, noNaN: true }),
        fc.double({ min: 0.1, max: 2, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: -2, max: 2, noNaN: true }),
        (variance, tau, n, z) => {
          const sum = z * Math.sqrt(n * variance);
          const test = { variance, tau, n, sum };
          expect(Math.exp(logEValue(test)) / integrated(variance, tau, n, sum)).toBeCloseTo(1, 6);
        },
      ),
      { numRuns: 30, seed: 2 },
    );
  });

  it('has expectation 1 at every n without a gain, by integration over the data', () => {
    for (const n of [1, 4, 32]) {
      const width = 0.002;
      let expected = 0;
      for (let z = -36; z < 36; z += width) {
        expected += normalDensity(z) * width * Math.exp(logEValue({ variance: 1, tau: 0.7, n, sum: z * Math.sqrt(n) }));
      }
      expect(expected).toBeCloseTo(1, 3);
    }
  });

  it('keeps the false-alarm rate under optional stopping, and falls below it when the candidate is worse', () => {
    const common = { alpha: 0.05, tau: 0.5, most: 100, runs: 4000 };
    const atNull = simulate({ ...common, theta: 0, seed: 'null' });
    expect(atNull.rate).toBeLessThan(0.05);
    expect(atNull.rate).toBeGreaterThan(0.015);
    expect(atNull.meanAtStop).toBeLessThan(1.1);
    expect(atNull.meanAtStop).toBeGreaterThan(0.9);
    const worse = simulate({ ...common, theta: -0.1, seed: 'worse' });
    expect(worse.rate).toBeLessThan(atNull.rate / 2);
    expect(worse.meanAtStop).toBeLessThan(0.7);
  });

  it('finds a gain of the size it was made for', () => {
    const power = simulate({ theta: 1.5, alpha: 0.01, tau: 1.5, most: 12, runs: 500, seed: 'gain' });
    expect(power.rate).toBeGreaterThan(0.8);
  });

  it('starts at e-value 1, rises with the sum and never overflows', () => {
    const start = createSequentialTest({ variance: 1e-12, tau: 1 });
    expect(logEValue(start)).toBeCloseTo(0, 14);
    expect(logEValue(observeDifferences(start, [1e3, 1e3]))).toBeGreaterThan(1e9);
    expect(logEValue(observeDifferences(start, [-1e3, -1e3]))).toBeLessThan(0);
    expect(Number.isFinite(logEValue(observeDifferences(start, [-1e6])))).toBe(true);
    expect(() => observeDifferences(start, [Number.NaN])).toThrow('differences[0]');
    expect(() => createSequentialTest({ variance: 0, tau: 1 })).toThrow('variance must be');
  });

  it('adds pairs one by one as it does at once', () => {
    const start = createSequentialTest({ variance: 2, tau: 1 });
    const oneByOne = [0.5, -0.25, 2].reduce((test, difference) => observeDifferences(test, [difference]), start);
    expect(oneByOne).toEqual(observeDifferences(start, [0.5, -0.25, 2]));
  });
});

describe('futility', () => {
  it('gives the posterior of the gain', () => {
    const test = { variance: 1, tau: 1, n: 3, sum: 3 };
    expect(posteriorGain(test)).toEqual({ mean: 0.75, sd: 0.5 });
    expect(probabilityOfGain(test, 0.75)).toBeCloseTo(0.5, 12);
    expect(probabilityOfGain(createSequentialTest({ variance: 1, tau: 1 }))).toBeCloseTo(0.5, 12);
  });

  it('predicts the share of continuations that succeed', () => {
    const random = createRandom('predict');
    const test = { variance: 1, tau: 0.8, n: 4, sum: 3 };
    const { mean, sd } = posteriorGain(test);
    let successes = 0;
    for (let run = 0; run < 20_000; run++) {
      const gain = mean + sd * random.normal();
      const sum = test.sum + 8 * gain + Math.sqrt(8) * random.normal();
      if (logEValue({ ...test, n: 12, sum }) >= Math.log(20)) successes++;
    }
    expect(probabilityOfSuccess(test, { n: 12, threshold: 20 })).toBeCloseTo(successes / 20_000, 1.7);
    expect(probabilityOfSuccess({ ...test, sum: -3 }, { n: 12, threshold: 20 })).toBeLessThan(0.01);
    expect(probabilityOfSuccess({ ...test, sum: 30 }, { n: 4, threshold: 20 })).toBe(1);
  });
});
