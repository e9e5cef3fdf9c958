import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom } from '../../stats/random.ts';
import { pairedTTest } from '../../stats/t-test.ts';
import { moderatedPairedTest } from './moderated-test.ts';

const SIMULATED = 4000;

/** How often 'no gain' is rejected at 5 % when there is none, with pairs of this spread and a prior variance of 1. */
function falseAlarms(spread: number): number {
  const random = createRandom(`spread ${spread}`);
  let alarms = 0;
  for (let count = 0; count < SIMULATED; count += 1) {
    const gains = Array.from({ length: 6 }, () => spread * random.normal());
    if (moderatedPairedTest(gains, { variance: 1 }).p <= 0.05) alarms += 1;
  }
  return alarms / SIMULATED;
}

test('without a prior it is the plain one-sided paired t-test with its two-sided interval', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 12 }), (gains) => {
      const spread = Math.max(...gains) - Math.min(...gains);
      fc.pre(spread > 1e-6);
      const zeros = gains.map(() => 0);
      const plain = pairedTTest(gains, zeros, { alternative: 'greater' });
      const { interval } = pairedTTest(gains, zeros);
      const ours = moderatedPairedTest(gains);
      expect(ours.p).toBeCloseTo(plain.p, 10);
      expect(ours.meanGain).toBeCloseTo(plain.estimate, 10);
      expect(ours.degrees).toBe(plain.df);
      expect(ours.standardError).toBeCloseTo(plain.standardError, 10);
      expect(ours.interval.low).toBeCloseTo(interval.low, 8);
      expect(ours.interval.high).toBeCloseTo(interval.high, 8);
    }),
  );
});

test('the prior counts for as many degrees as the pairs themselves and no more', () => {
  const gains = [0.1, 0.3, 0.2, 0.4, 0.2, 0.3];
  const own = moderatedPairedTest(gains);
  const prior = moderatedPairedTest(gains, { variance: 4 });
  expect(prior.degrees).toBe(2 * own.degrees);
  expect(prior.standardError ** 2).toBeCloseTo((own.standardError ** 2 + 4 / 6) / 2, 10);
});

test('pairs that happen to agree are no proof when trials are known to vary', () => {
  const gains = [0.1, 0.1001, 0.0999, 0.1, 0.1001, 0.0999];
  expect(moderatedPairedTest(gains).p).toBeLessThan(1e-10);
  expect(moderatedPairedTest(gains, { variance: 1 }).p).toBeGreaterThan(0.3);
});

test('with the spread that was expected, false alarms are as rare as the level says', () => {
  // Four standard errors of 4000 simulations above 0.05.
  expect(falseAlarms(1)).toBeLessThan(0.05 + 4 * Math.sqrt((0.05 * 0.95) / SIMULATED));
});

test('a candidate that is far noisier than expected gets false alarms at most three times as often as the level says', () => {
  // The prior is taken to be half of what is known, so its weight is bounded: 0.12 at three times the spread, 0.14 at ten.
  expect(falseAlarms(3)).toBeLessThan(0.15);
  expect(falseAlarms(10)).toBeLessThan(0.16);
});

test('pairs without any spread: a gain is sure, none is not', () => {
  expect(moderatedPairedTest([1, 1, 1])).toMatchObject({ p: 0, meanGain: 1, interval: { low: 1, high: 1 } });
  expect(moderatedPairedTest([0, 0, 0]).p).toBe(1);
  expect(moderatedPairedTest([-1, -1]).p).toBe(1);
});

test('fewer than two pairs are no test', () => {
  expect(() => moderatedPairedTest([1])).toThrow(RangeError);
  expect(() => moderatedPairedTest([], { variance: 1 })).toThrow(/at least 2 pairs/);
});
