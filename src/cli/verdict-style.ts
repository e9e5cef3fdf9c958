import type { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<string, Style>> = {
  keep: 'green',
  'near-miss': 'yellow',
  'suspected-hack': 'magenta',
  failed: 'red',
  discard: 'dim',
  open: 'cyan',
};

/** The colour of a verdict; the word itself always says the same. */
export function verdictStyle(cell: string): Style | undefined {
  // A keep that fell is none.
  if (/\(.*retracted/.test(cell)) return 'magenta';
  return STYLES[cell.split(' ', 1)[0] ?? ''];
}
