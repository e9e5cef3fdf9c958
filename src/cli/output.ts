import { stripVTControlCharacters, styleText } from 'node:util';
import type { Command } from 'commander';
import { renderTable, type Column } from './table.ts';

type Style = Parameters<typeof styleText>[0];

/** Where a command prints. One for each run of a command. */
export interface Output {
  /** `--json` was given: print with `json` and nothing else. */
  readonly isJson: boolean;
  /** The reader went away (`assay log | head`). What is printed from now on is dropped. */
  readonly isClosed: boolean;
  /** Columns of the terminal; undefined in a pipe or file, where nothing is cut. */
  readonly width: number | undefined;
  /** Lines for people, to standard output. The caller has made foreign text `printable`. */
  print(text: string): void;
  /** One JSON document: `{"schema": "assay.<name>.v1", …data}`. What is undefined or not finite is left out. */
  json(schema: string, data: object): void;
  /** One JSON document on one line, for streams of many. */
  jsonLine(schema: string, data: object): void;
  table(columns: readonly Column[], rows: readonly (readonly (string | undefined)[])[]): void;
  /** Coloured on a terminal, plain elsewhere and with NO_COLOR. */
  style(format: Style, text: string): string;
  /** A line to standard error. */
  warn(text: string): void;
}

let closed = false;

/** A reader that closes its end of the pipe is no error. Call once, before anything is printed. */
export function guardPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      closed = true;
    });
  }
}

/** The output of the command that is running. */
export function openOutput(command?: Command): Output {
  const isJson = command?.opts<{ json?: boolean }>().json === true;
  const columns = process.stdout.isTTY ? process.stdout.columns : undefined;
  const width = columns !== undefined && columns > 0 ? columns : undefined;
  const print = (text: string): void => {
    if (!closed) process.stdout.write(`${text}\n`);
  };
  return {
    isJson,
    get isClosed() {
      return closed;
    },
    width,
    print,
    json: (schema, data) => print(JSON.stringify({ schema, ...data }, finiteOnly, 2)),
    jsonLine: (schema, data) => print(JSON.stringify({ schema, ...data }, finiteOnly)),
    table: (tableColumns, rows) =>
      print(renderTable(tableColumns, rows, { ...(width === undefined ? {} : { width }), style: styleOutput })),
    style: styleOutput,
    warn: (text) => {
      process.stderr.write(`${styleError('yellow', 'warning:')} ${text}\n`);
    },
  };
}

/** What is no number is left out: `null` would be neither known nor absent. (An element of a list keeps its place, as null.) */
function finiteOnly(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? undefined : value;
}

/** Honours NO_COLOR, FORCE_COLOR and whether standard output is a terminal. */
export function styleOutput(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

export function styleError(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stderr });
}

/**
 * Foreign text (hypotheses, names, output of candidates) without anything that steers a terminal.
 *
 * @param options.lines keep line ends and tabs.
 */
export function printable(text: string, options: { lines?: boolean } = {}): string {
  const plain = stripVTControlCharacters(text);
  // oxlint-disable-next-line no-control-regex
  const kept = plain.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '');
  return options.lines === true ? kept : kept.replace(/[\n\t]+/g, ' ');
}
