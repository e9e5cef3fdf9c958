import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grantedLevel, neededReplicationEvidence } from './level.ts';

const RATE = 0.05;
const FIRST = { falseDiscoveryRate: RATE, testIndex: 1, rejectionsBefore: 0, testHorizon: 20 };

test.each([1, 10, 60, 3000, 200_000])(
  'the levels of a million tests without a keep sum to no more than the rate, laid out for %i tests',
  (testHorizon) => {
    let sum = 0;
    for (let testIndex = 1; testIndex <= 1_000_000; testIndex += 1) {
      sum += grantedLevel({ ...FIRST, testIndex, testHorizon });
    }
    expect(sum).toBeLessThanOrEqual(RATE);
    // And the budget is used: a gate that grants nothing would pass the line above.
    expect(sum).toBeGreaterThan(0.8 * RATE);
  },
);

test('every keep raises the levels of the tests after it, by a whole share each', () => {
  for (const testIndex of [1, 7, 20, 21, 400]) {
    const levels = [0, 1, 2, 5].map((rejectionsBefore) => grantedLevel({ ...FIRST, testIndex, rejectionsBefore }));
    const [none = 0, one = 0, two = 0, five = 0] = levels;
    expect(one / none).toBeCloseTo(2, 10);
    expect(two / none).toBeCloseTo(3, 10);
    expect(five / none).toBeCloseTo(6, 10);
  }
});

test('a level is a probability, never 0 and never above 1, however many keeps and tests there were', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000_000 }),
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.integer({ min: 1, max: 100_000 }),
      (testIndex, rejectionsBefore, testHorizon) => {
        const level = grantedLevel({ falseDiscoveryRate: RATE, testIndex, rejectionsBefore, testHorizon });
        expect(level).toBeGreaterThan(0);
        expect(level).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test('replication needs what confirmation leaves of 1/level, and never less than an e-value of 5', () => {
  expect(neededReplicationEvidence(0.001, 0.05)).toBeCloseTo(50, 10);
  expect(neededReplicationEvidence(0.005, 0.05)).toBeCloseTo(10, 10);
  expect(neededReplicationEvidence(0.05, 0.05)).toBe(5);
  expect(neededReplicationEvidence(1, 0.05)).toBe(5);
});

test('replication and confirmation together always bring the whole e-value of 1/level', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-9, max: 1, noNaN: true }),
      fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
      (level, confirmLevel) => {
        const whole = neededReplicationEvidence(level, confirmLevel) / confirmLevel;
        expect(whole).toBeGreaterThanOrEqual((1 - 1e-12) / level);
        expect(neededReplicationEvidence(level, confirmLevel)).toBeGreaterThanOrEqual(5);
      },
    ),
  );
});
