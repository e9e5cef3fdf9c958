import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { experimentLimit, minuteLimit, newLimits, NOTHING_USED, type Used } from './limits.ts';

const USED: Used = { experiments: 12, minutes: 3.5, limits: { experiments: 20 }, isFinished: false };

test("'40' is a total and '+40' so many more than were used", () => {
  expect(experimentLimit('40')).toEqual({ value: 40, isMore: false });
  expect(experimentLimit('+40')).toEqual({ value: 40, isMore: true });
  expect(newLimits({ experiments: experimentLimit('40') }, USED)).toEqual({ experiments: 40 });
  expect(newLimits({ experiments: experimentLimit('+40') }, USED)).toEqual({ experiments: 52 });
  expect(newLimits({ minutes: minuteLimit('+1.5') }, USED)).toEqual({ minutes: 5 });
});

test('no limit is none', () => {
  expect(newLimits({}, USED)).toBeUndefined();
  expect(newLimits({ minutes: minuteLimit('5') }, USED)).not.toHaveProperty('experiments');
  expect(newLimits({ experiments: experimentLimit('1') }, NOTHING_USED)).toEqual({ experiments: 1 });
});

test('a limit that leaves nothing to do is refused, unless it is the present one of a campaign that is not finished', () => {
  const limited = (text: string, used: Partial<Used> = {}): unknown =>
    newLimits({ experiments: experimentLimit(text) }, { ...USED, ...used });
  for (const text of ['5', '12']) {
    expect(() => limited(text)).toThrow(
      expect.objectContaining({ code: 'usage-limit', hint: expect.stringContaining("'+25'") }),
    );
  }
  expect(() => limited('5')).toThrow('already has 12 experiments');
  expect(limited('12', { limits: { experiments: 12 } })).toEqual({ experiments: 12 });
  expect(() => limited('12', { limits: { experiments: 12 }, isFinished: true })).toThrow(/already has 12/);
  expect(limited('13', { isFinished: true })).toEqual({ experiments: 13 });
});

test.each([
  '',
  '0',
  '+0',
  ' ',
  '+',
  '-5',
  '++5',
  '5+',
  '1e3',
  '0x10',
  '1,5',
  '.5',
  '5.',
  'NaN',
  'Infinity',
  '40 ',
  '40\n',
  '٤٠',
  '9999999999',
])('%j is refused with an example', (text) => {
  for (const parse of [experimentLimit, minuteLimit]) {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
    expect(() => parse(text)).toThrow(/such as 40/);
  }
});

test('there are parts of a minute, and none of an experiment', () => {
  expect(minuteLimit('0.5')).toEqual({ value: 0.5, isMore: false });
  expect(() => minuteLimit('0.0')).toThrow(InvalidArgumentError);
  expect(() => experimentLimit('2.5')).toThrow(InvalidArgumentError);
});
