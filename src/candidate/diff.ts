import { randomUUID } from 'node:crypto';
import { GitServer, type AnswerParser } from './git-server.ts';

export interface FileDiff {
  readonly path: string;
  /** Lines; undefined for a binary file. */
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

export interface DiffStat {
  readonly files: readonly FileDiff[];
  readonly filesChanged: number;
  /** Lines of text files. */
  readonly linesAdded: number;
  readonly linesRemoved: number;
}

const COMMON = ['diff-tree', '--stdin', '-r', '--no-renames', '--no-color', '--no-ext-diff', '--no-textconv'];

/** Differences of trees, by two git processes that stay. */
export class Differ implements AsyncDisposable {
  readonly #numbers: GitServer;
  readonly #patches: GitServer;

  constructor(directory: string) {
    this.#numbers = new GitServer(directory, [...COMMON, '--numstat', '-z']);
    this.#patches = new GitServer(directory, [...COMMON, '--patch', '--full-index', '--binary']);
  }

  async stat(from: string, to: string): Promise<DiffStat> {
    const text = (await ask(this.#numbers, from, to)).toString();
    const files = text.split('\0').filter(Boolean).map(parseNumbers);
    const sum = (key: 'added' | 'removed') => files.reduce((total, file) => total + (file[key] ?? 0), 0);
    return { files, filesChanged: files.length, linesAdded: sum('added'), linesRemoved: sum('removed') };
  }

  patch(from: string, to: string): Promise<Buffer> {
    return ask(this.#patches, from, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#numbers[Symbol.asyncDispose](), this.#patches[Symbol.asyncDispose]()]);
  }
}

/**
 * `git diff-tree --stdin` repeats a line that is not a pair of hashes and flushes: that marks the end of the answer. The mark is
 * drawn anew each time, so no file can hold it.
 */
async function ask(server: GitServer, from: string, to: string): Promise<Buffer> {
  if (from === to) return Buffer.alloc(0);
  const mark = `end-${randomUUID()}\n`;
  const answer = await server.ask(`${from} ${to}\n${mark}`, untilMark(Buffer.from(mark)));
  const header = `${from} ${to}\n`;
  const body = answer.subarray(header.length);
  // With a patch, an empty line follows the header.
  return body[0] === 10 ? body.subarray(1) : body;
}

function untilMark(mark: Buffer): AnswerParser<Buffer> {
  return (received) => {
    const end = received.length - mark.length;
    if (end < 0 || !received.subarray(end).equals(mark)) {
      const inside = received.indexOf(mark);
      if (inside < 0) return received.length + 1;
      return { value: Buffer.from(received.subarray(0, inside)), used: inside + mark.length };
    }
    return { value: Buffer.from(received.subarray(0, end)), used: received.length };
  };
}

function parseNumbers(record: string): FileDiff {
  const [added = '', removed = '', ...path] = record.split('\t');
  const count = (text: string) => (text === '-' ? undefined : Number(text));
  return { path: path.join('\t'), added: count(added), removed: count(removed) };
}
