import { C_ATTRIBUTES, C_FORBIDDEN, C_HEADERS, C_LIBRARY, C_SEEDERS, C_SNIFFING } from './c-rules.ts';
import { readCTokens, stringValue, type CToken } from './c-tokens.ts';
import type { PythonFinding } from './python-reader.ts';

export interface CLook {
  readonly lines: number;
  readonly tokens: number;
  /** What was not looked at. */
  readonly error?: string;
  readonly findings: readonly PythonFinding[];
  readonly literals: readonly {
    line: number;
    size: number;
    kind: 'text' | 'table';
    encoded: boolean;
    digest: string;
  }[];
}

const PATH =
  /^\/(?:proc|sys|dev|etc|root|home|usr|var|run|tmp|opt|mnt|srv|bin|lib|lib64|result|task|assay|workspace|output|data)(?:\/|$)/;
const MOST_FINDINGS = 200;
const SHORTEST_TABLE = 128;

/** What is worth a look in one file of C, C++ or CUDA. Never throws. */
export function lookAtC(source: string): CLook {
  const { tokens, isWhole } = readCTokens(source);
  const findings = new Map<string, PythonFinding>();
  const note = (audit: string, name: string, why: string, line: number): void => {
    const key = `${audit} ${name}`;
    if (!findings.has(key) && findings.size < MOST_FINDINGS)
      findings.set(key, { audit, name: name.slice(0, 120), why, line });
  };
  const pasting = pastingMacros(tokens);
  let depth = 0;
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    if (token.text === '{') depth += 1;
    if (token.text === '}') depth = Math.max(0, depth - 1);
    if (token.kind === 'identifier') {
      noteWord(token.text, token.line, note);
      const attribute = C_ATTRIBUTES.get(bare(token.text));
      if (attribute !== undefined && isInAttribute(tokens, index))
        note('forbidden-names', bare(token.text), attribute, token.line);
      if (C_LIBRARY.has(token.text)) noteStandIn(tokens, index, depth, note);
      if (C_SEEDERS.has(token.text)) noteSeed(tokens, index, note);
      if (pasting.has(token.text) && next?.text === '(') notePasted(tokens, index + 1, note);
      if (token.text === 'static' && token.directive === undefined && isMutableState(tokens, index))
        note('forbidden-names', `static ${nameAfter(tokens, index)}`, 'state that outlives a call', token.line);
    } else if (token.text === '##') note('forbidden-names', '##', 'names that the preprocessor assembles', token.line);
    else if (token.kind === 'string' && tokens[index - 1]?.kind !== 'string') noteText(tokens, index, note);
    if (token.directive === 'include' && (token.kind === 'header' || token.kind === 'string')) noteInclude(token, note);
    else if (token.directive === 'include' && token.kind === 'identifier' && token.text !== 'include')
      note('forbidden-names', `#include ${token.text}`, 'a file that a macro names', token.line);
    if (token.directive === 'pragma' && token.text === 'omp')
      note('forbidden-names', '#pragma omp', 'threads that can work beside the clock', token.line);
    if (token.directive === 'line' && token.text === 'line')
      note('forbidden-names', '#line', 'lines that are not where they stand', token.line);
  });
  if (/\?\?[=/'()!<>-]/.test(source)) note('forbidden-names', '??', 'trigraphs: code that does not look like code', 1);
  const lines = source.split('\n').length;
  const looked = { lines, tokens: tokens.length, findings: [...findings.values()], literals: literalsOf(tokens) };
  return isWhole ? looked : { ...looked, error: `only its first ${tokens.length} tokens were looked at` };
}

type Note = (audit: string, name: string, why: string, line: number) => void;

function noteWord(word: string, line: number, note: Note): void {
  const why =
    C_FORBIDDEN.get(word) ??
    (/^pthread_|^__sanitizer_|^__interceptor_/.test(word) ? 'threads, or replaced functions' : undefined);
  if (why !== undefined) note('forbidden-names', word, why, line);
  const sniffed = C_SNIFFING.get(word);
  if (sniffed !== undefined) note('evaluator-sniffing', word, sniffed, line);
}

/** `__constructor__` is `constructor`. */
function bare(word: string): string {
  return word.replace(/^__(.+)__$/, '$1');
}

function isInAttribute(tokens: readonly CToken[], index: number): boolean {
  for (let at = index - 1; at >= Math.max(0, index - 40); at -= 1) {
    const text = tokens[at]?.text ?? '';
    if (text === '__attribute__' || text === '__attribute' || text === '__declspec') return true;
    if (text === '[' && tokens[at - 1]?.text === '[') return true;
    if (text === ';' || text === '{' || text === '}') return false;
  }
  return false;
}

/** A definition outside of functions with the name of a function of the library, or a macro of that name. */
function noteStandIn(tokens: readonly CToken[], index: number, depth: number, note: Note): void {
  const token = tokens[index];
  if (token === undefined) return;
  const isMacro = token.directive === 'define' && tokens[index - 1]?.text === 'define';
  const isAlias = tokens[index - 1]?.text === '(' && tokens[index - 2]?.text === 'asm';
  if (isMacro || isAlias || (depth === 0 && tokens[index + 1]?.text === '(' && endsInBody(tokens, index + 1)))
    note('forbidden-names', `${token.text} =`, 'stands in for a function of the C library', token.line);
}

function endsInBody(tokens: readonly CToken[], from: number): boolean {
  const end = closing(tokens, from);
  return tokens[end + 1]?.text === '{';
}

/** Where the bracket that opens at `from` closes; the last token if it doesn't. */
function closing(tokens: readonly CToken[], from: number): number {
  let open = 0;
  for (let at = from; at < tokens.length; at += 1) {
    if (tokens[at]?.text === '(') open += 1;
    if (tokens[at]?.text === ')') open -= 1;
    if (open === 0) return at;
  }
  return tokens.length - 1;
}

function noteSeed(tokens: readonly CToken[], index: number, note: Note): void {
  const name = tokens[index]?.text ?? '';
  const at = tokens.findIndex((token, place) => place > index && place < index + 3 && /^[({]$/.test(token.text));
  const value = at < 0 ? undefined : tokens[at + 1];
  if (value?.kind === 'number' && /^[)}]$/.test(tokens[at + 2]?.text ?? ''))
    note('own-seeds', `${name}(${value.text})`, "a seed of its own, not the trial's", value.line);
}

function pastingMacros(tokens: readonly CToken[]): Set<string> {
  const found = new Set<string>();
  let name: string | undefined;
  tokens.forEach((token, index) => {
    if (token.directive === 'define' && token.text === 'define') name = tokens[index + 1]?.text;
    else if (token.text === '##' && token.directive === 'define' && name !== undefined) found.add(name);
  });
  return found;
}

/** PASTE(fo, rk): what the arguments make together. */
function notePasted(tokens: readonly CToken[], from: number, note: Note): void {
  const inner = tokens.slice(from + 1, Math.min(closing(tokens, from), from + 40));
  const word = inner.map(({ kind, text }) => (kind === 'identifier' || kind === 'number' ? text : '')).join('');
  const line = tokens[from]?.line ?? 1;
  noteWord(word, line, note);
  const attribute = C_ATTRIBUTES.get(bare(word));
  if (attribute !== undefined) note('forbidden-names', bare(word), attribute, line);
}

/** `static float cache[64];` keeps what an earlier call has left; `static const`, functions and prototypes don't. */
function isMutableState(tokens: readonly CToken[], index: number): boolean {
  for (let at = index + 1; at < Math.min(tokens.length, index + 30); at += 1) {
    const text = tokens[at]?.text ?? '';
    if (text === 'const' || text === 'constexpr' || text === '_Static_assert' || text === 'inline' || text === '(')
      return false;
    if (text === ';' || text === '=' || text === '[' || text === ',') return true;
    if (text === '{' || text === '}') return false;
  }
  return false;
}

function nameAfter(tokens: readonly CToken[], index: number): string {
  let name = '';
  for (let at = index + 1; at < index + 30; at += 1) {
    const token = tokens[at];
    if (token === undefined || /^[;=[,]$/.test(token.text)) break;
    if (token.kind === 'identifier') name = token.text;
  }
  return name;
}

/** Texts that stand side by side are one. */
function noteText(tokens: readonly CToken[], index: number, note: Note): void {
  let text = '';
  for (let at = index; tokens[at]?.kind === 'string' && at < index + 1000; at += 1)
    text += stringValue(tokens[at] as CToken);
  const line = tokens[index]?.line ?? 1;
  for (const variable of text.match(/ASSAY_\w*/g) ?? [])
    note('environment', variable, "a variable of Assay's own", line);
  if (PATH.test(text)) note('path', text, 'an absolute path', line);
  else if (text.includes('/proc/')) note('path', '/proc/', 'an absolute path', line);
  if (/\.incbin/.test(text)) note('forbidden-names', '.incbin', 'files that the build reads', line);
  // A name to be looked up, as dlsym takes it.
  if (/^[a-z_]\w+$/.test(text)) noteWord(text, line, note);
}

function noteInclude(token: CToken, note: Note): void {
  const name = token.kind === 'header' ? token.text.slice(1, -1) : stringValue(token);
  if (name.startsWith('/') || name.split('/').includes('..'))
    note('forbidden-names', `#include ${token.text}`, 'a file outside of its own folder', token.line);
  else if (token.kind === 'header' && !C_HEADERS.test(name))
    note('forbidden-names', `#include ${token.text}`, 'a header that numeric code rarely needs', token.line);
  else if (token.kind === 'string' && !/^[\w./-]+\.(?:h|hpp|cuh|hh)$/.test(name))
    note('forbidden-names', `#include ${token.text}`, 'a file that is no header', token.line);
}

function literalsOf(tokens: readonly CToken[]): CLook['literals'] {
  const found: { line: number; size: number; kind: 'text' | 'table'; encoded: boolean; digest: string }[] = [];
  let numbers: CToken[] = [];
  const endTable = (): void => {
    const first = numbers[0];
    if (first !== undefined && numbers.length >= SHORTEST_TABLE) {
      const digest = numbers.map(({ text }) => text).join(' ');
      found.push({ line: first.line, size: numbers.length, kind: 'table', encoded: true, digest });
    }
    numbers = [];
  };
  for (const token of tokens) {
    if (token.kind === 'number' || token.kind === 'character') numbers.push(token);
    else if (!/^[-+,{}]$/.test(token.text)) endTable();
    if (token.kind === 'string' && token.text.length >= 200) {
      const escapes = (token.text.match(/\\x|\\[0-7]/g) ?? []).length;
      const encoded = escapes * 4 > token.text.length / 4 || !/\s/.test(token.text.replaceAll('\\n', ' '));
      found.push({ line: token.line, size: token.text.length, kind: 'text', encoded, digest: token.text });
    }
  }
  endTable();
  return found;
}
