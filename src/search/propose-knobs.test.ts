import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../stats/random.ts';
import { median } from '../stats/summary.ts';
import { currentValues, pointKey, type KnobObservation, type KnobSpace, type KnobValues } from './knob-space.ts';
import { recipe } from './landscapes.fixture.ts';
import { perturb } from './perturb.ts';
import { proposeKnobs } from './propose-knobs.ts';
import { suggest } from './tpe.ts';

type Strategy = (incumbent: KnobValues, history: readonly KnobObservation[], random: Random) => KnobValues;
const { space, loss } = recipe;
const noiseSd = 0.02;

const strategies: Readonly<Record<string, Strategy>> = {
  tune: (incumbent, history, random) => proposeKnobs({ space, incumbent, history, random, noiseSd }) ?? {},
  perturb: (incumbent, _, random) => perturb({ space, around: incumbent, random }),
  tpe: (_, history, random) => suggest({ space, history, random }),
};

/** True loss of the incumbent after 60 noisy experiments; a good look is confirmed by a second, paired one. */
const lossAfter60 = (strategy: Strategy, seed: string): number => {
  const random = createRandom(seed);
  let incumbent = currentValues(space);
  const history: KnobObservation[] = [{ values: incumbent, loss: loss(incumbent) + noiseSd * random.normal() }];
  for (let experiment = 0; experiment < 60; experiment++) {
    const values = { ...incumbent, ...strategy(incumbent, history, random) };
    const measured = loss(values) + noiseSd * random.normal();
    history.push({ values, loss: measured });
    const confirmed = loss(incumbent) - loss(values) + noiseSd * random.normal();
    if (loss(incumbent) - measured > 1.5 * noiseSd && confirmed > noiseSd) incumbent = values;
  }
  return loss(incumbent);
};

describe('proposeKnobs', () => {
  it('gains more from 60 noisy experiments on 15 knobs than perturbation or TPE alone', () => {
    const outcome = (name: string): number[] =>
      Array.from({ length: 12 }, (_, seed) => lossAfter60(strategies[name] as Strategy, `${seed}`));
    const tune = median(outcome('tune'));
    expect(loss(currentValues(space))).toBeGreaterThan(0.45);
    expect(tune).toBeLessThan(0.16);
    expect(tune).toBeLessThan(0.75 * median(outcome('perturb')));
    expect(tune).toBeLessThan(0.6 * median(outcome('tpe')));
  }, 20_000);

  it('never repeats a point, and says so when none is left', () => {
    const small: KnobSpace = [
      { name: 'tied', kind: 'boolean', current: false },
      { name: 'depth', kind: 'integer', low: 1, high: 4, scale: 'linear', current: 2 },
      { name: 'act', kind: 'choice', choices: ['relu', 'gelu'], current: 'relu' },
    ];
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = createRandom(seed);
        const incumbent = currentValues(small);
        const history: KnobObservation[] = [];
        const seen = new Set([pointKey(incumbent)]);
        for (;;) {
          const change = proposeKnobs({ space: small, incumbent, history, random });
          if (!change) break;
          expect(Object.keys(change).length).toBeGreaterThan(0);
          for (const name of Object.keys(change)) expect(change[name]).not.toEqual(incumbent[name]);
          const values = { ...incumbent, ...change };
          expect(seen.has(pointKey(values))).toBe(false);
          seen.add(pointKey(values));
          history.push({
            values: random.uniform() < 0.3 ? change : values,
            loss: random.uniform() < 0.2 ? undefined : random.normal(),
          });
        }
        expect(seen.size).toBeGreaterThan(8);
      }),
      { numRuns: 15, seed: 6 },
    );
  });

  it('moves the knobs that are said to matter first', () => {
    const random = createRandom('importance');
    const names = Array.from({ length: 200 }, () =>
      Object.keys(
        proposeKnobs({ space, incumbent: currentValues(space), history: [], random, importance: { rate: 4 } }) ?? {},
      ),
    );
    expect(names.filter((changed) => changed.includes('rate')).length).toBeGreaterThan(80);
    expect(new Set(names.flat()).size).toBeGreaterThan(8);
  });

  it('is deterministic and survives equal, missing and infinite losses', () => {
    const history = [1, 1, undefined, Infinity, Number.NaN].map((value, index) => ({
      values: { rate: index + 2 },
      loss: value,
    }));
    const propose = (): KnobValues | undefined =>
      proposeKnobs({ space, incumbent: { unknown: 3, rate: 1000 }, history, random: createRandom('same') });
    expect(propose()).toEqual(propose());
    expect(propose()).toBeDefined();
  });
});
