import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { incompleteBeta } from './beta-function.ts';
import { chiSquareCdf, chiSquareQuantile, chiSquareUpperTail } from './chi-square.ts';
import { logGamma, lowerIncompleteGamma, upperIncompleteGamma } from './gamma-function.ts';
import { logNormalCdf, normalCdf, normalQuantile } from './normal.ts';
import * as scipy from './scipy-values.fixture.ts';
import { studentTCdf, studentTQuantile } from './student-t.ts';

const relativeError = (got: number, wanted: number): number =>
  got === wanted ? 0 : Math.abs(got - wanted) / Math.max(Math.abs(wanted), 1e-300);

describe('distributions against SciPy', () => {
  it.each(scipy.normalCdf)('normalCdf(%d)', (z, wanted) =>
    expect(relativeError(normalCdf(z), wanted)).toBeLessThan(2e-13),
  );
  it.each(scipy.logNormalCdf)('logNormalCdf(%d)', (z, wanted) => {
    expect(relativeError(logNormalCdf(z), wanted)).toBeLessThan(1e-13);
  });
  it.each(scipy.normalQuantile)('normalQuantile(%d)', (probability, wanted) => {
    expect(relativeError(normalQuantile(probability), wanted)).toBeLessThan(1e-13);
  });
  it.each(scipy.studentTCdf)('studentTCdf(%d, %d)', (t, df, wanted) => {
    expect(relativeError(studentTCdf(t, df), wanted)).toBeLessThan(1e-10);
  });
  it.each(scipy.studentTQuantile)('studentTQuantile(%d, %d)', (probability, df, wanted) => {
    expect(relativeError(studentTQuantile(probability, df), wanted)).toBeLessThan(1e-10);
  });
  it.each(scipy.chiSquareCdf)('chiSquareCdf(%d, %d)', (x, df, wanted) => {
    expect(relativeError(chiSquareCdf(x, df), wanted)).toBeLessThan(1e-11);
  });
  it('chiSquareUpperTail is the rest of the cdf, and accurate where that rounds to 1: exp(-x / 2) for two degrees', () => {
    for (const [x, df, wanted] of scipy.chiSquareCdf) expect(chiSquareUpperTail(x, df)).toBeCloseTo(1 - wanted, 12);
    expect(relativeError(chiSquareUpperTail(100, 2), Math.exp(-50))).toBeLessThan(1e-12);
    expect(chiSquareUpperTail(0, 3)).toBe(1);
  });
  it.each(scipy.chiSquareQuantile)('chiSquareQuantile(%d, %d)', (probability, df, wanted) => {
    expect(relativeError(chiSquareQuantile(probability, df), wanted)).toBeLessThan(1e-11);
  });
  it.each(scipy.incompleteBeta)('incompleteBeta(%d, %d, %d)', (a, b, x, wanted) => {
    expect(relativeError(incompleteBeta(a, b, x), wanted)).toBeLessThan(1e-11);
  });
  it.each(scipy.lowerIncompleteGamma)('lowerIncompleteGamma(%d, %d)', (shape, x, wanted) => {
    expect(relativeError(lowerIncompleteGamma(shape, x), wanted)).toBeLessThan(1e-12);
    expect(upperIncompleteGamma(shape, x)).toBeCloseTo(1 - wanted, 12);
  });
  it.each(scipy.logGamma)('logGamma(%d)', (x, wanted) =>
    expect(Math.abs(logGamma(x) - wanted)).toBeLessThan(1e-13 * (1 + Math.abs(wanted))),
  );
});

describe('distributions', () => {
  it('turn a quantile back into its probability', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
        fc.double({ min: 0.5, max: 200, noNaN: true }),
        (probability, df) => {
          expect(relativeError(normalCdf(normalQuantile(probability)), probability)).toBeLessThan(1e-12);
          expect(relativeError(studentTCdf(studentTQuantile(probability, df), df), probability)).toBeLessThan(1e-9);
          expect(relativeError(chiSquareCdf(chiSquareQuantile(probability, df), df), probability)).toBeLessThan(1e-9);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('name the wrong argument', () => {
    expect(() => normalQuantile(1)).toThrow('probability must be between 0 and 1 (exclusive), got 1');
    expect(() => studentTCdf(1, 0)).toThrow('df must be a positive finite number, got 0');
    expect(() => studentTCdf(Number.NaN, 2)).toThrow('t must be a number');
    expect(() => chiSquareQuantile(0.5, Number.NaN)).toThrow('df must be');
    expect(() => incompleteBeta(1, 1, 2)).toThrow('x must be between 0 and 1, got 2');
    expect(() => logGamma(0)).toThrow('x must be');
  });
});
