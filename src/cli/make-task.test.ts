import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../task/load-task.fixture.ts';
import { loadTask } from '../task/load-task.ts';
import { taskFolder } from './find-task.ts';
import { makeTask } from './make-task.ts';

test('a new task loads, has its own name, and begins as the starter', async () => {
  await using folder = await temporaryFolder();
  const made = await makeTask(folder.path, 'nested/my-task');
  expect(made).toContain(path.join('nested', 'my-task', 'task.yaml'));
  const task = await loadTask(path.join(folder.path, 'nested/my-task'));
  expect(task.name).toBe('my-task');
  expect(task.spec.objective.metric).toBe('loss');
  const text = await readFile(path.join(folder.path, 'nested/my-task/task.yaml'), 'utf8');
  expect(text).not.toContain('yaml-language-server');
});

test('a candidate of a new task gets neither the judge nor what makes the data, and its judge must say what it checked', async () => {
  await using folder = await temporaryFolder();
  await makeTask(folder.path, 'mine');
  const task = await loadTask(path.join(folder.path, 'mine'));
  expect([...task.filesFor(task.starts[0]).keys()]).toEqual(['train.py']);
  const candidates = task.spec.phases.filter(({ trust }) => trust === 'candidate');
  expect(candidates.map(({ command }) => command.join(' '))).toEqual(['{python} train.py']);
  expect(task.spec.audits.judge).toEqual(['points-scored', 'finite']);
});

test.each(['null', 'true', 'no', 'y', 'a-1-b'])(
  '%j names a task, though YAML would take it for something else',
  async (name) => {
    await using folder = await temporaryFolder();
    await makeTask(folder.path, name);
    expect((await loadTask(path.join(folder.path, name))).name).toBe(name);
  },
);

test('a folder that holds anything is refused and left as it was', async () => {
  await using folder = await temporaryFolder({ 'mine/notes.txt': 'keep me' });
  await expect(makeTask(folder.path, 'mine')).rejects.toMatchObject({ code: 'task-exists' });
  expect(await readdir(path.join(folder.path, 'mine'))).toEqual(['notes.txt']);
  await makeTask(folder.path, 'fresh');
  await expect(makeTask(folder.path, 'fresh')).rejects.toMatchObject({ code: 'task-exists' });
});

test('a folder that is there and empty is used', async () => {
  await using folder = await temporaryFolder();
  await mkdir(path.join(folder.path, 'empty'));
  expect((await makeTask(folder.path, 'empty')).length).toBeGreaterThan(2);
});

test.each(['My Task', 'über', '-x', '_x', 'a.b', '2024', '1e5', 'a-', 'a--b'])(
  '%j can name no task, and no folder is made',
  async (name) => {
    await using folder = await temporaryFolder();
    await expect(makeTask(folder.path, name)).rejects.toMatchObject({ code: 'usage-name' });
    expect(await readdir(folder.path)).toEqual([]);
  },
);

test('where a file is in the way it says so', async () => {
  await using folder = await temporaryFolder({ file: 'x' });
  await expect(makeTask(folder.path, 'file')).rejects.toMatchObject({ code: 'campaign-unwritable' });
});

test('a task is found by its folder first, then by the name of one that ships', async () => {
  await using folder = await temporaryFolder({ 'null/task.yaml': 'x', 'mine/task.yaml': 'x' });
  const shipped = path.resolve(import.meta.dirname, '../../tasks');
  expect(taskFolder(folder.path, 'null')).toBe(path.join(folder.path, 'null'));
  expect(taskFolder(folder.path, 'starter')).toBe(path.join(shipped, 'starter'));
  expect(taskFolder(folder.path, './mine')).toBe(path.join(folder.path, 'mine'));
  expect(taskFolder(folder.path, '/somewhere/else')).toBe('/somewhere/else');
});

test('a name that ships nowhere is taken for a folder, and nobody gets out of the shipped ones by dots', async () => {
  await using folder = await temporaryFolder();
  expect(taskFolder(folder.path, 'unknown')).toBe(path.join(folder.path, 'unknown'));
  expect(taskFolder(folder.path, '../tasks')).toBe(path.resolve(folder.path, '../tasks'));
});

test('every task that ships loads', async () => {
  const shipped = path.resolve(import.meta.dirname, '../../tasks');
  for (const name of await readdir(shipped)) {
    expect((await loadTask(path.join(shipped, name))).name).toBe(name);
  }
});
