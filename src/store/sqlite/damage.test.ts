import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { AssayEvent } from '../../domain/events.ts';
import type { Store } from '../store.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { smallDisk, temporaryFolder } from './temporary-folder.fixture.ts';

const NO_MOUNT = 'needs the right to mount a small file system (root)';

test('a full disk is said to be full, loses nothing, and can be written again when there is space', async ({
  skip,
}) => {
  using disk = smallDisk('2m') ?? skip(NO_MOUNT);
  const filler = path.join(disk.path, 'filler');
  writeFileSync(filler, Buffer.alloc(1024 * 1024));
  await using store = await openSqliteStore(path.join(disk.path, 'events.db'), { create: true });
  let acknowledged = 0;
  const fill = async (): Promise<void> => {
    while (acknowledged < 100_000) acknowledged = (await store.append([note(3000), note(3000)])).at(-1)?.seq ?? 0;
  };
  await expect(fill()).rejects.toMatchObject({
    name: 'UserError',
    code: 'disk-full',
    hint: expect.stringContaining('df -h'),
  });
  expect(acknowledged).toBeGreaterThan(20);
  expect(await countEvents(store)).toBe(acknowledged);
  await expect(store.append([note(3000)])).rejects.toMatchObject({ code: 'disk-full' });
  rmSync(filler);
  const [record] = await store.append([note(3000)]);
  expect(record?.seq).toBe(acknowledged + 1);
  expect(await countEvents(store)).toBe(acknowledged + 1);
});

test('a disk that is full from the start is said to be full', async ({ skip }) => {
  using disk = smallDisk('256k') ?? skip(NO_MOUNT);
  // As much as fits, and not a byte less.
  const { status } = spawnSync('dd', ['if=/dev/zero', `of=${path.join(disk.path, 'filler')}`], { stdio: 'pipe' });
  expect(status).not.toBe(0);
  await expect(openSqliteStore(path.join(disk.path, 'events.db'), { create: true })).rejects.toMatchObject({
    code: 'disk-full',
  });
});

test('a log on a read-only disk can be read; appending says why it can’t', async ({ skip }) => {
  using disk = smallDisk('4m') ?? skip(NO_MOUNT);
  const file = await makeLog(disk.path, 10);
  disk.makeReadOnly();
  await using store = await openSqliteStore(file);
  expect(await countEvents(store)).toBe(10);
  await expect(store.append([note(1)])).rejects.toMatchObject({ name: 'UserError', code: 'store-read-only' });
  const owner = { id: 'a', host: 'b', pid: 1, processStart: 1 };
  await expect(store.acquireLease('engine', owner, 1000, () => true)).rejects.toMatchObject({
    code: 'store-read-only',
  });
  expect(await countEvents(store)).toBe(10);
});

test('a log on a read-only disk whose last process was killed is not read without its last events', async ({
  skip,
}) => {
  using disk = smallDisk('4m') ?? skip(NO_MOUNT);
  const file = path.join(disk.path, 'events.db');
  {
    using folder = temporaryFolder();
    const other = path.join(folder.path, 'events.db');
    await using store = await openSqliteStore(other, { create: true });
    await store.append([note(1)]);
    for (const suffix of ['', '-wal']) copyFileSync(other + suffix, file + suffix);
  }
  disk.makeReadOnly();
  await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'store-read-only' });
});

test('a file without the right to write can be read; appending says why it can’t', async ({ skip }) => {
  if (process.getuid?.() === 0) skip('root may write everything; the tests on a read-only disk stand in');
  using folder = temporaryFolder();
  const file = await makeLog(folder.path, 10);
  chmodSync(file, 0o444);
  await using store = await openSqliteStore(file);
  expect(await countEvents(store)).toBe(10);
  await expect(store.append([note(1)])).rejects.toMatchObject({ code: 'store-read-only' });
});

test('a missing file is missing, and is not made by looking', async () => {
  using folder = temporaryFolder();
  await expect(openSqliteStore(path.join(folder.path, 'events.db'))).rejects.toMatchObject({ code: 'store-missing' });
  expect(readdirSync(folder.path)).toEqual([]);
});

test.each<[string, (file: string) => void, string]>([
  ['a file of something else', (file) => writeFileSync(file, 'not a log '.repeat(1000)), 'not a database'],
  ['an empty file', (file) => writeFileSync(file, ''), 'empty'],
  ['a directory', (file) => mkdirSync(file), 'directory'],
  ['a database of another program', (file) => otherDatabase(file), 'another program'],
])('%s is not an event log', async (_, make, words) => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'events.db');
  make(file);
  const error = expect.objectContaining({
    name: 'UserError',
    code: 'store-broken',
    message: expect.stringContaining(words),
  });
  await expect(openSqliteStore(file)).rejects.toEqual(error);
});

test.each([0.5, 0.98, 0.001])('a log cut to a share of %s is broken, and is left as it is', async (share) => {
  using folder = temporaryFolder();
  const file = await makeLog(folder.path, 500);
  const size = Math.floor(statSync(file).size * share);
  truncateSync(file, size);
  await expect(readFile(file)).rejects.toMatchObject({ name: 'UserError', code: 'store-broken' });
  expect(statSync(file).size).toBe(size);
});

test('a log with rubbish in the middle is broken where it is read', async () => {
  using folder = temporaryFolder();
  const file = await makeLog(folder.path, 500);
  using database = new DatabaseSync(file);
  database.exec("DROP TRIGGER event_is_never_changed; UPDATE event SET data = 'rubbish' WHERE seq = 250");
  const error = { code: 'store-broken', message: expect.stringContaining('event 250') };
  await expect(readFile(file)).rejects.toMatchObject(error);
});

async function makeLog(folder: string, events: number): Promise<string> {
  const file = path.join(folder, 'events.db');
  await using store = await openSqliteStore(file, { create: true });
  for (let index = 0; index < events; index++) await store.append([note(500)]);
  return file;
}

async function readFile(file: string): Promise<number> {
  await using store = await openSqliteStore(file);
  return await countEvents(store);
}

async function countEvents(store: Store): Promise<number> {
  let count = 0;
  for await (const record of store.read()) {
    count++;
    expect(record.seq).toBe(count);
  }
  return count;
}

function otherDatabase(file: string): void {
  using database = new DatabaseSync(file);
  database.exec('CREATE TABLE song (title TEXT)');
}

function note(length: number): AssayEvent {
  return { type: 'note.written', kind: 'insight', text: 'x'.repeat(length) };
}
