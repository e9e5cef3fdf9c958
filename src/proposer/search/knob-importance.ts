import type { KnobSpace } from '../../search/knob-space.ts';

/**
 * How much a knob can be expected to matter before anything was measured, by its name: learning rates first (Bengio 2012,
 * arXiv:1206.5533, section 3; Goodfellow et al. 2016, section 11.4.1), then what sets the size of a step of training and of the
 * model. 1 for every other name, so an unknown script is searched evenly.
 */
const EXPECTED: readonly (readonly [name: RegExp, importance: number])[] = [
  [/(LEARNING_RATE|(^|_)LR)(_|\[|$)/i, 4],
  [/BATCH/i, 2.5],
  [/(DEPTH|LAYERS?|WIDTH|DIM|HIDDEN)/i, 1.5],
  [/(EPSILON|EPS)(_|\[|$)/i, 0.5],
];

export function expectedImportance(knobs: KnobSpace): Record<string, number> {
  return Object.fromEntries(
    knobs.map(({ name }) => [name, EXPECTED.find(([pattern]) => pattern.test(name))?.[1] ?? 1]),
  );
}
