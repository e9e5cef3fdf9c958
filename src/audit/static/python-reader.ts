import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { describeError } from '../../errors.ts';

/** Something that is worth a word in a Python file. */
export interface PythonFinding {
  /** An id of the catalogue, or 'environment' and 'path': names of variables and absolute paths, which the task's rules judge. */
  readonly audit: string;
  readonly name: string;
  readonly why: string;
  /** From 1. */
  readonly line: number;
}

/** What Python's own parser says of one changed file; its counterpart is python/assay_judge/triage.py. */
export interface PythonLook {
  readonly path: string;
  readonly lines: number;
  readonly nodes: number;
  /** Why it could not be read; then there are no findings. */
  readonly error?: string;
  readonly findings: readonly PythonFinding[];
  readonly literals: readonly {
    readonly line: number;
    readonly size: number;
    readonly kind: 'text' | 'table';
    readonly encoded: boolean;
  }[];
  /** `same`: the program is the same; `unread`: constants (`names`) differ that nothing reads. */
  readonly change: 'same' | 'unread' | 'changed';
  readonly names?: readonly string[];
}

/** Texts of one file; undefined before: it is new. */
export interface PythonTexts {
  readonly path: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** A file without the words in it; see `View` in triage_text.py. */
export interface PythonView extends PythonTexts {
  readonly error?: string;
}

export type Answer<Value> =
  | { readonly kind: 'read'; readonly value: Value }
  | { readonly kind: 'unread'; readonly reason: string };

const PROGRAM = join(import.meta.dirname, '../../../python/assay_judge/triage.py');
/** For one request; the parser itself takes milliseconds. */
const TIMEOUT_MS = 5_000;

type Child = ChildProcessByStdio<Writable, Readable, null>;

/**
 * A Python process that stays and reads one file after another: a question costs milliseconds, a start of Python forty.
 * It only parses. It does not keep our process alive, and it ends with it: its standard input closes. When a file makes
 * it hang or die, that file counts as unread and the next question starts another.
 */
class PythonReader {
  readonly #python: string;
  #child: Child | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #answer: ((line: string | undefined) => void) | undefined;
  #number = 0;

  constructor(python: string) {
    this.#python = python;
  }

  ask<Value>(request: Record<string, unknown>, timeoutMs: number): Promise<Answer<Value>> {
    const answered = this.#queue.then(() => this.#ask<Value>(request, timeoutMs));
    this.#queue = answered;
    return answered;
  }

  async #ask<Value>(request: Record<string, unknown>, timeoutMs: number): Promise<Answer<Value>> {
    let child: Child;
    try {
      child = this.#child ??= this.#start();
    } catch (error) {
      return { kind: 'unread', reason: describeError(error) };
    }
    this.#number += 1;
    const id = this.#number;
    let timer: NodeJS.Timeout | undefined;
    let isLate = false;
    hold(child, true);
    const line = await new Promise<string | undefined>((resolve) => {
      this.#answer = resolve;
      timer = setTimeout(() => {
        isLate = true;
        this.#forget(child);
      }, timeoutMs);
      child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
    clearTimeout(timer);
    this.#answer = undefined;
    hold(child, false);
    if (line === undefined) {
      this.#forget(child);
      return { kind: 'unread', reason: isLate ? `no answer in ${timeoutMs} ms` : 'the parser ended' };
    }
    try {
      const answer = JSON.parse(line) as { id: number; files: Value };
      if (answer.id === id) return { kind: 'read', value: answer.files };
    } catch {
      // Falls through: an answer that is none.
    }
    this.#forget(child);
    return { kind: 'unread', reason: 'the parser gave no answer that can be read' };
  }

  #start(): Child {
    const child = spawn(this.#python, ['-I', '-S', PROGRAM], { env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => {}); // its end says it
    child.on('error', () => this.#forget(child));
    child.once('close', () => this.#forget(child));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (this.#child === child) this.#answer?.(line);
    });
    child.unref();
    hold(child, false);
    return child;
  }

  /** Ends a process that is of no more use; whoever waits for it gets no answer. */
  #forget(child: Child): void {
    child.kill('SIGKILL');
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#answer?.(undefined);
  }
}

/** Whether the pipes of the process keep our event loop alive. */
function hold(child: Child, isHeld: boolean): void {
  for (const stream of [child.stdin, child.stdout] as unknown as { ref?: () => void; unref?: () => void }[]) {
    if (isHeld) stream.ref?.();
    else stream.unref?.();
  }
}

const readers = new Map<string, PythonReader>();

function readerOf(python: string): PythonReader {
  let reader = readers.get(python);
  if (reader === undefined) readers.set(python, (reader = new PythonReader(python)));
  return reader;
}

/**
 * Looks at changed Python files. Never throws, and never runs them.
 *
 * @param others texts of the workspace's other files, where a constant may be read
 */
export function lookAtPython(
  python: string,
  files: readonly PythonTexts[],
  others: readonly string[],
  timeoutMs = TIMEOUT_MS,
): Promise<Answer<readonly PythonLook[]>> {
  return readerOf(python).ask({ op: 'look', files, others }, timeoutMs);
}

/**
 * Python files without comments, texts and names that speak. Never throws.
 *
 * @param suspects words, in small letters, that no name may have in it
 */
export function viewPython(
  python: string,
  files: readonly PythonTexts[],
  suspects: readonly string[],
  timeoutMs = TIMEOUT_MS,
): Promise<Answer<readonly PythonView[]>> {
  return readerOf(python).ask({ op: 'view', files, suspects }, timeoutMs);
}
