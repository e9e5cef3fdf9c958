import type { NumericKnob } from './knob-space.ts';

/** One step on a linear scale, as a share of the range. On a log scale one step is a doubling. */
const linearStepShare = 0.1;

/**
 * The value `steps` steps away: doubled for each step on a log scale, a tenth of the range on a linear one. Kept within the
 * bounds; rounded to 2 significant digits (3 on a linear scale) so that near-duplicates become equal; integers move by at
 * least 1. Undefined when no move is left in that direction.
 */
export function stepFrom(knob: NumericKnob, value: number, steps: number): number | undefined {
  const start = Math.min(knob.high, Math.max(knob.low, value));
  const isLog = knob.scale === 'log';
  const exact = isLog ? start * 2 ** steps : start + steps * linearStepShare * (knob.high - knob.low);
  const rounded = knob.kind === 'integer' ? roundAway(exact, start) : Number(exact.toPrecision(isLog ? 2 : 3));
  const bounded = withinBounds(knob, rounded);
  const isMoved = steps > 0 ? bounded > value : bounded < value;
  return isMoved ? bounded : undefined;
}

/** How many steps lie between two values: the inverse of `stepFrom`, up to its rounding. Values are first brought within bounds. */
export function stepsBetween(knob: NumericKnob, from: number, to: number): number {
  const start = Math.min(knob.high, Math.max(knob.low, from));
  const end = Math.min(knob.high, Math.max(knob.low, to));
  if (knob.scale === 'log') return Math.log2(end / start);
  return (end - start) / (linearStepShare * (knob.high - knob.low));
}

function roundAway(exact: number, start: number): number {
  const rounded = Math.round(exact);
  if (rounded !== Math.round(start)) return rounded;
  return exact > start ? Math.floor(start) + 1 : Math.ceil(start) - 1;
}

function withinBounds(knob: NumericKnob, value: number): number {
  const isInteger = knob.kind === 'integer';
  const low = isInteger ? Math.ceil(knob.low) : knob.low;
  const high = isInteger ? Math.floor(knob.high) : knob.high;
  return Math.min(high, Math.max(low, value));
}
