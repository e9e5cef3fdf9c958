import { expect, test } from 'vitest';
import { checkChange } from './static-rules.ts';

const limits = { isEditable: (path: string) => path === 'train.py', maxDiffBytes: 100 };
const text = (content: string): Uint8Array => Buffer.from(content);

test('a change of an editable file passes', () => {
  expect(checkChange([{ path: 'train.py', before: text('a = 1'), after: text('a = 2') }], limits)).toEqual([]);
});

test('any other file is refused, new, changed or removed', () => {
  for (const change of [{ after: text('x') }, { before: text('x'), after: text('y') }, { before: text('x') }]) {
    expect(checkChange([{ path: 'harness.py', ...change }], limits)).toMatchObject([
      { rule: 'editable-files', weight: 'refuse' },
    ]);
  }
});

test('weights smuggled in as text are refused by size, and bytes that are no text at once', () => {
  expect(checkChange([{ path: 'train.py', after: text('w'.repeat(101)) }], limits)).toMatchObject([
    { rule: 'diff-size' },
  ]);
  expect(checkChange([{ path: 'train.py', after: Buffer.from([65, 0, 66]) }], limits)).toMatchObject([
    { rule: 'text-only' },
  ]);
});

test('an unusual name is triage, only when the change brings it in', () => {
  const before = text('import ctypes');
  expect(checkChange([{ path: 'train.py', before, after: text('import ctypes # more') }], limits)).toEqual([]);
  expect(checkChange([{ path: 'train.py', before: text(''), after: before }], limits)).toMatchObject([
    { rule: 'unusual-names', weight: 'triage' },
  ]);
});
