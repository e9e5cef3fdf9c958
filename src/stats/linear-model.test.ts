import { describe, expect, it } from 'vitest';
import { drawCoefficients, fitLinearModel } from './linear-model.ts';
import { createRandom } from './random.ts';
import { mean, standardDeviation } from './summary.ts';

describe('Bayesian linear model', () => {
  it('returns the prior without data and the normal-normal posterior with one coefficient', () => {
    expect(fitLinearModel([], [{ mean: 2, sd: 3 }]).mean[0]).toBeCloseTo(2, 12);
    const model = fitLinearModel([{ features: [1], target: 4, noiseVariance: 1 }], [{ mean: 0, sd: 1 }]);
    expect(model.mean[0]).toBeCloseTo(2, 12);
    const random = createRandom(1);
    const draws = Array.from({ length: 5000 }, () => drawCoefficients(model, random)[0] ?? 0);
    expect(mean(draws)).toBeCloseTo(2, 1);
    expect(standardDeviation(draws)).toBeCloseTo(Math.SQRT1_2, 1);
  });

  it('recovers correlated coefficients from noisy data', () => {
    const random = createRandom(2);
    const truth = [1, -2, 0.5];
    const observations = Array.from({ length: 400 }, () => {
      const shared = random.normal();
      const features = [1, shared, shared + 0.5 * random.normal()];
      const target = features.reduce(
        (sum, feature, index) => sum + feature * (truth[index] ?? 0),
        0.1 * random.normal(),
      );
      return { features, target, noiseVariance: 0.01 };
    });
    const model = fitLinearModel(
      observations,
      truth.map(() => ({ mean: 0, sd: 10 })),
    );
    model.mean.forEach((value, index) => expect(Math.abs(value - (truth[index] ?? 0))).toBeLessThan(0.05));
    expect(() => fitLinearModel([{ features: [1], target: 1, noiseVariance: 1 }], [])).toThrow(
      'features must have 0 values, got 1',
    );
  });
});
