import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { systemErrorCode } from '../errors.ts';
import { gitEnvironment, gitMissing } from './git-command.ts';

/** Reads one answer off the front of what has come. A number: at least so many bytes are needed before it is worth asking again. */
export type AnswerParser<Value> = (received: Buffer) => { readonly value: Value; readonly used: number } | number;

interface Request {
  readonly parse: AnswerParser<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A git process that stays and answers one request after another: a question costs tens of microseconds, a spawn milliseconds.
 *
 * It is started by the first question and again if it ever ended. It does not keep our process alive, and it ends with it: its
 * standard input closes.
 */
export class GitServer implements AsyncDisposable {
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  #waiting: Request[] = [];
  #chunks: Buffer[] = [];
  #received = 0;
  #needed = 1;
  #complaint = '';
  readonly #directory: string;
  readonly #args: readonly string[];

  constructor(directory: string, args: readonly string[]) {
    this.#directory = directory;
    this.#args = args;
  }

  /** Answers come in the order of the questions. Rejects if the process ends before it has answered. */
  ask<Value>(question: string, parse: AnswerParser<Value>): Promise<Value> {
    const child = (this.#child ??= this.#start());
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.push({ parse, resolve, reject });
      hold(child, true);
      child.stdin.write(question);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    hold(child, true);
    child.ref();
    child.stdin.end();
    await closed;
  }

  #start(): ChildProcessByStdio<Writable, Readable, Readable> {
    const child = spawn('git', [...this.#args], {
      cwd: this.#directory,
      env: gitEnvironment(this.#directory),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => {}); // the end of the process says it, with git's words
    child.stdout.on('data', (chunk: Buffer) => this.#receive(child, chunk));
    child.stderr.on('data', (chunk: Buffer) => (this.#complaint = (this.#complaint + chunk.toString()).slice(-2000)));
    child.once('error', (error) => this.#end(child, systemErrorCode(error) === 'ENOENT' ? gitMissing(error) : error));
    child.once('close', () =>
      this.#end(child, new Error(`git ${this.#args[0]} ended early: ${this.#complaint.trim()}`)),
    );
    child.unref();
    hold(child, false);
    return child;
  }

  #receive(child: ChildProcessByStdio<Writable, Readable, Readable>, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    while (this.#waiting.length > 0 && this.#received >= this.#needed) {
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      const answer = (this.#waiting[0] as Request).parse(all);
      if (typeof answer === 'number') {
        this.#keep(all, Math.max(answer, all.length + 1));
        return;
      }
      this.#keep(all.subarray(answer.used), 1);
      (this.#waiting.shift() as Request).resolve(answer.value as never);
    }
    if (this.#waiting.length === 0) hold(child, false);
  }

  #keep(rest: Buffer, needed: number): void {
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#received = rest.length;
    this.#needed = needed;
  }

  #end(child: ChildProcessByStdio<Writable, Readable, Readable>, error: unknown): void {
    if (this.#child !== child) return;
    const waiting = this.#waiting;
    this.#child = undefined;
    this.#waiting = [];
    this.#complaint = '';
    this.#keep(Buffer.alloc(0), 1);
    for (const request of waiting) request.reject(error);
  }
}

/** Whether the pipes of the process keep our event loop alive. */
function hold(child: ChildProcessByStdio<Writable, Readable, Readable>, isHeld: boolean): void {
  for (const stream of [child.stdin, child.stdout, child.stderr] as unknown as {
    ref?: () => void;
    unref?: () => void;
  }[]) {
    if (isHeld) stream.ref?.();
    else stream.unref?.();
  }
}
