import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { UserError } from '../../errors.ts';
import { APPLICATION_ID, CREATE_SCHEMA, SCHEMA_VERSION } from './schema.sql.ts';
import { broken } from './sqlite-errors.ts';
import { inTransaction } from './transaction.ts';

/**
 * Brings a log from one schema version to the next, inside a transaction. May add, fill and rebuild tables and indexes; an event
 * may be rewritten only to the same meaning in the new shape (drop the triggers on `event` before, make them again after).
 */
export type Migration = (database: DatabaseSync) => void;

export interface Schema {
  readonly version: number;
  /** Makes the newest version in an empty file. */
  readonly create: string;
  /** `migrations[n]` goes from version n to n + 1. Undefined: no log of that version was ever released. */
  readonly migrations: readonly (Migration | undefined)[];
}

export const CURRENT_SCHEMA: Schema = {
  version: SCHEMA_VERSION,
  create: CREATE_SCHEMA,
  migrations: [undefined],
};

/**
 * Makes the schema in an empty file, or brings an older one up to date. A copy of the old file is left beside it
 * (`FILE.v0.backup`); any failure leaves the file as it was.
 *
 * @throws UserError `store-newer`, `store-broken`
 */
export function prepareSchema(
  database: DatabaseSync,
  file: string,
  mayCreate: boolean,
  schema: Schema = CURRENT_SCHEMA,
): void {
  if (versionOf(database, file) === schema.version) return;
  inTransaction(database, () => {
    // Again, now that nobody else can write: two processes may have come here at once.
    const version = versionOf(database, file);
    if (version === schema.version) return;
    if (version === undefined) {
      if (!mayCreate) throw broken(file, 'it is empty');
      database.exec(schema.create);
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    } else {
      if (version > schema.version) throw newer(file, version, schema.version);
      backUp(file, `${file}.v${version}.backup`);
      for (let from = version; from < schema.version; from++) {
        const migration = schema.migrations[from];
        if (migration === undefined) throw broken(file, `no migration leads from schema version ${from}`);
        migration(database);
      }
    }
    database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema_version', ?)").run(schema.version);
  });
}

/** @returns undefined for an empty file. */
function versionOf(database: DatabaseSync, file: string): number | undefined {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  if (tables.length === 0) return undefined;
  const mark = database.prepare('PRAGMA application_id').get()?.['application_id'];
  if (mark !== APPLICATION_ID) throw broken(file, 'it is an SQLite database of another program');
  const version = database.prepare("SELECT value FROM meta WHERE key = 'schema_version'").get()?.['value'];
  if (typeof version !== 'number') throw broken(file, 'its schema version is missing');
  return version;
}

/** By another connection, while this one holds the write lock: the copy is the file as the migration finds it. */
function backUp(file: string, copy: string): void {
  const unfinished = `${copy}.unfinished`;
  rmSync(unfinished, { force: true });
  const reader = new DatabaseSync(file, { readOnly: true });
  try {
    reader.prepare('VACUUM INTO ?').run(unfinished);
  } finally {
    reader.close();
  }
  renameSync(unfinished, copy);
}

function newer(file: string, version: number, known: number): UserError {
  return new UserError(
    'store-newer',
    `The event log ${file} was written by a newer Assay (schema version ${version}; this one knows ${known}).`,
    'Update Assay, or use the version that made the campaign. Nothing was changed.',
  );
}
