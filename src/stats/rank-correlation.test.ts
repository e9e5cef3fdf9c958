import { expect, test } from 'vitest';
import { rankCorrelation } from './rank-correlation.ts';

test('as scipy.stats.spearmanr of SciPy 1.17.1, ties included', () => {
  const first = [0.11, 0.02, -0.03, 0.25, 0.07, 0.02];
  const second = [0.05, 0.01, 0.02, 0.11, -0.02, 0];
  const pairs = first.map((value, index) => [value, second[index] ?? Number.NaN] as const);
  expect(rankCorrelation(pairs)).toBeCloseTo(0.4638168285219587, 12);
  expect(rankCorrelation([1, 2, 3, 4].map((value) => [value, 11 - 2 * value] as const))).toBe(-1);
});

test('nothing is said of two pairs, or where one side never changes', () => {
  expect(
    rankCorrelation([
      [1, 2],
      [2, 3],
    ]),
  ).toBeUndefined();
  expect(
    rankCorrelation([
      [1, 2],
      [2, 2],
      [3, 2],
    ]),
  ).toBeUndefined();
});
