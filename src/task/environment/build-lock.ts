import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const SQLITE_BUSY = 5;
const POLL_MS = 50;

export interface LockOptions {
  /** Called once if the lock has to be waited for. */
  readonly onWait?: () => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a piece of work while holding a lock file, waiting for as long as another process (or another caller in this one) holds
 * it. It is SQLite's own file lock: the system frees it when its holder dies, however that happens, so no lock is ever stale.
 */
export async function withLock<Result>(
  path: string,
  work: () => Promise<Result>,
  options: LockOptions = {},
): Promise<Result> {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    for (let attempt = 0; !tryLock(database); attempt++) {
      if (attempt === 0) options.onWait?.();
      await sleep(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
    return await work();
  } finally {
    database.close();
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
