import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import type { AssayEvent } from '../../domain/events.ts';
import { experimentId } from '../../domain/ids.ts';
import { describeStoreContract } from '../store.contract.ts';
import type { Store } from '../store.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { READ_BY_EXPERIMENT, READ_BY_TYPE } from './schema.sql.ts';
import { temporaryFolder } from './temporary-folder.fixture.ts';

const APPEND_LOOP = path.join(import.meta.dirname, 'append-loop.fixture.ts');
const KILLS = 20;

const folders = new DisposableStack();
afterAll(() => folders.dispose());

describeStoreContract('the SQLite store', async () => {
  const file = newFile();
  return { open: (clock) => openSqliteStore(file, { create: true, ...(clock === undefined ? {} : { clock }) }) };
});

test('two processes that make the log and append at once leave one log without a gap', async () => {
  const file = newFile();
  const children = ['left', 'right'].map((name) => startAppending(file, name, 200));
  const ends = await Promise.all(children.map(async (child) => (await once(child, 'exit')) as [number | null]));
  expect(ends.map(([code]) => code)).toEqual([0, 0]);
  await using store = await openSqliteStore(file);
  const texts = await readTexts(store);
  expect(texts).toHaveLength(2 * 200 * 3);
  for (const name of ['left', 'right']) {
    const expected = Array.from({ length: 200 }, (_, index) =>
      [0, 1, 2].map((part) => `${name} ${index} ${part}`),
    ).flat();
    expect(texts.filter((text) => text.startsWith(name))).toEqual(expected);
  }
  // Each append stands together.
  for (let index = 0; index < texts.length; index += 3) expect(texts[index + 2]).toBe(`${texts[index]?.slice(0, -1)}2`);
});

test(`a process that is killed ${KILLS} times in the middle of its appends loses none that it was told of`, async () => {
  const file = newFile();
  let acknowledged = 0;
  for (let round = 0; round < KILLS; round++) {
    const child = startAppending(file, `round ${round}`, 1_000_000);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(child.stdout, 'data');
    await sleep(round * 1.7);
    child.kill('SIGKILL');
    await once(child, 'close');
    // A last line without its end may be cut short.
    acknowledged = Math.max(acknowledged, Number(output.split('\n').at(-2)));
    await using store = await openSqliteStore(file);
    const last = await store.lastSeq();
    expect(last).toBeGreaterThanOrEqual(acknowledged);
    expect(last - acknowledged).toBeLessThanOrEqual(3);
    expect(last % 3).toBe(0);
    // Reading checks that there is no gap.
    expect(await readTexts(store)).toHaveLength(last);
  }
  expect(acknowledged).toBeGreaterThan(KILLS * 3);
}, 60_000);

test('an append is not kept waiting by an open reading, nor the reading by it', async () => {
  const file = newFile();
  await using reader = await openSqliteStore(file, { create: true });
  await reader.append(notes(3000));
  await using writer = await openSqliteStore(file, { busyTimeoutMs: 0 });
  let count = 0;
  for await (const record of reader.read()) {
    count++;
    if (record.seq % 1000 === 500) await writer.append(notes(1));
  }
  expect(count).toBe(3000);
  expect(await reader.lastSeq()).toBe(3003);
});

test('the file itself refuses to change or remove an event', async () => {
  const file = newFile();
  await using store = await openSqliteStore(file, { create: true });
  await store.append(notes(1));
  using database = new DatabaseSync(file);
  expect(() => database.exec("UPDATE event SET data = '{}'")).toThrow('append-only');
  expect(() => database.exec('DELETE FROM event')).toThrow('append-only');
});

test('an event that is missing in the middle is noticed', async () => {
  const file = newFile();
  await using store = await openSqliteStore(file, { create: true });
  await store.append(notes(5));
  using database = new DatabaseSync(file);
  database.exec('DROP TRIGGER event_is_never_removed; DELETE FROM event WHERE seq = 3');
  await expect(readTexts(store)).rejects.toMatchObject({
    code: 'store-broken',
    message: expect.stringContaining('event 3'),
  });
});

test('the reads of one experiment and of one type go by an index', async () => {
  const file = newFile();
  await using store = await openSqliteStore(file, { create: true });
  await store.append(notes(1));
  using database = new DatabaseSync(file);
  for (const [statement, index] of [
    [READ_BY_EXPERIMENT, 'event_by_experiment'],
    [READ_BY_TYPE, 'event_by_type'],
  ] as const) {
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${statement}`)
      .all(0, 10, 10, 'e1')
      .map((row) => row['detail']);
    expect(plan).toEqual([expect.stringContaining(`SEARCH event USING INDEX ${index}`)]);
  }
});

test('a busy log is waited for, and then said to be busy', async () => {
  const file = newFile();
  await using store = await openSqliteStore(file, { create: true, busyTimeoutMs: 50 });
  using database = new DatabaseSync(file);
  database.exec('BEGIN IMMEDIATE');
  await expect(store.append(notes(1))).rejects.toMatchObject({ name: 'UserError', code: 'store-busy' });
  database.exec('ROLLBACK');
  await store.append(notes(1));
  expect(await store.lastSeq()).toBe(1);
});

test('the write-ahead log is brought to the disk and leaves nothing behind when the store is closed', async () => {
  const file = newFile();
  const store = await openSqliteStore(file, { create: true });
  await store.append(notes(2));
  await sleep(1100);
  await store.append(notes(2));
  await store[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  expect(existsSync(`${file}-wal`)).toBe(false);
});

function newFile(): string {
  return path.join(folders.use(temporaryFolder()).path, 'events.db');
}

function startAppending(file: string, name: string, count: number): ReturnType<typeof spawnAppending> {
  return spawnAppending([APPEND_LOOP, file, name, String(count)]);
}

function spawnAppending(args: string[]) {
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

function notes(count: number): AssayEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    type: 'note.written',
    kind: 'insight',
    text: `note ${index}`,
    experiment: experimentId(index),
  }));
}

async function readTexts(store: Store): Promise<string[]> {
  const texts: string[] = [];
  for await (const { event } of store.read()) texts.push(event.type === 'note.written' ? event.text : '');
  return texts;
}
