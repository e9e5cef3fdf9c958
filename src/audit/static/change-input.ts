/** One file of a change. Undefined before: it is new; undefined after: it is removed. */
export interface FileChange {
  readonly path: string;
  readonly before?: Uint8Array;
  readonly after?: Uint8Array;
}

/** One file of a candidate, as git lists it. */
export interface ListedFile {
  readonly path: string;
  /** '100644' for a plain file, '100755' for an executable one; a link would be '120000'. */
  readonly mode: string;
  /** Hash of its blob. */
  readonly id: string;
}

/** What a task allows its candidates. */
export interface ChangeRules {
  readonly isEditable: (path: string) => boolean;
  readonly isProtected: (path: string) => boolean;
  readonly maxDiffBytes: number;
  /** Hashes of the blobs that a protected file may be: more than one where starting points differ. */
  readonly protectedFiles: ReadonlyMap<string, ReadonlySet<string>>;
  /** Files of the starting points: they may have names that others may not take. */
  readonly ownFiles: ReadonlySet<string>;
  /** Modules that the task's programs import: a file of theirs would come first. */
  readonly modules: ReadonlySet<string>;
  /** Environment variables that are documented for a candidate. */
  readonly variables: ReadonlySet<string>;
  /** Absolute folders that are documented for a candidate. */
  readonly folders: readonly string[];
  /** The judge (also) reads the program's text, so that a constant which nothing reads may matter. */
  readonly isReadByJudge: boolean;
}

export interface ChangeInput {
  /** The files that differ from the parent's. */
  readonly changes: readonly FileChange[];
  /** Every file of the parent. */
  readonly parent: readonly ListedFile[];
  /** Modes of changed files, where the change sets them. Default: the parent's, else '100644'. */
  readonly modes?: ReadonlyMap<string, string>;
  /** Texts of the workspace's other files. */
  readonly others: ReadonlyMap<string, Uint8Array>;
  readonly rules: ChangeRules;
  /** Absolute path of the interpreter whose parser reads Python files. They are never run. */
  readonly python: string;
}

export type Language = 'python' | 'c' | 'other';

const C_ENDING = /\.(?:c|h|cc|cpp|cxx|hh|hpp|hxx|inc|cu|cuh|s|S|ipp)$/;

export function languageOf(path: string, content?: Uint8Array): Language {
  if (/\.pyi?$/i.test(path)) return 'python';
  if (C_ENDING.test(path)) return 'c';
  const start = content === undefined ? '' : Buffer.from(content.subarray(0, 80)).toString('latin1');
  return /^#!.*python/.test(start) ? 'python' : 'other';
}

export function textOf(content: Uint8Array | undefined): string | undefined {
  return content === undefined ? undefined : Buffer.from(content).toString('utf8');
}

/** '1 file', '3 files'. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The first of many, and how many more there are. */
export function listed(words: readonly string[], most = 6): string {
  const more = words.length - most;
  return words.slice(0, most).join('; ') + (more > 0 ? `; and ${more} more` : '');
}
