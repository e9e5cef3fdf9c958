import { expect, test } from 'vitest';
import { wilsonInterval } from './wilson-interval.ts';

// R. G. Newcombe 1998, https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3.
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
  [20, 20, 0.8389, 1],
])('%d of %d', (successes, total, low, high) => {
  const interval = wilsonInterval(successes, total);
  expect(interval?.low).toBeCloseTo(low, 4);
  expect(interval?.high).toBeCloseTo(high, 4);
});

test('of nothing, nothing is known', () => {
  expect(wilsonInterval(0, 0)).toBeUndefined();
});

test.each([
  [2, 1],
  [-1, 3],
  [0.5, 3],
])('%d of %d is refused', (successes, total) => {
  expect(() => wilsonInterval(successes, total)).toThrow(RangeError);
});
