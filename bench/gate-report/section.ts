import { renderTable } from '../../src/cli/table.ts';
import type { Measurement } from '../measurement.ts';

/** One part of the report, for people and for programs. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
  readonly numbers: unknown;
}

export function measurementsSection(title: string, measurements: readonly Measurement[]): Section {
  const show = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(3));
  const table = renderTable(
    [
      { title: 'measure' },
      { title: 'value', align: 'right' },
      { title: 'unit' },
      { title: 'spread' },
      { title: 'n', align: 'right' },
      { title: 'target' },
    ],
    measurements.map(({ name, value, unit, spread, n, target }) => [
      name,
      show(value),
      unit,
      spread ?? '',
      n === undefined ? '' : String(n),
      target ?? '',
    ]),
  );
  return { title, lines: table.split('\n'), numbers: measurements };
}
