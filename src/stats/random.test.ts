import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';
import { mean, variance } from './summary.ts';

const draw = (make: () => number): number[] => Array.from({ length: 40_000 }, make);

describe('createRandom', () => {
  it('repeats for one seed and differs between seeds', () => {
    const take = (seed: string | number): number[] => Array.from({ length: 5 }, createRandom(seed).uniform);
    expect(take('a')).toEqual(take('a'));
    expect(take(1)).toEqual(take('1'));
    expect(new Set([...take('a'), ...take('b'), ...take(0), ...take(1), ...take('')]).size).toBe(25);
  });

  it('has the moments of each law', () => {
    const random = createRandom('moments');
    const cases: readonly [() => number, number, number][] = [
      [random.uniform, 0.5, 1 / 12],
      [random.normal, 0, 1],
      [() => random.gamma(3.5), 3.5, 3.5],
      [() => random.gamma(0.4), 0.4, 0.4],
      [() => random.beta(2, 6), 0.25, 12 / (64 * 9)],
      [() => random.integer(7), 3, 4],
    ];
    for (const [make, wantedMean, wantedVariance] of cases) {
      const values = draw(make);
      expect(Math.abs(mean(values) - wantedMean)).toBeLessThan(5 * Math.sqrt(wantedVariance / 40_000));
      expect(variance(values) / wantedVariance).toBeGreaterThan(0.95);
      expect(variance(values) / wantedVariance).toBeLessThan(1.05);
    }
  });

  it('fills the unit interval evenly in one and in two dimensions', () => {
    const random = createRandom(42);
    const cells = new Array<number>(100).fill(0);
    for (let index = 0; index < 50_000; index++) {
      const cell = random.integer(10) * 10 + Math.floor(random.uniform() * 10);
      cells[cell] = (cells[cell] ?? 0) + 1;
    }
    const chiSquare = cells.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
    expect(chiSquare).toBeLessThan(160);
  });

  it('shuffles a copy and picks members', () => {
    const random = createRandom(5);
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(random.shuffle(items).toSorted((left, right) => left - right)).toEqual(items);
    expect(items).toContain(random.pick(items));
    expect(() => random.pick([])).toThrow('items must not be empty');
    expect(() => random.integer(0)).toThrow('count must be a whole number >= 1, got 0');
    expect(() => random.gamma(-1)).toThrow('shape must be');
  });
});
