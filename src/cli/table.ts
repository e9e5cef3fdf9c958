import type { styleText } from 'node:util';
import { cutToWidth, displayWidth } from './text-width.ts';

type Style = Parameters<typeof styleText>[0];

export interface Column {
  readonly title: string;
  /** Numbers stand right. Default: left. */
  readonly align?: 'left' | 'right';
  /** On a narrow terminal, this one column is cut with an ellipsis. */
  readonly flexible?: boolean;
  /** On a narrow terminal, columns with a higher number are left out first; 0 or none is never left out. */
  readonly dispensable?: number;
  readonly style?: (cell: string) => Style | undefined;
}

export interface TableOptions {
  /** Columns of the terminal. Undefined: nothing is cut or left out. */
  readonly width?: number;
  readonly style?: (format: Style, text: string) => string;
}

const GAP = '  ';
const FLEXIBLE_MINIMUM = 24;

/** Aligned text with a heading. A column without a single value is left out. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly (string | undefined)[])[],
  options: TableOptions = {},
): string {
  const style = options.style ?? ((_format: Style, text: string) => text);
  const shown = columns
    .map((column, index) => ({ column, index, width: widest(column, rows, index) }))
    .filter(({ index }) => rows.length === 0 || rows.some((row) => (row[index] ?? '') !== ''));
  fit(shown, options.width);
  const line = (cells: (entry: (typeof shown)[number]) => { text: string; format?: Style | undefined }): string => {
    const parts = shown.map((entry, place) => {
      const { text, format } = cells(entry);
      const cut = cutToWidth(text, entry.width);
      const padding = ' '.repeat(Math.max(0, entry.width - displayWidth(cut)));
      const styled = format === undefined || cut === '' ? cut : style(format, cut);
      if (entry.column.align === 'right') return padding + styled;
      return place === shown.length - 1 ? styled : styled + padding;
    });
    return parts.join(GAP).trimEnd();
  };
  return [
    line(({ column }) => ({ text: column.title, format: 'dim' })),
    ...rows.map((row) =>
      line(({ column, index }) => ({ text: row[index] ?? '', format: column.style?.(row[index] ?? '') })),
    ),
  ].join('\n');
}

function widest(column: Column, rows: readonly (readonly (string | undefined)[])[], index: number): number {
  return rows.reduce((most, row) => Math.max(most, displayWidth(row[index] ?? '')), displayWidth(column.title));
}

/** Leaves out and cuts in place until the line fits. */
function fit(shown: { column: Column; width: number }[], width: number | undefined): void {
  if (width === undefined) return;
  const total = (): number => shown.reduce((sum, entry) => sum + entry.width + GAP.length, -GAP.length);
  const flexible = shown.find(({ column }) => column.flexible === true);
  const least = (): number => total() - (flexible ? Math.max(0, flexible.width - FLEXIBLE_MINIMUM) : 0);
  while (least() > width) {
    const next = shown.reduce<number | undefined>((best, { column }, place) => {
      const rank = column.dispensable ?? 0;
      return rank > 0 && rank > (best === undefined ? 0 : (shown[best]?.column.dispensable ?? 0)) ? place : best;
    }, undefined);
    if (next === undefined) break;
    shown.splice(next, 1);
  }
  if (flexible && shown.includes(flexible))
    flexible.width = Math.max(4, Math.min(flexible.width, flexible.width - (total() - width)));
}
