import type { AuditReport } from '../../domain/audit.ts';
import { counted, languageOf, listed, textOf, type ChangeInput, type FileChange } from './change-input.ts';
import { report } from './report.ts';

/** A long literal that the change brings in. */
export interface LongLiteral {
  readonly path: string;
  readonly line: number;
  /** Characters of a text, numbers of a table. */
  readonly size: number;
  readonly kind: 'text' | 'table';
  /** It looks like packed data, not like words or code. */
  readonly encoded: boolean;
}

/** Characters of packed text that are worth a word, and that no honest source needs. */
const NOTED_PACKED = 200;
const REFUSED_PACKED = 8_000;
/** Numbers in tables. */
const NOTED_NUMBERS = 256;
const REFUSED_NUMBERS = 4_096;
/** Characters of literals that read like words or code: kernels in another language, say. */
const NOTED_TEXT = 20_000;
const REFUSED_TEXT = 100_000;

// oxlint-disable-next-line no-control-regex -- that is what is looked for
const CONTROL = /[\u0000-\u0008\u000B\u000E-\u001F\u007F\u0080-\u009F]/;
const REORDERING = /[\u202A-\u202E\u2066-\u2069]/;
/** Python reads a file in whatever encoding its first two lines name (PEP 263): code can look like a comment. */
const CODING = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/;
const PACKED_RUN = /(?:[A-Za-z0-9+/=_-]|\\x[0-9a-fA-F]{2}){200,}/g;

/**
 * Refuses what is no text, or text that is packed data.
 *
 * @param literals of the languages that are parsed; other texts are searched for runs of packed characters.
 */
export function auditTextOnly({ changes }: ChangeInput, literals: readonly LongLiteral[]): AuditReport {
  const wrong = changes.flatMap(problemsOf);
  const runs = changes.flatMap((change) => packedRuns(change));
  // A run within a literal is the literal's: the larger of both measures counts.
  const packed = Math.max(
    sum(literals.filter(({ kind, encoded }) => kind === 'text' && encoded)),
    runs.reduce((total, run) => total + run.size, 0),
  );
  const numbers = sum(literals.filter(({ kind }) => kind === 'table'));
  const text = sum(literals.filter(({ kind, encoded }) => kind === 'text' && !encoded));
  if (packed >= REFUSED_PACKED)
    wrong.push(`it brings in ${packed} characters of packed text ${placesOf([...literals, ...runs])}`);
  if (numbers >= REFUSED_NUMBERS) wrong.push(`it brings in tables of ${numbers} numbers ${placesOf(literals)}`);
  if (text >= REFUSED_TEXT) wrong.push(`it brings in ${text} characters of literals ${placesOf(literals)}`);
  if (wrong.length > 0) return report('text-only', 'fired', listed(wrong));
  const bytes = changes.reduce((total, { after }) => total + (after?.length ?? 0), 0);
  const notes: string[] = [];
  if (packed >= NOTED_PACKED) notes.push(`${packed} characters of packed text ${placesOf([...literals, ...runs])}`);
  if (numbers >= NOTED_NUMBERS) notes.push(`tables of ${numbers} numbers ${placesOf(literals)}`);
  if (text >= NOTED_TEXT) notes.push(`${text} characters of literals ${placesOf(literals)}`);
  const counts = `${counted(changes.length, 'file')}, ${counted(bytes, 'byte')} of text, ${packed} packed`;
  return report('text-only', notes.length > 0 ? 'noted' : 'passed', listed([counts, ...notes]));
}

function sum(literals: readonly LongLiteral[]): number {
  return literals.reduce((total, { size }) => total + size, 0);
}

function placesOf(literals: readonly LongLiteral[]): string {
  const places = literals
    .toSorted((left, right) => right.size - left.size)
    .slice(0, 3)
    .map(({ path, line }) => `${path}:${line}`);
  return places.length > 0 ? `(${places.join(', ')})` : '';
}

function problemsOf({ path, before, after }: FileChange): string[] {
  if (after === undefined) return [];
  if (after.includes(0) && !before?.includes(0)) return [`${path} holds bytes that are no text`];
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(after);
  } catch {
    return [`${path} is not UTF-8`];
  }
  const was = textOf(before) ?? '';
  const problems: string[] = [];
  if (CONTROL.test(text) && !CONTROL.test(was)) problems.push(`${path} holds control characters`);
  if (REORDERING.test(text) && !REORDERING.test(was))
    problems.push(`${path} holds characters that show the code in another order than it runs`);
  if (languageOf(path, after) === 'python') {
    const coding = text
      .split(/\r\n|\r|\n/, 2)
      .map((line) => CODING.exec(line)?.[1])
      .find((found) => found !== undefined);
    if (coding !== undefined && !/^(?:utf-?8|ascii|us-ascii)/i.test(coding.replaceAll('_', '-')))
      problems.push(`${path} asks to be read in the encoding ${coding}`);
  }
  return problems;
}

/** Long runs of packed characters anywhere, comments included, that were not there before. */
function packedRuns({ path, before, after }: FileChange): LongLiteral[] {
  if (after === undefined) return [];
  const text = Buffer.from(after).toString('latin1');
  const was = Buffer.from(before ?? []).toString('latin1');
  const runs: LongLiteral[] = [];
  for (const match of text.matchAll(PACKED_RUN)) {
    // Lines of ---- and ==== are ornaments.
    if (/^(.)\1+$/.test(match[0]) || new Set(match[0]).size < 8 || was.includes(match[0])) continue;
    const line = text.slice(0, match.index).split('\n').length;
    runs.push({ path, line, size: match[0].length, kind: 'text', encoded: true });
  }
  return runs;
}
