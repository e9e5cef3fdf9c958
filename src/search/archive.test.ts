import { describe, expect, it } from 'vitest';
import { createRandom } from '../stats/random.ts';
import { chooseParent, type ParentCandidate } from './choose-parent.ts';
import { knobImportance } from './knob-importance.ts';
import type { KnobSpace } from './knob-space.ts';

describe('chooseParent', () => {
  const candidates: readonly ParentCandidate[] = [
    { id: 'good', mean: 1, sd: 0.1, children: 30 },
    { id: 'close', mean: 0.9, sd: 0.1, children: 2 },
    { id: 'bad', mean: -1, sd: 0.1, children: 0 },
  ];
  const shares = (options: { strategy?: 'thompson' | 'softmax'; noveltyWeight?: number; temperature?: number }) => {
    const random = createRandom('parents');
    const counts: Record<string, number> = { good: 0, close: 0, bad: 0 };
    for (let draw = 0; draw < 2000; draw++) {
      const id = chooseParent({ candidates, random, ...options });
      counts[id] = (counts[id] ?? 0) + 1 / 2000;
    }
    return counts;
  };

  it('prefers the better one, more often the clearer the evidence', () => {
    const { good = 0, close = 0, bad = 0 } = shares({ noveltyWeight: 0 });
    expect(good).toBeGreaterThan(0.7);
    expect(close).toBeGreaterThan(0.15);
    expect(bad).toBe(0);
  });

  it('gives the less explored one a bonus', () => {
    expect(shares({ noveltyWeight: 1 })['close']).toBeGreaterThan(shares({ noveltyWeight: 0 })['close'] ?? 1);
  });

  it('follows the softmax', () => {
    const cold = shares({ strategy: 'softmax', noveltyWeight: 0, temperature: 0.05 });
    const hot = shares({ strategy: 'softmax', noveltyWeight: 0, temperature: 100 });
    expect(cold['good']).toBeGreaterThan(0.7);
    expect(hot['bad']).toBeGreaterThan(0.28);
  });

  it('works for one candidate and refuses none', () => {
    const random = createRandom(1);
    expect(chooseParent({ candidates: [{ id: 'only', mean: 0, sd: 0, children: 0 }], random })).toBe('only');
    expect(() => chooseParent({ candidates: [], random })).toThrow('candidates must not be empty');
  });
});

describe('knobImportance', () => {
  it('finds the knob that explains the losses', () => {
    const random = createRandom('importance');
    const space: KnobSpace = [
      { name: 'rate', kind: 'float', low: 0, high: 1, scale: 'linear', current: 0.5 },
      { name: 'dull', kind: 'float', low: 0, high: 1, scale: 'linear', current: 0.5 },
      { name: 'tied', kind: 'boolean', current: false },
      { name: 'unseen', kind: 'boolean', current: false },
    ];
    const history = Array.from({ length: 90 }, () => {
      const values = { rate: random.uniform(), dull: random.uniform(), tied: random.uniform() < 0.5 };
      return { values, loss: 3 * (values.rate - 0.9) ** 2 + (values.tied ? 0.3 : 0) + 0.1 * random.normal() };
    });
    const importance = knobImportance(space, [...history, { values: { rate: 0.1 }, loss: undefined }]);
    expect(importance.get('rate')).toBeGreaterThan(0.5);
    expect(importance.get('dull')).toBeLessThan(0.08);
    expect(importance.get('tied')).toBeLessThan(importance.get('rate') ?? 0);
    expect(importance.get('unseen')).toBeUndefined();
  });
});
