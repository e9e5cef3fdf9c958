import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { limit, newLimits } from './limits.ts';

const USED = { experiments: 12, minutes: 3.5 };

test("'40' is a total and '+40' so many more than were used", () => {
  expect(limit('40')).toEqual({ value: 40, isMore: false });
  expect(limit('+40')).toEqual({ value: 40, isMore: true });
  expect(newLimits({ experiments: limit('40') }, USED)).toEqual({ experiments: 40 });
  expect(newLimits({ experiments: limit('+40') }, USED)).toEqual({ experiments: 52 });
  expect(newLimits({ minutes: limit('+1.5') }, USED)).toEqual({ minutes: 5 });
});

test('there are no parts of an experiment: they are rounded up', () => {
  expect(newLimits({ experiments: limit('2.5') }, USED)).toEqual({ experiments: 3 });
});

test('a limit of nothing is a limit, no limit is none', () => {
  expect(newLimits({ experiments: limit('0') }, USED)).toEqual({ experiments: 0 });
  expect(newLimits({}, USED)).toBeUndefined();
  expect(newLimits({ minutes: limit('5') }, USED)).not.toHaveProperty('experiments');
});

test.each([
  '',
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
  expect(() => limit(text)).toThrow(InvalidArgumentError);
  expect(() => limit(text)).toThrow(/such as 40/);
});
