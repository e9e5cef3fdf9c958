import { InvalidArgumentError } from 'commander';
import type { Limits } from '../domain/events.ts';

/** `40` is a total, `+40` is so many more than there are now. */
export interface Limit {
  readonly value: number;
  readonly isMore: boolean;
}

/** For `.option('--experiments <n>', …, limit)`. */
export function limit(text: string): Limit {
  const match = /^(\+?)(\d{1,9}(?:\.\d+)?)$/.exec(text);
  const value = Number(match?.[2]);
  if (!match || !(value >= 0))
    throw new InvalidArgumentError("It must be a number such as 40, or '+40' for so many more.");
  return { value, isMore: match[1] === '+' };
}

export interface LimitOptions {
  readonly experiments?: Limit;
  readonly minutes?: Limit;
}

/** The new totals. @param used what the campaign has used up so far. */
export function newLimits(options: LimitOptions, used: { experiments: number; minutes: number }): Limits | undefined {
  const total = (wanted: Limit, now: number): number => (wanted.isMore ? now + wanted.value : wanted.value);
  const { experiments, minutes } = options;
  if (!experiments && !minutes) return undefined;
  return {
    ...(experiments ? { experiments: Math.ceil(total(experiments, used.experiments)) } : {}),
    ...(minutes ? { minutes: total(minutes, used.minutes) } : {}),
  };
}
