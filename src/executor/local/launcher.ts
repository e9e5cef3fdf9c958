import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../errors.ts';

/** Where the supervisor's program lies. */
export const supervisePath = fileURLToPath(new URL('../../../python/assay_judge/supervise.py', import.meta.url));

/** argv of the supervisor's program: isolated from the user's Python settings, and fast to start. */
export function superviseCommand(python: string, ...words: string[]): [string, string[]] {
  return [python, ['-I', '-S', supervisePath, ...words]];
}

type LauncherEvent =
  | { readonly event: 'ready'; readonly refusal: string | null }
  | { readonly event: 'started'; readonly token: string; readonly pid: number }
  | { readonly event: 'refused'; readonly token: string; readonly detail: string }
  | { readonly event: 'ended'; readonly token: string; readonly code: number };

/** The supervisor's exit code, or undefined when the launcher went away and nobody will say. */
export type SupervisorExit = number | undefined;

interface Pending {
  readonly started: PromiseWithResolvers<void>;
  readonly exited: PromiseWithResolvers<SupervisorExit>;
}

/**
 * One fork server. When it dies, what it started runs on; all promises on it are then settled.
 */
export class Launcher implements AsyncDisposable {
  /** Why bubblewrap cannot be used, in words; undefined: it can. */
  readonly ready: Promise<string | undefined>;
  #alive = true;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #pending = new Map<string, Pending>();

  constructor(python: string, uid: number | undefined) {
    const [program, words] = superviseCommand(python, 'launcher', uid === undefined ? 'none' : String(uid));
    // Its own session: an interrupt from the keyboard is for the engine.
    this.#child = spawn(program, words, {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      env: supervisorEnvironment(),
    });
    const ready = Promise.withResolvers<string | undefined>();
    const closed = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#closed = closed.promise;
    this.ready.catch(() => undefined);
    const onEnd = (cause?: unknown): void => {
      ready.reject(
        new UserError(
          'supervisor-not-started',
          `${python} could not start the supervisor.`,
          'Name a Python of version 3.9 or later.',
          {
            cause,
          },
        ),
      );
      this.#onEnd();
      closed.resolve();
    };
    this.#child.once('error', onEnd);
    this.#child.once('close', () => onEnd());
    this.#child.stdin?.on('error', () => undefined);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const event = JSON.parse(line) as LauncherEvent;
      if (event.event === 'ready') ready.resolve(event.refusal ?? undefined);
      else this.#onEvent(event);
    });
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** For tests and for who must know. Undefined: it did not start. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Starts a supervisor. Resolves when it runs, with the promise of its exit inside.
   * `undefined`: the launcher died before it said so; whether the supervisor runs is in the attempt's folder.
   */
  async start(token: string, directory: string): Promise<{ readonly exited: Promise<SupervisorExit> } | undefined> {
    if (!this.#alive) return undefined;
    const pending: Pending = { started: Promise.withResolvers(), exited: Promise.withResolvers() };
    this.#pending.set(token, pending);
    this.#child.stdin?.write(`${JSON.stringify({ token, directory })}\n`);
    await pending.started.promise;
    return this.#alive ? { exited: pending.exited.promise } : undefined;
  }

  /** Running supervisors are not touched. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
  }

  #onEvent(event: Exclude<LauncherEvent, { event: 'ready' }>): void {
    const pending = this.#pending.get(event.token);
    if (pending === undefined) return;
    switch (event.event) {
      case 'started':
        pending.started.resolve();
        break;
      case 'refused':
        this.#pending.delete(event.token);
        pending.started.reject(
          new UserError(
            'supervisor-refused',
            `The machine cannot start another process (${event.detail}).`,
            'Use fewer slots, or raise the limit on processes (ulimit -u).',
          ),
        );
        break;
      case 'ended':
        this.#pending.delete(event.token);
        pending.exited.resolve(event.code);
        break;
    }
  }

  #onEnd(): void {
    this.#alive = false;
    for (const pending of this.#pending.values()) {
      pending.started.resolve();
      pending.exited.resolve(undefined);
    }
    this.#pending.clear();
  }
}

/** Enough to find Python; nothing of it reaches an attempt. */
export function supervisorEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: process.env['HOME'] ?? '/' };
}
