import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
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
  expect(codeOf('start-unknown')).toBe(2);
  expect(codeOf('too-few-cores')).toBe(6);
  expect(codeOf('supervisor-refused')).toBe(6);
  expect(codeOf('attempt-not-written')).toBe(7);
  expect(codeOf('source-invalid')).toBe(3);
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

test('every code of an error in the sources has an exit code that says more than 1', () => {
  const sources = path.resolve(import.meta.dirname, '..');
  const codes = new Set<string>();
  for (const file of globSync('**/*.ts', { cwd: sources })) {
    if (/\.(?:test|fixture|contract)\.ts$/.test(file)) continue;
    const text = readFileSync(path.join(sources, file), 'utf8');
    for (const [, first] of text.matchAll(/(?:new UserError|\bsuper)\(\s*'([a-z]+(?:-[a-z]+)+)'/g))
      codes.add(first ?? '');
    for (const [, ...either] of text.matchAll(/ENOSPC' \? '([a-z-]+)' : '([a-z-]+)'/g))
      for (const code of either) codes.add(code);
  }
  expect(codes.size).toBeGreaterThan(50);
  const ones = [...codes].filter((code) => exitCodeOf(new UserError(code, '', '')) === EXIT.failed);
  expect(ones).toEqual([]);
});
