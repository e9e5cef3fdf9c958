import type { Random } from '../stats/random.ts';
import { choicesOf, isSameValue, type KnobDimension, type KnobValue, type NumericKnob } from './knob-space.ts';

/**
 * Position of a numeric value in [0, 1] on the knob's scale. Integers own the half unit on both sides, so that the bounds
 * are as likely as the others. Values outside the bounds go to the nearer one.
 */
export function positionOf(knob: NumericKnob, value: number): number {
  const { start, end } = ends(knob);
  const clamped = Math.min(knob.high, Math.max(knob.low, value));
  return (onScale(knob, clamped) - start) / (end - start);
}

/** The value at a position in [0, 1]; integers are rounded, floats keep 6 significant digits so that they read well in code. */
export function valueAt(knob: NumericKnob, position: number): number {
  const { start, end } = ends(knob);
  const scaled = start + Math.min(1, Math.max(0, position)) * (end - start);
  const value = knob.scale === 'log' ? Math.exp(scaled) : scaled;
  const rounded = knob.kind === 'integer' ? Math.round(value) : Number(value.toPrecision(6));
  return Math.min(
    knob.kind === 'integer' ? Math.floor(knob.high) : knob.high,
    Math.max(knob.kind === 'integer' ? Math.ceil(knob.low) : knob.low, rounded),
  );
}

/** The interval of positions that round to this integer. */
export function cellOf(knob: NumericKnob, value: number): { readonly low: number; readonly high: number } {
  const { start, end } = ends(knob);
  const low = (onScale(knob, Math.max(value - 0.5, knob.low - 0.5)) - start) / (end - start);
  return { low, high: (onScale(knob, Math.min(value + 0.5, knob.high + 0.5)) - start) / (end - start) };
}

/** Index among the choices; undefined when the value is none of them. */
export function choiceIndexOf(knob: KnobDimension, value: KnobValue): number | undefined {
  const index = (choicesOf(knob) ?? []).findIndex((choice) => isSameValue(choice, value));
  return index < 0 ? undefined : index;
}

/** Uniform on the knob's scale. */
export function randomValue(knob: KnobDimension, random: Random): KnobValue {
  if (knob.kind === 'float' || knob.kind === 'integer') return valueAt(knob, random.uniform());
  return random.pick(choicesOf(knob) ?? []);
}

function ends(knob: NumericKnob): { readonly start: number; readonly end: number } {
  const half = knob.kind === 'integer' ? 0.5 : 0;
  return { start: onScale(knob, knob.low - half), end: onScale(knob, knob.high + half) };
}

function onScale(knob: NumericKnob, value: number): number {
  return knob.scale === 'log' ? Math.log(value) : value;
}
