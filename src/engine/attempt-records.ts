import { rm } from 'node:fs/promises';
import path from 'node:path';

/** So many attempts that went well keep their output on disk. All that failed keep theirs. */
const KEPT = 500;

/**
 * What attempts leave on disk: output and exit record. The outcome of each is in the log for ever; the raw output of the last few
 * hundred is enough to look at, and a hundred thousand folders would be slow to list and to back up.
 */
export class AttemptRecords {
  readonly #root: string;
  readonly #retired: string[] = [];

  constructor(attemptsRoot: string) {
    this.#root = attemptsRoot;
  }

  /** The attempt went well and its outcome is about to be in the log. */
  retire(token: string): void {
    this.#retired.push(token);
    const oldest = this.#retired.length > KEPT ? this.#retired.shift() : undefined;
    if (oldest === undefined) return;
    // Only space: a folder that can't be removed now does no harm.
    void rm(path.join(this.#root, oldest), { recursive: true, force: true }).catch(() => {});
  }
}
