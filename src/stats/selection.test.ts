import { describe, expect, it } from 'vitest';
import { createRandom } from './random.ts';
import { estimateEffectPrior, expectedMaximumOfNulls, shrinkEffect } from './shrinkage.ts';

describe('winner’s curse', () => {
  it.each([
    [1, 0],
    [2, 1 / Math.sqrt(Math.PI)],
    [5, 1.16296],
    [10, 1.53875],
    [100, 2.50759],
    [1000, 3.24144],
  ])('expects the largest of %d nulls at %d sigma', (count, wanted) =>
    expect(expectedMaximumOfNulls(count)).toBeCloseTo(wanted, 4),
  );

  it('shrinks towards the prior in proportion to the noise', () => {
    const shrunk = shrinkEffect({ estimate: 2, standardError: 1 }, { mean: 0, sd: 1 });
    expect(shrunk).toMatchObject({ estimate: 1, sd: expect.closeTo(Math.SQRT1_2, 12) });
    expect(shrunk.high - 1).toBeCloseTo(1.959964 * Math.SQRT1_2, 5);
    expect(shrinkEffect({ estimate: 2, standardError: 1 }, { mean: 0, sd: 0 })).toMatchObject({
      estimate: 0,
      low: 0,
      probabilityPositive: 0,
    });
    expect(() => shrinkEffect({ estimate: 1, standardError: 0 }, { mean: 0, sd: 1 })).toThrow('effect.standardError');
  });

  it('recovers the prior and removes the bias of the best of many', () => {
    const random = createRandom('curse');
    let bias = 0;
    let rawBias = 0;
    let priorSd = 0;
    for (let run = 0; run < 200; run++) {
      const truth = Array.from({ length: 100 }, () => 0.2 + 0.5 * random.normal());
      const effects = truth.map((effect) => ({ estimate: effect + random.normal(), standardError: 1 }));
      const prior = estimateEffectPrior(effects);
      const best = effects.reduce(
        (top, effect, index) => (effect.estimate > (effects[top]?.estimate ?? 0) ? index : top),
        0,
      );
      const chosen = effects[best] ?? { estimate: 0, standardError: 1 };
      rawBias += (chosen.estimate - (truth[best] ?? 0)) / 200;
      bias += (shrinkEffect(chosen, prior).estimate - (truth[best] ?? 0)) / 200;
      priorSd += prior.sd / 200;
    }
    expect(rawBias).toBeGreaterThan(1.5);
    expect(Math.abs(bias)).toBeLessThan(0.15);
    expect(priorSd).toBeGreaterThan(0.4);
    expect(priorSd).toBeLessThan(0.6);
  });

  it('sees no spread where noise explains everything', () => {
    expect(
      estimateEffectPrior([
        { estimate: 1, standardError: 1 },
        { estimate: 1.1, standardError: 1 },
      ]),
    ).toEqual({ mean: 1.05, sd: 0 });
    expect(() => estimateEffectPrior([])).toThrow('effects needs at least 2 values, got 0');
  });
});
