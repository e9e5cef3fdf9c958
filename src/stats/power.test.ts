import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairsForPower, powerOfPairs } from './power.ts';

describe('power of a paired one-sided test', () => {
  it('needs 6 pairs for a gain of 0.001 at sd 0.00066', () => {
    expect(pairsForPower({ gain: 0.001, sigma: 0.00066, alpha: 0.01, power: 0.9 })).toBe(6);
  });

  it('is the smallest n with that power', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        fc.double({ min: 0.55, max: 0.99, noNaN: true }),
        (gain, power) => {
          const n = pairsForPower({ gain, sigma: 1, alpha: 0.02, power });
          expect(powerOfPairs({ gain, sigma: 1, alpha: 0.02, n })).toBeGreaterThanOrEqual(power - 1e-6);
          if (n > 1) expect(powerOfPairs({ gain, sigma: 1, alpha: 0.02, n: n - 1 })).toBeLessThan(power);
        },
      ),
      { seed: 3 },
    );
    expect(() => pairsForPower({ gain: 0, sigma: 1, alpha: 0.1, power: 0.5 })).toThrow(
      'gain must be a positive finite number, got 0',
    );
  });
});
