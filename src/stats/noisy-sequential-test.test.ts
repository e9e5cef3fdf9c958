import { describe, expect, it } from 'vitest';
import {
  createNoisySequentialTest,
  expectedVariance,
  noisyLogEValue,
  noisyProbabilityOfSuccess,
  observeNoisyDifferences,
} from './noisy-sequential-test.ts';
import { createRandom, type Random } from './random.ts';
import { createSequentialTest, logEValue, observeDifferences } from './sequential-test.ts';

/** One trial varies by 1, so a difference of two has variance 2; a gain of 1 is one sigma. */
const KNOWN = { variance: 2, tau: 1 };
const PAIRS = 16;

/** Share of runs whose evidence ever reaches `needed` in 16 looks. @param ratio how many times the known variance they have. */
function passes(
  random: Random,
  of: { gain: number; ratio: number; needed: number; runs: number },
): { old: number; now: number } {
  let [old, now] = [0, 0];
  const enough = Math.log(of.needed);
  for (let run = 0; run < of.runs; run += 1) {
    let plain = createSequentialTest(KNOWN);
    let noisy = createNoisySequentialTest(KNOWN);
    let [isOld, isNow] = [false, false];
    for (let pair = 0; pair < PAIRS && !(isOld && isNow); pair += 1) {
      const seen = [of.gain + Math.sqrt(KNOWN.variance * of.ratio) * random.normal()];
      plain = observeDifferences(plain, seen);
      noisy = observeNoisyDifferences(noisy, seen);
      isOld ||= logEValue(plain) >= enough;
      isNow ||= noisyLogEValue(noisy) >= enough;
    }
    old += isOld ? 1 : 0;
    now += isNow ? 1 : 0;
  }
  return { old: old / of.runs, now: now / of.runs };
}

describe('a sequential test that noise does not fool', () => {
  it.each([
    { ratio: 0.5, needed: 20 },
    { ratio: 1, needed: 20 },
    // A candidate three times as noisy as its reference: (1 + 9) / 2; and differences three times as noisy.
    { ratio: 5, needed: 20 },
    { ratio: 5, needed: 100 },
    { ratio: 9, needed: 20 },
    { ratio: 9, needed: 100 },
    { ratio: 30, needed: 20 },
  ])('with no gain and $ratio times the variance, $needed is reached as rarely as granted', ({ ratio, needed }) => {
    const runs = 8000;
    const { now } = passes(createRandom(`null ${ratio} ${needed}`), { gain: 0, ratio, needed, runs });
    const granted = 1 / needed;
    expect(now).toBeLessThan(granted + 3 * Math.sqrt((granted * (1 - granted)) / runs));
  });

  it('where the test of known variance lets a noisy no-op pass one time in five', () => {
    const { old, now } = passes(createRandom('fooled'), { gain: 0, ratio: 5, needed: 100, runs: 4000 });
    expect(old).toBeGreaterThan(0.15);
    expect(now).toBeLessThan(0.02);
  });

  it.each([2, 3, 4])(
    'with %d times the variance, for which nothing is proved, three times the level is not exceeded',
    (ratio) => {
      const { now } = passes(createRandom(`between ${ratio}`), { gain: 0, ratio, needed: 100, runs: 8000 });
      expect(now).toBeLessThan(0.03);
    },
  );

  it.each([0.5, 1, 1.5, 2, 3])(
    'costs an equally noisy candidate with a gain of %d sigma less than three points of power',
    (gain) => {
      const { old, now } = passes(createRandom(`power ${gain}`), { gain, ratio: 1, needed: 100, runs: 4000 });
      // Both see the same pairs, so the difference has little noise of its own.
      expect(old - now).toBeLessThan(0.03);
    },
  );

  it.each([10, 1e3, 1e6, 1e9])('a gain of %d sigma passes within seven pairs', (gain) => {
    const random = createRandom(`huge ${gain}`);
    const seen = Array.from({ length: 7 }, () => gain + Math.SQRT2 * random.normal());
    expect(noisyLogEValue(observeNoisyDifferences(createNoisySequentialTest(KNOWN), seen))).toBeGreaterThan(
      Math.log(100),
    );
  });

  it('a noisier candidate that is truly better can show it', () => {
    const { now } = passes(createRandom('noisy and good'), { gain: 8, ratio: 5, needed: 100, runs: 500 });
    expect(now).toBeGreaterThan(0.9);
  });

  it('is the known-variance test, less the weight of the other alternatives, where pairs spread as expected', () => {
    const seen = [1, -1, 2, 0.5, -0.5, 1.5];
    const plain = logEValue(observeDifferences(createSequentialTest(KNOWN), seen));
    const noisy = noisyLogEValue(observeNoisyDifferences(createNoisySequentialTest(KNOWN), seen));
    expect(noisy).toBeGreaterThanOrEqual(plain + Math.log(0.9) - 1e-12);
    expect(noisy).toBeLessThan(plain + 0.02);
  });

  it('a loss brings no evidence, however even it is', () => {
    const test = observeNoisyDifferences(createNoisySequentialTest(KNOWN), [-3, -3, -3, -3, -3, -3]);
    expect(noisyLogEValue(test)).toBeLessThan(0);
  });

  it('does not depend on the unit of the metric', () => {
    const seen = [1.2, 0.4, 2.2, 1.9];
    const scaled = observeNoisyDifferences(
      createNoisySequentialTest({ variance: 2e-6, tau: 1e-3 }),
      seen.map((value) => value * 1e-3),
    );
    const plain = observeNoisyDifferences(createNoisySequentialTest(KNOWN), seen);
    expect(noisyLogEValue(scaled)).toBeCloseTo(noisyLogEValue(plain), 8);
    expect(noisyProbabilityOfSuccess(scaled, { n: 16, threshold: 100 })).toBeCloseTo(
      noisyProbabilityOfSuccess(plain, { n: 16, threshold: 100 }),
      4,
    );
  });

  it('foretells its success: after one pair of three sigma about as often as it comes true', () => {
    const random = createRandom('foretold');
    const first = observeNoisyDifferences(createNoisySequentialTest(KNOWN), [3]);
    const foretold = noisyProbabilityOfSuccess(first, { n: PAIRS, threshold: 100, belief: { mean: 2, sd: 0.5 } });
    let hits = 0;
    for (let run = 0; run < 1000; run += 1) {
      const gain = 2 + 0.5 * random.normal();
      const rest = Array.from({ length: PAIRS - 1 }, () => gain + Math.SQRT2 * random.normal());
      if (noisyLogEValue(observeNoisyDifferences(first, rest)) >= Math.log(100)) hits += 1;
    }
    expect(Math.abs(foretold - hits / 1000)).toBeLessThan(0.06);
  });

  it('expects of noisy pairs that they stay noisy', () => {
    const test = observeNoisyDifferences(createNoisySequentialTest(KNOWN), [6, -6, 6, -6]);
    expect(expectedVariance(test)).toBeCloseTo(48, 10);
    expect(expectedVariance(createNoisySequentialTest(KNOWN))).toBe(2);
  });
});
