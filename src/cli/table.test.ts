import { expect, test } from 'vitest';
import { printable } from './output.ts';
import { renderTable, type Column } from './table.ts';
import { cutToWidth, displayWidth, wrapText } from './text-width.ts';

const COLUMNS: readonly Column[] = [
  { title: 'id' },
  { title: 'gain', align: 'right' },
  { title: 'empty' },
  { title: 'cost', align: 'right', dispensable: 1 },
  { title: 'text', flexible: true },
];
const ROWS = [
  ['e1', '+0.5', '', '1 min', 'a hypothesis of many words that goes on and on'],
  ['e12', '−12.25', undefined, '2 s', 'short'],
];

test('columns are aligned, and one without values is left out', () => {
  expect(renderTable(COLUMNS, ROWS).split('\n')).toEqual([
    'id     gain   cost  text',
    'e1     +0.5  1 min  a hypothesis of many words that goes on and on',
    'e12  −12.25    2 s  short',
  ]);
});

test('a terminal cuts the flexible column, then leaves out what can be spared', () => {
  for (const width of [60, 40, 34, 30]) {
    for (const line of renderTable(COLUMNS, ROWS, { width }).split('\n'))
      expect(displayWidth(line)).toBeLessThanOrEqual(width);
  }
  expect(renderTable(COLUMNS, ROWS, { width: 50 })).toContain('…');
  expect(renderTable(COLUMNS, ROWS, { width: 50 })).toContain('cost');
  expect(renderTable(COLUMNS, ROWS, { width: 30 })).not.toContain('cost');
});

test('wide characters take two columns and marks none', () => {
  expect(displayWidth('漢字')).toBe(4);
  expect(displayWidth('e\u0301')).toBe(1);
  expect(cutToWidth('漢字漢字', 5)).toBe('漢字…');
  expect(wrapText('one two three', 8, '  ')).toBe('one two\n  three');
});

test('foreign text can not steer the terminal', () => {
  expect(printable('\u001b[31mred\u001b]0;title\u0007\u001b[0m\u009b2J\r\nnext\u202e')).toBe('red next');
  expect(printable('a\n\tb', { lines: true })).toBe('a\n\tb');
});
