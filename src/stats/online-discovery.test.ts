import { describe, expect, it } from 'vitest';
import { discoveryWeight, grantedLevel, neededEValue } from './online-discovery.ts';
import { createRandom } from './random.ts';
import { logEValue, observeDifferences, createSequentialTest } from './sequential-test.ts';

describe('e-LOND', () => {
  it('spends no more than the whole budget', () => {
    let spent = 0;
    for (let testIndex = 1; testIndex <= 200_000; testIndex++) spent += discoveryWeight(testIndex);
    const mostOfTail = 1 / Math.log(200_001) / 2.1097428;
    expect(spent + mostOfTail).toBeLessThan(1 + 1e-6);
    expect(spent + mostOfTail).toBeGreaterThan(0.999);
  });

  it('grants more after each rejection and never more than 1', () => {
    const at = (rejectionsBefore: number): number => grantedLevel({ alpha: 0.1, testIndex: 5, rejectionsBefore });
    expect(at(3)).toBeCloseTo(4 * at(0), 14);
    expect(grantedLevel({ alpha: 0.5, testIndex: 1, rejectionsBefore: 100 })).toBe(1);
    expect(neededEValue({ alpha: 0.1, testIndex: 5, rejectionsBefore: 0 })).toBeCloseTo(1 / at(0), 8);
    expect(() => grantedLevel({ alpha: 0.1, testIndex: 0, rejectionsBefore: 0 })).toThrow('testIndex must be');
  });

  it('keeps the false-discovery rate of dependent, optionally stopped tests', () => {
    const random = createRandom('fdr');
    let falseDiscoveryProportion = 0;
    let found = 0;
    const campaigns = 150;
    for (let campaign = 0; campaign < campaigns; campaign++) {
      // All tests of a campaign share the baseline's luck: strong dependence.
      const shared = Array.from({ length: 12 }, () => random.normal());
      let rejections = 0;
      let falseRejections = 0;
      for (let testIndex = 1; testIndex <= 60; testIndex++) {
        const isReal = random.uniform() < 0.2;
        const needed = Math.log(neededEValue({ alpha: 0.2, testIndex, rejectionsBefore: rejections }));
        let test = createSequentialTest({ variance: 1, tau: 1 });
        for (const part of shared) {
          test = observeDifferences(test, [(isReal ? 1.5 : 0) + Math.SQRT1_2 * (part + random.normal())]);
          if (logEValue(test) >= needed) break;
        }
        if (logEValue(test) < needed) continue;
        rejections++;
        if (!isReal) falseRejections++;
      }
      falseDiscoveryProportion += falseRejections / Math.max(1, rejections) / campaigns;
      found += (rejections - falseRejections) / campaigns;
    }
    expect(falseDiscoveryProportion).toBeLessThan(0.2);
    expect(found).toBeGreaterThan(3);
  });
});
