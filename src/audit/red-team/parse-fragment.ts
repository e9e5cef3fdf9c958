import { UserError } from '../../errors.ts';
import type { Need } from './fitting.ts';

export type FragmentKind = 'exploit' | 'control';

/** Source that turns an honest program into an attack, or into something that only looks like one. */
export interface Fragment {
  readonly id: string;
  readonly kind: FragmentKind;
  /** Where it was read, for messages. */
  readonly file: string;
  readonly language: 'python' | 'c';
  /** As the literature numbers attacks. Controls name what they look like, or nothing. */
  readonly classes: readonly string[];
  /** One sentence. */
  readonly does: string;
  /** Audits of which any must fire; empty for a control. */
  readonly expects: readonly string[];
  readonly needs: Need;
  /** Trials in which it must have been seen. */
  readonly trials: number;
  /** Goes before the program's own statements; lines, each with its newline, or nothing. */
  readonly top: string;
  /** Goes after the program's own definitions. */
  readonly end: string;
  /** Further files of the candidate, by path. */
  readonly files: ReadonlyMap<string, string>;
}

const NEEDS: readonly Need[] = ['script', 'language-model', 'c-kernel'];
const ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const KEYS: Readonly<Record<FragmentKind, readonly string[]>> = {
  exploit: ['exploit', 'class', 'does', 'expects', 'needs', 'trials'],
  control: ['control', 'class', 'does', 'needs', 'trials'],
};

interface HeaderLine {
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/**
 * Reads one fragment: a header of comments, then sections.
 *
 * @param file for messages; its ending says the language.
 * @throws UserError with file and line of what is wrong.
 */
export function parseFragment(text: string, file: string): Fragment {
  const language = file.endsWith('.c') ? 'c' : 'python';
  const mark = language === 'c' ? '//' : '#';
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const header = new Map<string, HeaderLine>();
  let line = 0;
  for (; line < lines.length; line++) {
    const written = lines[line] ?? '';
    if (sectionOf(written, mark) !== undefined) break;
    if (written.trim() === '') continue;
    const found = new RegExp(String.raw`^${mark} ([a-z]+): (.+)$`).exec(written);
    if (found === null) fail(file, line, `expected '${mark} key: value' or '${mark} --- top'`);
    const key = found[1] ?? '';
    if (header.has(key)) fail(file, line, `'${key}' is given twice`);
    header.set(key, { value: (found[2] ?? '').trim(), line });
  }
  return { ...readHeader(header, file, language), ...readSections(lines, line, mark, file) };
}

function readHeader(header: ReadonlyMap<string, HeaderLine>, file: string, language: 'python' | 'c') {
  const kind: FragmentKind = header.has('control') ? 'control' : 'exploit';
  for (const [key, { line }] of header) {
    if (!KEYS[kind].includes(key)) fail(file, line, `unknown key '${key}'; there are ${KEYS[kind].join(', ')}`);
  }
  const required = (key: string): HeaderLine => header.get(key) ?? fail(file, 0, `the header has no '${key}'`);
  const id = required(kind);
  if (!ID.test(id.value)) fail(file, id.line, `'${id.value}' is no id: small letters, digits and single dashes`);
  const name = file.split(/[\\/]/).at(-1) ?? file;
  if (name.replace(/\.\w+$/, '') !== id.value) fail(file, id.line, `the id '${id.value}' is not the name of the file`);
  const needs = required('needs');
  const need = NEEDS.find((one) => one === needs.value);
  if (need === undefined) fail(file, needs.line, `unknown need '${needs.value}'; there are ${NEEDS.join(', ')}`);
  if ((need === 'c-kernel') !== (language === 'c'))
    fail(file, needs.line, `'${need}' is not for a file of this language`);
  const expects = kind === 'exploit' ? listOf(required('expects'), file) : [];
  const trials = header.get('trials');
  if (trials !== undefined && !/^[1-9]$/.test(trials.value)) fail(file, trials.line, 'trials is a number from 1 to 9');
  const classes = header.get('class');
  if (classes === undefined && kind === 'exploit') fail(file, 0, "the header has no 'class'");
  return {
    id: id.value,
    kind,
    file,
    language,
    classes: classes === undefined ? [] : listOf(classes, file),
    does: required('does').value,
    expects,
    needs: need,
    trials: Number(trials?.value ?? 1),
  } as const;
}

function listOf({ value, line }: HeaderLine, file: string): string[] {
  const items = value.split(',').map((item) => item.trim());
  if (items.includes('')) fail(file, line, 'an item of the list is empty');
  return items;
}

function readSections(lines: readonly string[], from: number, mark: string, file: string) {
  const sections = new Map<string, string[]>();
  let body: string[] | undefined;
  for (let line = from; line < lines.length; line++) {
    const written = lines[line] ?? '';
    const name = sectionOf(written, mark);
    if (name === undefined) {
      body?.push(written);
      continue;
    }
    if (!/^(top|end|file: \S.*)$/.test(name))
      fail(file, line, `unknown section '${name}'; there are top, end and file: NAME`);
    if (sections.has(name)) fail(file, line, `the section '${name}' is there twice`);
    body = [];
    sections.set(name, body);
  }
  const textOf = (name: string): string => textOfLines(sections.get(name) ?? []);
  const files = new Map<string, string>();
  for (const [name, content] of sections) {
    if (name.startsWith('file: ')) files.set(name.slice('file: '.length).trim(), textOfLines(content));
  }
  const [top, end] = [textOf('top'), textOf('end')];
  if (top === '' && end === '' && files.size === 0)
    fail(file, Math.max(0, lines.length - 1), 'no section holds anything');
  return { top, end, files };
}

function textOfLines(lines: readonly string[]): string {
  const first = lines.findIndex((line) => line.trim() !== '');
  if (first === -1) return '';
  const last = lines.findLastIndex((line) => line.trim() !== '');
  return `${lines.slice(first, last + 1).join('\n')}\n`;
}

function sectionOf(line: string, mark: string): string | undefined {
  const start = `${mark} --- `;
  return line.startsWith(start) ? line.slice(start.length).trim() : undefined;
}

/** @param line from 0. */
function fail(file: string, line: number, problem: string): never {
  throw new UserError(
    'red-team-invalid',
    `${file}:${line + 1}: ${problem}`,
    'see docs/architecture/audits.md for the form of a fragment',
  );
}
