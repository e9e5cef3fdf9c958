import { statfsSync } from 'node:fs';
import path from 'node:path';
import { describeError, UserError } from '../../errors.ts';

/** Primary result codes: https://sqlite.org/rescode.html */
const SQLITE_PERM = 3;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Less free space than this, and an I/O error of SQLite is taken for a full disk. */
const FULL_BELOW_BYTES = 64 * 1024;

/** The primary result code of an error of node:sqlite, if it is one. */
export function sqliteResultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

export function isCannotOpen(error: unknown): boolean {
  const code = sqliteResultCode(error);
  return code === SQLITE_CANTOPEN || code === SQLITE_READONLY || code === SQLITE_PERM;
}

export function isBusy(error: unknown): boolean {
  return sqliteResultCode(error) === SQLITE_BUSY;
}

/** An error of SQLite in a person's words; any other error as it is. Every transaction has been rolled back before. */
export function asUserError(error: unknown, file: string): unknown {
  const words = describeError(error);
  const options = { cause: error };
  switch (sqliteResultCode(error)) {
    case undefined:
      return error;
    case SQLITE_FULL:
      return diskFull(file, error);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return readOnly(file, error);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return broken(file, words, error);
    case SQLITE_BUSY:
      return new UserError(
        'store-busy',
        `The event log ${file} is locked by another process that does not let go (${words}).`,
        'See who has it open (fuser FILE), end that process, and try again. Nothing was written.',
        options,
      );
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (isDiskFull(file)) return diskFull(file, error);
      return new UserError(
        'store-broken',
        `The event log ${file} could not be opened, read or written: ${words}.`,
        'Look at the disk and the permissions of the folder. What was written before is still there.',
        options,
      );
    default:
      return error;
  }
}

export function broken(file: string, what: string, cause?: unknown): UserError {
  return new UserError(
    'store-broken',
    `The event log ${file} is damaged or is not an event log: ${what}.`,
    `Keep a copy of the file. Restore it from a backup, or get out what can be read with: sqlite3 ${file} .recover`,
    { cause },
  );
}

export function readOnly(file: string, cause?: unknown): UserError {
  return new UserError(
    'store-read-only',
    `The event log ${file} can't be written: the file, its folder or the disk is read-only.`,
    'Make it writable, or copy the campaign’s folder to a place that is. Nothing was written.',
    { cause },
  );
}

function diskFull(file: string, cause: unknown): UserError {
  return new UserError(
    'disk-full',
    `There is no space left for the event log ${file}.`,
    `Free some space on that disk and go on with: assay resume. See what is used with: df -h ${path.dirname(file)}`,
    { cause },
  );
}

function isDiskFull(file: string): boolean {
  try {
    const disk = statfsSync(path.dirname(file));
    return disk.bavail * disk.bsize < FULL_BELOW_BYTES;
  } catch {
    return false;
  }
}
