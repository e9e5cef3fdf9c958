import { expect, test } from 'vitest';
import { UserError } from '../errors.ts';
import { EXIT, EXIT_CODE_MEANINGS, exitCodeOf } from './exit-codes.ts';

test('the code of an error decides, then its first word', () => {
  const codeOf = (code: string): number => exitCodeOf(new UserError(code, '', ''));
  expect(codeOf('task-invalid')).toBe(3);
  expect(codeOf('baseline-failed')).toBe(3);
  expect(codeOf('campaign-missing')).toBe(4);
  expect(codeOf('store-broken')).toBe(4);
  expect(codeOf('campaign-busy')).toBe(5);
  expect(codeOf('lease-lost')).toBe(5);
  expect(codeOf('package-missing')).toBe(6);
  expect(codeOf('git-missing')).toBe(6);
  expect(codeOf('store-read-only')).toBe(7);
  expect(codeOf('disk-full')).toBe(7);
  expect(codeOf('experiment-missing')).toBe(2);
  expect(codeOf('something-new')).toBe(1);
});

test('a bug is 1 and an interruption is 130', () => {
  expect(exitCodeOf(new Error('x'))).toBe(1);
  expect(exitCodeOf('x')).toBe(1);
  expect(exitCodeOf(new DOMException('stop', 'AbortError'))).toBe(130);
});

test('every code has a meaning', () => {
  for (const code of Object.values(EXIT)) expect(EXIT_CODE_MEANINGS[code]).not.toBe('');
});
