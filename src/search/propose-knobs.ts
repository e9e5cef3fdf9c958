import type { Random } from '../stats/random.ts';
import {
  checkKnobSpace,
  choicesOf,
  isSameValue,
  pointKey,
  type KnobDimension,
  type KnobObservation,
  type KnobSpace,
  type KnobValue,
  type KnobValues,
} from './knob-space.ts';
import { stepFrom } from './knob-step.ts';
import { createLocalModel, type DrawnSurface } from './local-model.ts';
import { perturb } from './perturb.ts';
import { suggest } from './tpe.ts';

export type ProposeKnobsOptions = {
  readonly space: KnobSpace;
  /** The parent's values; knobs that it lacks are at their `current`. */
  readonly incumbent: KnobValues;
  /** All experiments on these knobs, oldest first. A knob that an experiment lacks counts as at the incumbent's value. */
  readonly history: readonly KnobObservation[];
  readonly random: Random;
  /** Standard deviation of one measured loss, when known. */
  readonly noiseSd?: number;
  /** How much each knob is expected to matter, 1 by default; learned on other tasks, for example. */
  readonly importance?: Readonly<Record<string, number>>;
};

/** x1.5, x2 and their inverses on a log scale. */
const localSteps = [-1, -Math.log2(1.5), Math.log2(1.5), 1];

/**
 * The `tune` operator: which knobs to change next, for tens of noisy experiments on about 15 knobs. It moves one or two
 * knobs by decent steps (later up to four), chosen by Thompson sampling on a local additive model. With more data up to a
 * quarter of the proposals come from TPE on a few knobs near the incumbent, which sees what an additive model cannot.
 *
 * Returns only the changed knobs, never a point of the history or the incumbent itself; undefined when none was found.
 */
export function proposeKnobs(options: ProposeKnobsOptions): KnobValues | undefined {
  const { space, history, random } = options;
  checkKnobSpace(space);
  const incumbent = Object.fromEntries(space.map((knob) => [knob.name, options.incumbent[knob.name] ?? knob.current]));
  const tried = new Set([pointKey(incumbent), ...history.map(({ values }) => keyOf(space, incumbent, values))]);
  const isNew = (change: KnobValues): boolean => !tried.has(keyOf(space, incumbent, change));
  const isLate = history.length > 2 * space.length;
  if (isLate && random.uniform() < 0.25 * (1 - (2 * space.length) / history.length)) {
    const change = neighbourhoodChange(space, incumbent, history, random);
    if (Object.keys(change).length > 0 && isNew(change)) return change;
  }
  const surface = createLocalModel({ ...options, incumbent })(random);
  const change = bestLocalChange(space, incumbent, surface, isNew, isLate ? 4 : 2);
  return change ?? anyNewChange(space, incumbent, random, isNew);
}

type Move = { readonly name: string; readonly value: KnobValue; readonly change: number };

/** The best new single move on the drawn surface, joined by next-best moves of other knobs while those promise half as much. */
function bestLocalChange(
  space: KnobSpace,
  incumbent: KnobValues,
  surface: DrawnSurface,
  isNew: (change: KnobValues) => boolean,
  most: number,
): KnobValues | undefined {
  const moves = space
    .flatMap((knob) => movesOf(knob, incumbent[knob.name] as KnobValue, surface))
    .toSorted((left, right) => left.change - right.change);
  const first = moves.find((move) => isNew({ [move.name]: move.value }));
  if (!first) return undefined;
  const change: Record<string, KnobValue> = { [first.name]: first.value };
  for (const move of moves) {
    if (Object.keys(change).length >= most || move.change > Math.min(0, 0.5 * first.change)) break;
    const joined = { ...change, [move.name]: move.value };
    if (!(move.name in change) && isNew(joined)) change[move.name] = move.value;
  }
  return change;
}

function movesOf(knob: KnobDimension, from: KnobValue, surface: DrawnSurface): Move[] {
  const values = new Set<KnobValue | undefined>();
  if (knob.kind === 'float' || knob.kind === 'integer') {
    const start = typeof from === 'number' ? from : knob.current;
    const best = surface.bestSteps(knob.name);
    const steps = best === undefined || Math.abs(best) < 0.15 ? localSteps : [...localSteps, best];
    for (const step of steps) values.add(stepFrom(knob, start, step));
  } else {
    for (const choice of choicesOf(knob) ?? []) if (!isSameValue(choice, from)) values.add(choice);
  }
  return [...values]
    .filter((value) => value !== undefined)
    .map((value) => ({ name: knob.name, value, change: surface.changeBy(knob.name, value) }));
}

/** TPE on two to four knobs, numeric ones at most two steps from the incumbent. */
function neighbourhoodChange(
  space: KnobSpace,
  incumbent: KnobValues,
  history: readonly KnobObservation[],
  random: Random,
): KnobValues {
  const part = random.shuffle(space).slice(0, Math.min(space.length, 2 + random.integer(3)));
  const near = part.map((knob) => nearby(knob, incumbent[knob.name] as KnobValue));
  const filled = history.map(({ values, loss }) => ({ values: { ...incumbent, ...values }, loss }));
  const values = suggest({ space: near, history: filled, random });
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => !isSameValue(value, incumbent[name] as KnobValue)),
  );
}

function nearby(knob: KnobDimension, value: KnobValue): KnobDimension {
  if (knob.kind === 'boolean' || knob.kind === 'choice' || typeof value !== 'number') return knob;
  const low = stepFrom(knob, value, -2) ?? knob.low;
  const high = stepFrom(knob, value, 2) ?? knob.high;
  return low < high ? { ...knob, low, high } : knob;
}

/** Wider and wider random moves, for when everything near was tried. */
function anyNewChange(
  space: KnobSpace,
  incumbent: KnobValues,
  random: Random,
  isNew: (change: KnobValues) => boolean,
): KnobValues | undefined {
  for (let attempt = 0; attempt < 200; attempt++) {
    const change = perturb({ space, around: incumbent, random, strength: 0.3 + attempt / 40 });
    if (isNew(change)) return change;
  }
  return undefined;
}

function keyOf(space: KnobSpace, incumbent: KnobValues, values: KnobValues): string {
  return pointKey(
    Object.fromEntries(space.map((knob) => [knob.name, values[knob.name] ?? (incumbent[knob.name] as KnobValue)])),
  );
}
