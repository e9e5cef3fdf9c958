import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { systemErrorCode, UserError } from '../../errors.ts';
import type { Store } from '../store.ts';
import { CURRENT_SCHEMA, prepareSchema, type Schema } from './migrations.ts';
import { asUserError, broken, isBusy, isCannotOpen, readOnly } from './sqlite-errors.ts';
import { SqliteStore } from './sqlite-store.ts';
import { WalSync } from './wal-sync.ts';

/** A power loss takes at most the appends of this long, and what the disk then needs to write them. */
const SYNC_DELAY_MS = 1000;

export interface SqliteStoreOptions {
  /** Make the file (not its folder) if it isn't there. Default: a missing file is a mistake. */
  readonly create?: boolean;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /** How long to wait, with the event loop stopped, for another process to finish its append. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** For tests of migrations. */
  readonly schema?: Schema;
}

/**
 * The log of a campaign in one SQLite file. Several processes may have it open at once, on one machine (not over a network
 * file system: SQLite's locks and shared memory don't work there).
 *
 * A log on a read-only disk can be read; appending then throws.
 *
 * @throws UserError `store-missing`, `store-broken`, `store-newer`, `store-busy`, `store-read-only`, `disk-full`
 */
export async function openSqliteStore(file: string, options: SqliteStoreOptions = {}): Promise<Store> {
  const create = options.create ?? false;
  const clock = options.clock ?? Date.now;
  const schema = options.schema ?? CURRENT_SCHEMA;
  const absolute = path.resolve(file);
  checkPlace(absolute, create);
  const until = Date.now() + (options.busyTimeoutMs ?? 5000);
  while (true) {
    try {
      const database = openDatabase(absolute, create, options.busyTimeoutMs ?? 5000, schema);
      return new SqliteStore(database, absolute, clock, new WalSync(`${absolute}-wal`, SYNC_DELAY_MS));
    } catch (error) {
      // The change of a new file to write-ahead logging doesn't wait for the lock: two processes that create at once meet here.
      if (!isBusy(error) || Date.now() >= until) throw asUserError(error, absolute);
      await sleep(10);
    }
  }
}

function openDatabase(file: string, create: boolean, timeout: number, schema: Schema): DatabaseSync {
  try {
    return prepare(new DatabaseSync(file, { timeout }), file, create, schema);
  } catch (error) {
    if (!isCannotOpen(error)) throw error;
    return openImmutable(file, error, schema);
  }
}

function prepare(database: DatabaseSync, file: string, create: boolean, schema: Schema): DatabaseSync {
  try {
    // NORMAL: see docs/decisions/0003-sqlite-event-log.md.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864');
    prepareSchema(database, file, create, schema);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** On a read-only disk SQLite can't keep its shared memory; a log that was closed cleanly needs none to be read. */
function openImmutable(file: string, cause: unknown, schema: Schema): DatabaseSync {
  if (sizeOf(file) === undefined) throw cause;
  if ((sizeOf(`${file}-wal`) ?? 0) > 0) throw readOnly(file, cause);
  const database = new DatabaseSync(new URL('?immutable=1', pathToFileURL(file)), { readOnly: true });
  return prepare(database, file, false, schema);
}

function checkPlace(file: string, create: boolean): void {
  let stats;
  try {
    stats = statSync(file);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' && create) return;
    if (code !== 'ENOENT') throw broken(file, String(error), error);
    throw new UserError(
      'store-missing',
      `There is no event log at ${file}.`,
      'Look for the campaign’s folder, or start a campaign with: assay run',
      { cause: error },
    );
  }
  if (stats.isDirectory()) throw broken(file, 'it is a directory');
  if (!stats.isFile()) throw broken(file, 'it is not a regular file');
  // Before SQLite looks at it: that would already write into it.
  if (stats.size === 0 && !create && (sizeOf(`${file}-wal`) ?? 0) === 0) throw broken(file, 'it is empty');
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}
