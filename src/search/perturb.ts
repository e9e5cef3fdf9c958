import { requirePositive } from '../stats/argument-checks.ts';
import type { Random } from '../stats/random.ts';
import {
  checkKnobSpace,
  choicesOf,
  isSameValue,
  type KnobDimension,
  type KnobSpace,
  type KnobValue,
  type KnobValues,
} from './knob-space.ts';
import { stepFrom } from './knob-step.ts';

export type PerturbOptions = {
  readonly space: KnobSpace;
  /** The point to leave; knobs that it lacks start from their `current`. */
  readonly around: KnobValues;
  readonly random: Random;
  /** Multiplies the step size. 1 means x1.5 or x2 (and their inverses) on a log scale. Default 1. */
  readonly strength?: number;
};

/** x1.5 and x2. */
const stepSizes = [Math.log2(1.5), 1];

/**
 * A local move: one knob changed (seven times in ten) or two. Returns only the changed knobs, at least one unless no
 * knob can move.
 */
export function perturb(options: PerturbOptions): KnobValues {
  const { space, around, random, strength = 1 } = options;
  checkKnobSpace(space);
  requirePositive('strength', strength);
  const wanted = random.uniform() < 0.7 ? 1 : 2;
  const changed: Record<string, KnobValue> = {};
  for (const knob of random.shuffle(space)) {
    if (Object.keys(changed).length === wanted) break;
    const value = moved(knob, around[knob.name] ?? knob.current, random, strength);
    if (value !== undefined) changed[knob.name] = value;
  }
  return changed;
}

function moved(knob: KnobDimension, value: KnobValue, random: Random, strength: number): KnobValue | undefined {
  if (knob.kind === 'float' || knob.kind === 'integer') {
    const from = typeof value === 'number' ? value : knob.current;
    const steps = random.pick(stepSizes) * strength * (random.uniform() < 0.5 ? -1 : 1);
    return stepFrom(knob, from, steps) ?? stepFrom(knob, from, -steps);
  }
  const others = (choicesOf(knob) ?? []).filter((choice) => !isSameValue(choice, value));
  return others.length === 0 ? undefined : random.pick(others);
}
