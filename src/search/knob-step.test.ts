import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../stats/random.ts';
import { cellOf, positionOf, valueAt } from './knob-coordinate.ts';
import { isSameValue, pointKey, type KnobSpace, type NumericKnob } from './knob-space.ts';
import { stepFrom, stepsBetween } from './knob-step.ts';
import { perturb } from './perturb.ts';

const rate: NumericKnob = { name: 'rate', kind: 'float', low: 1e-4, high: 1, scale: 'log', current: 0.01 };
const heads: NumericKnob = { name: 'heads', kind: 'integer', low: 1, high: 16, scale: 'log', current: 4 };
const momentum: NumericKnob = { name: 'momentum', kind: 'float', low: 0, high: 1, scale: 'linear', current: 0.9 };

describe('knob steps', () => {
  it('double on a log scale and move a tenth of a linear range', () => {
    expect(stepFrom(rate, 0.01, 1)).toBe(0.02);
    expect(stepFrom(rate, 0.01, -Math.log2(1.5))).toBe(0.0067);
    expect(stepFrom(heads, 4, 1)).toBe(8);
    expect(stepFrom(momentum, 0.5, -1)).toBe(0.4);
    expect(stepsBetween(rate, 0.01, 0.04)).toBeCloseTo(2, 12);
    expect(stepsBetween(momentum, 0.5, 0.2)).toBeCloseTo(-3, 12);
  });

  it('move integers by at least one and stop at the bounds', () => {
    expect(stepFrom(heads, 1, 0.4)).toBe(2);
    expect(stepFrom(heads, 1, -1)).toBeUndefined();
    expect(stepFrom(heads, 12, 3)).toBe(16);
    expect(stepFrom(momentum, 1, 1)).toBeUndefined();
    expect(stepFrom(rate, 50, -1)).toBe(0.5);
  });

  it('keep positions and values inverse to each other', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(rate, heads, momentum),
        (position, knob) => {
          const value = valueAt(knob, position);
          expect(value).toBeGreaterThanOrEqual(knob.low);
          expect(value).toBeLessThanOrEqual(knob.high);
          expect(valueAt(knob, positionOf(knob, value))).toBe(value);
          const cell = cellOf(heads, 3);
          expect(cell.low).toBeLessThan(positionOf(heads, 3));
          expect(cell.high).toBeGreaterThan(positionOf(heads, 3));
        },
      ),
      { seed: 5 },
    );
  });
});

describe('perturb', () => {
  const space: KnobSpace = [
    rate,
    heads,
    momentum,
    { name: 'tied', kind: 'boolean', current: false },
    { name: 'act', kind: 'choice', choices: ['relu', 'gelu', [1, 2]], current: 'relu' },
  ];

  it('changes one or two knobs and never returns the same value', () => {
    const random = createRandom('perturb');
    const around = { rate: 1, heads: 1, momentum: 0, tied: true, act: [1, 2] };
    const sizes = new Set<number>();
    const names = new Set<string>();
    for (let draw = 0; draw < 300; draw++) {
      const change = perturb({ space, around, random });
      sizes.add(Object.keys(change).length);
      for (const [name, value] of Object.entries(change)) {
        names.add(name);
        expect(isSameValue(value, around[name as keyof typeof around])).toBe(false);
      }
    }
    expect(sizes).toEqual(new Set([1, 2]));
    expect(names.size).toBe(5);
  });

  it('has one key for one point', () => {
    expect(pointKey({ a: 1, b: [0.1 + 0.2, true] })).toBe(pointKey({ b: [0.3, true], a: 1 }));
    expect(pointKey({ a: 1 })).not.toBe(pointKey({ a: '1' }));
    expect(pointKey({ a: [1, 2] })).not.toBe(pointKey({ a: '1,2' }));
  });
});
