import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Pattern, applyPattern, patternState, removePattern } from './patterns.ts';

function pattern(...edits: readonly (readonly [find: string, replace: string])[]): Pattern {
  const list = edits.map(([find, replace]) => ({ file: 'a.py', find, replace }));
  return { id: 'p', title: 'P', kind: 'algorithmic', rationale: 'R', edits: list };
}
const files = (text: string): Map<string, string> => new Map([['a.py', text]]);

describe('the state of a pattern', () => {
  test.each([
    ['the text to find is there once', 'x = relu(y)', ['relu', 'gelu'], 'absent'],
    ['the replacement is there once', 'x = gelu(y)', ['relu', 'gelu'], 'applied'],
    ['the text to find is there twice', 'relu relu', ['relu', 'gelu'], 'inapplicable'],
    ['neither is there', 'x', ['relu', 'gelu'], 'inapplicable'],
    ['both are there', 'relu gelu', ['relu', 'gelu'], 'inapplicable'],
    ['an insertion is not done', 'a = 1\n', ['a = 1\n', 'a = 1\nb = 2\n'], 'absent'],
    ['an insertion is done', 'a = 1\nb = 2\n', ['a = 1\n', 'a = 1\nb = 2\n'], 'applied'],
    [
      'an insertion is done and its anchor is there again',
      'a = 1\nb = 2\na = 1\n',
      ['a = 1\n', 'a = 1\nb = 2\n'],
      'inapplicable',
    ],
    ['a deletion is not done', 'a\nb\nc', ['a\nb\nc', 'a\nc'], 'absent'],
    ['a deletion is done', 'a\nc', ['a\nb\nc', 'a\nc'], 'applied'],
    ['what a deletion leaves was there before', 'abc b', ['abc', 'b'], 'inapplicable'],
  ] as const)('%s: %s', (_, text, edit, state) => {
    expect(patternState(files(text), pattern(edit))).toBe(state);
  });

  test('is inapplicable where a file is missing', () => {
    expect(patternState(new Map(), pattern(['a', 'b']))).toBe('inapplicable');
  });
});

test('edits are done in order, and an edit may stand in the text of an earlier one', () => {
  const two = pattern(['one', 'one two'], ['two', 'three']);
  const applied = applyPattern(files('one'), two);
  expect(applied).toEqual(files('one three'));
  expect(removePattern(applied, two)).toEqual(files('one'));
});

test('the argument is never changed, and the wrong state is refused', () => {
  const before = files('relu');
  applyPattern(before, pattern(['relu', 'gelu']));
  expect(before).toEqual(files('relu'));
  expect(() => removePattern(before, pattern(['relu', 'gelu']))).toThrow("cannot remove the pattern 'p': it is absent");
});

test('what was applied can be removed, and what was removed can be applied, to the same text', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 14 });
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(text, part, part, (content, find, replace) => {
      const edit = pattern([find, replace]);
      const state = patternState(files(content), edit);
      if (state === 'absent') {
        const applied = applyPattern(files(content), edit);
        expect(patternState(applied, edit)).toBe('applied');
        expect(removePattern(applied, edit)).toEqual(files(content));
      } else if (state === 'applied') {
        const removed = removePattern(files(content), edit);
        expect(patternState(removed, edit)).toBe('absent');
        expect(applyPattern(removed, edit)).toEqual(files(content));
      }
    }),
    { numRuns: 2000 },
  );
});
