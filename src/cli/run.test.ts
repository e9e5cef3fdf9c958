import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { MINIMAL_TASK, temporaryFolder, TRAIN } from '../task/load-task.fixture.ts';
import { main } from './main.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function assay(...words: readonly string[]): Promise<{ code: number; error: string }> {
  let error = '';
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    error += String(text);
    return true;
  });
  const code = await main(words);
  spy.mockRestore();
  return { code, error };
}

test.each([
  ['run', 'null', '--slots', '0'],
  ['run', 'null', '--experiments', '0'],
  ['run', 'null', '--minutes', '0'],
  ['resume', '--slots', '0'],
  ['estimate', 'null', '--slots', '0'],
  ['estimate', 'null', '--experiments', '0'],
])('assay %s %s %s %s: none of something is wrong usage', async (...words) => {
  await using folder = await temporaryFolder();
  expect(await assay('--directory', folder.path, ...words)).toMatchObject({
    code: 2,
    error: expect.stringMatching(/1 or more|whole number such as|above 0/),
  });
  expect(await readdir(folder.path)).toEqual([]);
});

test('where the machine has too few cores no campaign is made', async () => {
  await using folder = await temporaryFolder({
    'tiny/task.yaml': `${MINIMAL_TASK}resources: {cores: 4000}\n`,
    'tiny/train.py': TRAIN,
    'tiny/judge.py': '',
  });
  expect(await assay('--directory', folder.path, 'run', 'tiny')).toMatchObject({
    code: 6,
    error: expect.stringContaining('4000 cores'),
  });
  expect(await readdir(folder.path)).toEqual(['tiny']);
});

test('a campaign that was interrupted before its first event is not gone on with, and nothing is written into it', async () => {
  await using folder = await temporaryFolder();
  const root = path.join(folder.path, '.assay/early');
  await mkdir(root, { recursive: true });
  await writeFile(path.join(root, 'log.db'), '');
  expect(await assay('--directory', folder.path, 'resume')).toMatchObject({
    code: 4,
    error: expect.stringContaining('assay run'),
  });
  expect(await readdir(root)).toEqual(['log.db']);
  expect((await stat(path.join(root, 'log.db'))).size).toBe(0);
});

test('a task that there is not is answered with those that ship', async () => {
  await using folder = await temporaryFolder();
  const { code, error } = await assay('--directory', folder.path, 'run', 'nul');
  expect(code).toBe(3);
  expect(error).toMatch(/kernels-cpu, nanochat-cpu, .*null, null-planted, .*starter/);
});
