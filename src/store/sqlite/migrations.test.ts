import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { experimentId } from '../../domain/ids.ts';
import type { Store } from '../store.ts';
import { CURRENT_SCHEMA, type Migration, type Schema } from './migrations.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { APPLICATION_ID } from './schema.sql.ts';
import { temporaryFolder } from './temporary-folder.fixture.ts';

/** Version 0 of these tests: only seq, at and data, and the word 'remark' for what is a note now. */
const fromVersion0: Migration = (database) => {
  database.exec('ALTER TABLE event RENAME TO event_0; DROP TABLE meta');
  database.exec(CURRENT_SCHEMA.create);
  database.exec(`
    INSERT INTO event (seq, at, type, experiment, data)
      SELECT seq, at, 'note.written', data ->> 'experiment', json_set(data, '$.type', 'note.written') FROM event_0;
    DROP TABLE event_0;
  `);
};

const WITH_VERSION_0: Schema = { ...CURRENT_SCHEMA, version: 1, migrations: [fromVersion0] };

test('an older log is brought up to date, with a copy of the old one beside it', async () => {
  using folder = temporaryFolder();
  const file = version0(folder.path);
  {
    await using store = await openSqliteStore(file, { schema: WITH_VERSION_0 });
    expect(await describeNotes(store)).toEqual(['1 @1000 first', '2 @2000 second', '3 @3000 third']);
    expect(await describeNotes(store, 2)).toEqual(['2 @2000 second']);
    await store.append([{ type: 'note.written', kind: 'insight', text: 'fourth' }]);
  }
  using copy = new DatabaseSync(`${file}.v0.backup`, { readOnly: true });
  expect(copy.prepare("SELECT count(*) AS count FROM event WHERE data ->> 'type' = 'remark.written'").get()).toEqual({
    count: 3,
  });
  // A second time there is nothing to do.
  await using again = await openSqliteStore(file);
  expect(await again.lastSeq()).toBe(4);
});

test('a migration that fails leaves the log as it was', async () => {
  using folder = temporaryFolder();
  const file = version0(folder.path);
  const fails: Schema = {
    ...CURRENT_SCHEMA,
    version: 2,
    migrations: [
      fromVersion0,
      () => {
        throw new Error('a bug in the second migration');
      },
    ],
  };
  await expect(openSqliteStore(file, { schema: fails })).rejects.toThrow('a bug in the second migration');
  using database = new DatabaseSync(file);
  expect(database.prepare('SELECT value FROM meta').get()).toEqual({ value: 0 });
  expect(database.prepare('SELECT count(*) AS count FROM event').get()).toEqual({ count: 3 });
  expect(readdirSync(folder.path)).not.toContain('events.db.v0.backup.unfinished');
});

test('a version that was never released is not guessed at', async () => {
  using folder = temporaryFolder();
  const file = version0(folder.path);
  await expect(openSqliteStore(file)).rejects.toMatchObject({
    code: 'store-broken',
    message: expect.stringContaining('version 0'),
  });
});

test('a newer log is refused and not changed', async () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'events.db');
  const newer: Schema = { ...CURRENT_SCHEMA, version: CURRENT_SCHEMA.version + 1 };
  {
    await using store = await openSqliteStore(file, { create: true, schema: newer });
    await store.append([{ type: 'note.written', kind: 'insight', text: 'from the future' }]);
  }
  await expect(openSqliteStore(file, { create: true })).rejects.toMatchObject({
    name: 'UserError',
    code: 'store-newer',
  });
  expect(existsSync(`${file}.v2.backup`)).toBe(false);
  await using store = await openSqliteStore(file, { schema: newer });
  expect(await store.lastSeq()).toBe(1);
});

test('the list of migrations leads to the current version', () => {
  expect(CURRENT_SCHEMA.migrations).toHaveLength(CURRENT_SCHEMA.version);
});

function version0(folder: string): string {
  const file = path.join(folder, 'events.db');
  using database = new DatabaseSync(file);
  database.exec(`
    PRAGMA application_id = ${APPLICATION_ID};
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('schema_version', 0);
    CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
    INSERT INTO event VALUES
      (1, 1000, '{"type":"remark.written","kind":"insight","text":"first","experiment":"e1"}'),
      (2, 2000, '{"type":"remark.written","kind":"insight","text":"second","experiment":"e2"}'),
      (3, 3000, '{"type":"remark.written","kind":"insight","text":"third"}');
  `);
  return file;
}

async function describeNotes(store: Store, experiment?: number): Promise<string[]> {
  const lines: string[] = [];
  const options = experiment === undefined ? {} : { experiment: experimentId(experiment) };
  for await (const { seq, at, event } of store.read(options)) {
    lines.push(`${seq} @${at} ${event.type === 'note.written' ? event.text : event.type}`);
  }
  return lines;
}
