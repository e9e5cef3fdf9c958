import { expect, test } from 'vitest';
import { trialSeed } from './seeds.ts';

const SECRET = Buffer.alloc(32, 7);
const PAIRS = Array.from({ length: 3000 }, (_, index) => index + 1);

test('no seed of the search is ever one of a confirmation, in three thousand pairs of each', () => {
  const search = new Set(PAIRS.map((pair) => trialSeed(SECRET, 'replicate', pair)));
  const confirm = PAIRS.map((pair) => trialSeed(SECRET, 'confirm', pair));
  expect(search.size).toBe(PAIRS.length);
  expect(new Set(confirm).size).toBe(PAIRS.length);
  expect(confirm.filter((seed) => search.has(seed))).toEqual([]);
});

test('the stages of the search draw from one stream and those of the confirmation from another', () => {
  for (const pair of PAIRS.slice(0, 20)) {
    expect(trialSeed(SECRET, 'screen', pair)).toBe(trialSeed(SECRET, 'baseline', pair));
    expect(trialSeed(SECRET, 'final', pair)).toBe(trialSeed(SECRET, 'confirm', pair));
    expect(trialSeed(SECRET, 'confirm', pair)).not.toBe(trialSeed(SECRET, 'screen', pair));
  }
});

test('a seed fits the generators of every library: a whole number from 0 to 2^31 - 1, spread over all of it', () => {
  const seeds = PAIRS.map((pair) => trialSeed(SECRET, 'screen', pair));
  for (const seed of seeds) {
    expect(Number.isInteger(seed)).toBe(true);
    expect(seed).toBeGreaterThanOrEqual(0);
    expect(seed).toBeLessThan(2 ** 31);
  }
  expect(seeds.filter((seed) => seed >= 2 ** 30).length / seeds.length).toBeCloseTo(0.5, 1);
});

test('another secret gives other seeds, the same one the same', () => {
  const other = Buffer.alloc(32, 8);
  expect(PAIRS.filter((pair) => trialSeed(other, 'screen', pair) === trialSeed(SECRET, 'screen', pair))).toEqual([]);
  expect(trialSeed(Buffer.alloc(32, 7), 'screen', 5)).toBe(trialSeed(SECRET, 'screen', 5));
});
