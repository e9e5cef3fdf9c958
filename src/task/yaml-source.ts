import {
  LineCounter,
  type Document,
  type Node,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
} from 'yaml';

import type { Problem } from './problem.ts';

export type KeyPath = readonly PropertyKey[];

/** A YAML file that remembers where everything stands. */
export interface YamlSource {
  /** As it is named in messages. */
  readonly file: string;
  readonly value: unknown;
  /** The problem at a path of keys and indices; of the nearest thing around it where there is nothing at the path. */
  problem(path: KeyPath, mistake: Mistake): Problem;
}

export interface Mistake {
  readonly expected: string;
  readonly remedy?: string | undefined;
  /** Points at the key instead of its value. */
  readonly atKey?: boolean;
  /** In place of the text in the file. */
  readonly found?: string;
}

/** Reads a YAML text. Syntax errors and repeated keys come back as problems; `value` is undefined if nothing could be read. */
export function readYaml(file: string, text: string): { source: YamlSource; problems: Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map((error): Problem => {
    const { line, col } = lines.linePos(error.pos[0]);
    const place = { file, line, column: col, path: '' };
    if (error.code === 'DUPLICATE_KEY') {
      const key = /^[^\n:]*/.exec(text.slice(error.pos[0]))?.[0] ?? '';
      return { ...place, found: `'${key}' a second time`, expected: 'each key once', remedy: 'Remove one of the two' };
    }
    const found = error.message.split('\n', 1)[0] ?? '';
    return { ...place, found: `a mistake in the YAML (${found.replace(/[.:]$/, '')})`, expected: 'YAML 1.2' };
  });
  let value: unknown;
  if (document.errors.every((error) => error.code === 'DUPLICATE_KEY')) {
    try {
      value = document.toJS();
    } catch (error) {
      problems.push({ file, path: '', found: `YAML that cannot be read (${String(error)})`, expected: 'YAML 1.2' });
    }
  }
  return { source: { file, value, problem: createLocator(file, document, lines) }, problems };
}

function createLocator(file: string, document: Document.Parsed, lines: LineCounter): YamlSource['problem'] {
  return (path, mistake) => {
    const { node, key, exists } = find(document, path);
    const place = mistake.atKey === true || !exists ? (key ?? node) : node;
    const position = lines.linePos(place?.range?.[0] ?? 0);
    const found = mistake.found ?? (exists ? showNode(node) : undefined);
    return {
      file,
      line: position.line,
      column: position.col,
      path: formatPath(path),
      expected: mistake.expected,
      ...(found === undefined ? {} : { found }),
      ...(mistake.remedy === undefined ? {} : { remedy: mistake.remedy }),
    };
  };
}

/** The node at a path and the key it stands under. Not there: the nearest node around it. */
function find(
  document: Document.Parsed,
  path: KeyPath,
): { node: Node | undefined; key: Node | undefined; exists: boolean } {
  let node: Node | undefined = document.contents ?? undefined;
  let key: Node | undefined;
  for (const step of path) {
    const inside: Node | undefined = isAlias(node) ? node.resolve(document) : node;
    if (isMap(inside)) {
      const pair = inside.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) return { node, key, exists: false };
      key = isNode(pair.key) ? pair.key : undefined;
      // An empty value has no node of its own in some forms; the key stands for it.
      node = isNode(pair.value) ? pair.value : key;
    } else if (isSeq(inside)) {
      const item: unknown = inside.items[Number(step)];
      if (!isNode(item)) return { node, key, exists: false };
      key = undefined;
      node = item;
    } else {
      return { node, key, exists: false };
    }
  }
  return { node, key, exists: true };
}

function showNode(node: Node | undefined): string {
  if (isSeq(node)) return node.items.length === 0 ? 'an empty list' : 'a list';
  if (isCollection(node)) return 'a mapping';
  if (!isScalar(node) || node.value === null) return 'nothing';
  return showValue(node.value);
}

/** A value as messages quote it. */
export function showValue(value: unknown): string {
  const shown = typeof value === 'string' ? `'${value}'` : String(value);
  return shown.length > 80 ? `${shown.slice(0, 77)}…` : shown;
}

/** `phases[0].budget.limit` */
function formatPath(path: KeyPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('');
}
