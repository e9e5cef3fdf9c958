import { InvalidArgumentError } from 'commander';
import type { Limits } from '../domain/events.ts';
import { UserError } from '../errors.ts';

/** `40` is a total, `+40` is so many more than there are now. */
export interface Limit {
  readonly value: number;
  readonly isMore: boolean;
}

/** For `.option('--experiments <n>', …, experimentLimit)`. */
export function experimentLimit(text: string): Limit {
  return parseLimit(/^(\+?)(\d{1,9})$/, text, (value) => value >= 1, 'a whole number such as 40');
}

/** For `.option('--minutes <n>', …, minuteLimit)`. */
export function minuteLimit(text: string): Limit {
  return parseLimit(/^(\+?)(\d{1,9}(?:\.\d+)?)$/, text, (value) => value > 0, 'a number above 0 such as 40');
}

function parseLimit(form: RegExp, text: string, isValid: (value: number) => boolean, expected: string): Limit {
  const match = form.exec(text);
  const value = Number(match?.[2]);
  if (!match || !isValid(value)) throw new InvalidArgumentError(`It must be ${expected}, or '+40' for so many more.`);
  return { value, isMore: match[1] === '+' };
}

export interface LimitOptions {
  readonly experiments?: Limit;
  readonly minutes?: Limit;
}

/** What a campaign has used up, and what it may. */
export interface Used {
  readonly experiments: number;
  readonly minutes: number;
  readonly limits: Limits;
  readonly isFinished: boolean;
}

export const NOTHING_USED: Used = { experiments: 0, minutes: 0, limits: {}, isFinished: false };

/**
 * The new totals.
 *
 * @throws UserError `usage-limit` where no experiment would be left to do.
 */
export function newLimits(options: LimitOptions, used: Used): Limits | undefined {
  const total = (wanted: Limit, now: number): number => (wanted.isMore ? now + wanted.value : wanted.value);
  const { experiments, minutes } = options;
  if (!experiments && !minutes) return undefined;
  if (experiments) checkExperiments(total(experiments, used.experiments), used);
  return {
    ...(experiments ? { experiments: total(experiments, used.experiments) } : {}),
    ...(minutes ? { minutes: total(minutes, used.minutes) } : {}),
  };
}

function checkExperiments(wanted: number, used: Used): void {
  const done = used.experiments;
  // The command that began it, once more: what is open is concluded.
  const goesOn = !used.isFinished && wanted === used.limits.experiments;
  if (done === 0 || wanted > done || goesOn) return;
  throw new UserError(
    'usage-limit',
    `the campaign already has ${done === 1 ? '1 experiment' : `${done} experiments`}, so a limit of ${wanted} in all leaves nothing to do`,
    "for 25 more: --experiments '+25'",
  );
}
