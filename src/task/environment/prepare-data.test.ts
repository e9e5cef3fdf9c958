import { chmod, readFile, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { temporaryFolder } from '../load-task.fixture.ts';
import { carriedMark, treeDigest } from './carried-data.ts';
import { taskOf } from './environment.fixture.ts';
import { prepareData } from './prepare-data.ts';

const environment = { python: '/usr/bin/python3' };
const PREPARE = `import os, pathlib, sys
out = pathlib.Path(sys.argv[1])
print("reading", sorted(os.listdir(".")))
(out / "train").mkdir(mode=0o700)
(out / "train" / "a.txt").write_text(pathlib.Path("words.txt").read_text().upper())
`;
const SECTION = `data: {command: ["{python}", prepare.py, "{out}"], inputs: [prepare.py, words.txt]}\n`;
const FILES = { 'prepare.py': PREPARE, 'words.txt': 'one', 'other.txt': '' };

test('data is prepared once from its inputs alone, readable by all, and again when an input changes', async () => {
  await using cache = await temporaryFolder();
  const steps: string[] = [];
  const options = { cacheRoot: cache.path, report: ({ message }: { message: string }): unknown => steps.push(message) };
  const task = await taskOf(SECTION, FILES);
  const [first, second] = await Promise.all([
    prepareData(task, environment, options),
    prepareData(task, environment, options),
  ]);
  if (first === undefined) throw new Error('the task has data');
  expect(second).toEqual(first);
  expect(steps.filter((step) => step.startsWith('reading'))).toEqual(["reading ['prepare.py', 'words.txt']"]);
  expect(await readFile(join(first.directory, 'train', 'a.txt'), 'utf8')).toBe('ONE');
  expect((await stat(join(first.directory, 'train'))).mode & 0o777).toBe(0o755);

  const start = performance.now();
  expect(await prepareData(task, environment, options)).toEqual(first);
  expect(performance.now() - start).toBeLessThan(30);

  const changed = await prepareData(await taskOf(SECTION, { ...FILES, 'words.txt': 'two' }), environment, options);
  expect(changed?.hash).not.toBe(first.hash);
  expect(await readFile(join(changed?.directory ?? '', 'train', 'a.txt'), 'utf8')).toBe('TWO');
});

test('data that was changed afterwards is made again', async () => {
  await using cache = await temporaryFolder();
  const task = await taskOf(SECTION, FILES);
  const { directory = '' } = (await prepareData(task, environment, { cacheRoot: cache.path })) ?? {};
  await writeFile(join(directory, 'planted.txt'), '');
  await prepareData(task, environment, { cacheRoot: cache.path });
  expect(await readdir(directory)).toEqual(['train']);
});

test('data that was carried here is used as it is, and refused when it is not what was packed', async () => {
  await using cache = await temporaryFolder();
  const steps: string[] = [];
  const options = { cacheRoot: cache.path, report: ({ message }: { message: string }): unknown => steps.push(message) };
  const task = await taskOf(SECTION, FILES);
  const { directory = '' } = (await prepareData(task, environment, options)) ?? {};
  await writeFile(carriedMark(directory), `${await treeDigest(directory)}\n`);
  // A stamp holds for the files of one machine alone.
  await rm(`${directory}.json`);
  steps.length = 0;
  expect((await prepareData(task, environment, options))?.directory).toBe(directory);
  expect(steps.filter((step) => step.startsWith('reading'))).toEqual([]);
  await rm(`${directory}.json`);
  await writeFile(join(directory, 'train', 'a.txt'), 'TWO');
  await expect(prepareData(task, environment, options)).rejects.toMatchObject({ code: 'data-damaged' });
  await rm(directory, { recursive: true });
  expect(await prepareData(task, environment, options)).toMatchObject({ directory });
  expect(await readFile(join(directory, 'train', 'a.txt'), 'utf8')).toBe('ONE');
});

test('a command that fails is shown with its last lines; one that writes nothing is refused; nothing stays behind', async () => {
  await using cache = await temporaryFolder();
  const fails = await taskOf(SECTION, { ...FILES, 'prepare.py': 'raise SystemExit("no words")' });
  await expect(prepareData(fails, environment, { cacheRoot: cache.path })).rejects.toMatchObject({
    code: 'data-failed',
    message: "the data of 'tiny' could not be prepared: it ended with exit code 1\n  | no words",
  });
  const empty = await taskOf(SECTION, { ...FILES, 'prepare.py': '' });
  await expect(prepareData(empty, environment, { cacheRoot: cache.path })).rejects.toMatchObject({
    code: 'data-empty',
  });
  expect((await readdir(join(cache.path, 'data'))).every((name) => name.endsWith('.lock'))).toBe(true);
});

test('a task without data has none', async () => {
  expect(await prepareData(await taskOf(''), environment)).toBeUndefined();
});

test('files of the machine are copied as they are, and again when they change; they themselves stay untouched', async () => {
  await using cache = await temporaryFolder();
  await using machine = await temporaryFolder({
    'shards/part_1.bin': 'one',
    'shards/part_2.bin': 'held out',
    'hub/model/blobs/abc': 'weights',
  });
  await symlink('blobs/abc', join(machine.path, 'hub/model/link'));
  // Shards are often kept on another disk.
  await rename(join(machine.path, 'shards/part_1.bin'), join(machine.path, 'elsewhere.bin'));
  await symlink('../elsewhere.bin', join(machine.path, 'shards/part_1.bin'));
  await chmod(join(machine.path, 'shards/part_1.bin'), 0o600);
  const task = await taskOf(`data:
  files:
    - { from: '${machine.path}/shards/part_*.bin', except: part_2.bin, to: seen, what: shards, remedy: fetch them }
    - { from: '${machine.path}/hub/model', to: hub, what: a kernel, remedy: fetch it }
`);
  const options = { cacheRoot: cache.path };
  const first = await prepareData(task, environment, options);
  if (first === undefined) throw new Error('the task has data');
  expect(await readdir(join(first.directory, 'seen'))).toEqual(['part_1.bin']);
  expect(await readFile(join(first.directory, 'seen/part_1.bin'), 'utf8')).toBe('one');
  expect((await stat(join(first.directory, 'seen/part_1.bin'))).mode & 0o777).toBe(0o644);
  expect((await stat(join(machine.path, 'shards/part_1.bin'))).mode & 0o777).toBe(0o600);
  expect(await readlink(join(first.directory, 'hub/model/link'))).toBe('blobs/abc');
  expect(await readFile(join(first.directory, 'hub/model/link'), 'utf8')).toBe('weights');
  expect(await prepareData(task, environment, options)).toEqual(first);

  await writeFile(join(machine.path, 'shards/part_3.bin'), 'three');
  const second = await prepareData(task, environment, options);
  expect(await readdir(join(second?.directory ?? '', 'seen'))).toEqual(['part_1.bin', 'part_3.bin']);
  await rm(join(machine.path, 'shards'), { recursive: true });
  await expect(prepareData(task, environment, options)).rejects.toMatchObject({
    code: 'machine-files-missing',
    message: expect.stringContaining('shards: 0 of 1 at'),
    hint: 'fetch them',
  });
});

test('data needs a command or files', async () => {
  await expect(taskOf('data: { inputs: [train.py] }\n')).rejects.toMatchObject({
    message: expect.stringContaining("a 'command' that prepares it, 'files' that are copied, or both"),
  });
});
