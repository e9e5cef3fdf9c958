import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../errors.ts';
import type { Need } from './fitting.ts';
import { parseFragment, type Fragment, type FragmentKind } from './parse-fragment.ts';

const FOLDERS: Readonly<Record<FragmentKind, string>> = { exploit: 'exploits', control: 'controls' };
const ENDING = /\.(py|c)$/;

/**
 * All exploits and honest controls that ship, in the order of their ids.
 *
 * @throws UserError naming file and line of a header that is wrong, or two files of one id.
 */
export async function loadFragments(root: string = import.meta.dirname): Promise<readonly Fragment[]> {
  const fragments: Fragment[] = [];
  for (const [kind, folder] of Object.entries(FOLDERS) as [FragmentKind, string][]) {
    const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile() || !ENDING.test(entry.name)) continue;
      const file = path.join(entry.parentPath, entry.name);
      const fragment = parseFragment(await readFile(file, 'utf8'), path.relative(root, file));
      if (fragment.kind !== kind) throw misplaced(fragment, FOLDERS[fragment.kind]);
      fragments.push(fragment);
    }
  }
  fragments.sort((left, right) => (left.id < right.id ? -1 : 1));
  const twice = fragments.find(({ id }, index) => fragments[index + 1]?.id === id);
  if (twice !== undefined) {
    throw new UserError('red-team-invalid', `two fragments are called '${twice.id}'`, 'give each an id of its own');
  }
  return fragments;
}

function misplaced(fragment: Fragment, folder: string): UserError {
  return new UserError(
    'red-team-invalid',
    `${fragment.file}:1: this is a fragment of the other kind`,
    `move it to ${folder}/, or begin it with '${fragment.kind === 'exploit' ? 'control' : 'exploit'}: ${fragment.id}'`,
  );
}

/** The fragments that fit what a task offers. */
export function fragmentsFor(
  fragments: readonly Fragment[],
  offers: Readonly<Partial<Record<Need, string>>>,
): Fragment[] {
  return fragments.filter(({ needs }) => offers[needs] !== undefined);
}

/**
 * The files that make of a candidate what the fragment is: the changed program and the fragment's own files. Applying it
 * to its own outcome changes nothing.
 *
 * @param files the candidate's files by path.
 * @param place `entry`: path of the program.
 * @throws UserError if the program is not there.
 */
export function applyFragment(
  files: ReadonlyMap<string, string>,
  fragment: Fragment,
  { entry }: { readonly entry: string },
): ReadonlyMap<string, string> {
  const program = files.get(entry);
  if (program === undefined) {
    throw new UserError(
      'red-team-invalid',
      `'${fragment.id}' needs the file ${entry}`,
      `the candidate has ${[...files.keys()].join(', ') || 'no files'}`,
    );
  }
  return new Map([[entry, applyToProgram(program, fragment)], ...fragment.files]);
}

function applyToProgram(program: string, { language, top, end }: Fragment): string {
  const text = program.replaceAll('\r\n', '\n');
  if (text.includes(top) && text.includes(end)) return program;
  const lines = text.split('\n');
  const hasLastNewline = lines.at(-1) === '';
  if (hasLastNewline) lines.pop();
  const topLine = language === 'python' ? afterPreamble(lines) : 0;
  const endLine = language === 'python' ? beforeMain(lines) : lines.length;
  const changed = [
    ...lines.slice(0, topLine),
    ...linesOf(top),
    ...lines.slice(topLine, endLine),
    ...linesOf(end),
    ...lines.slice(endLine),
  ];
  const isWindows = program.includes('\r\n');
  return changed.join(isWindows ? '\r\n' : '\n') + (hasLastNewline || end !== '' ? (isWindows ? '\r\n' : '\n') : '');
}

function linesOf(section: string): string[] {
  return section === '' ? [] : section.replace(/\n$/, '').split('\n');
}

/** Index of the first line after comments, the module's docstring and its imports from the future. */
function afterPreamble(lines: readonly string[]): number {
  let place = 0;
  let docstring = false;
  for (let line = 0; line < lines.length;) {
    const text = lines[line] ?? '';
    if (/^\s*(#|$)/.test(text)) {
      line += 1;
      continue;
    }
    const opening = /^[rRuU]?("""|'''|"|')/.exec(text);
    if (opening !== null && !docstring) {
      docstring = true;
      line = afterString(lines, line, opening[0].length, opening[1] ?? '"');
    } else if (/^from\s+__future__\s+import\b/.test(text)) {
      line = afterStatement(lines, line);
    } else {
      break;
    }
    place = line;
  }
  return place;
}

/** Index of the line after the string that opens in a line. */
function afterString(lines: readonly string[], from: number, skipped: number, quote: string): number {
  for (let line = from; line < lines.length; line++) {
    const text = (lines[line] ?? '').slice(line === from ? skipped : 0).replaceAll(/\\./g, '');
    if (text.includes(quote)) return line + 1;
  }
  return lines.length;
}

/** Index of the line after a statement with parentheses or line continuations. */
function afterStatement(lines: readonly string[], from: number): number {
  let depth = 0;
  for (let line = from; line < lines.length; line++) {
    const text = (lines[line] ?? '').replace(/#.*$/, '');
    depth += (text.match(/\(/g)?.length ?? 0) - (text.match(/\)/g)?.length ?? 0);
    if (depth <= 0 && !text.trimEnd().endsWith('\\')) return line + 1;
  }
  return lines.length;
}

/** Index of the last line that asks whether the program was started; the end of the file if none does. */
function beforeMain(lines: readonly string[]): number {
  const found = lines.findLastIndex((line) => /^if\s+__name__\s*==\s*(["'])__main__\1\s*:/.test(line));
  return found === -1 ? lines.length : found;
}
