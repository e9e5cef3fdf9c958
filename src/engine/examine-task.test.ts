import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Gpu } from '../executor/local/gpus.ts';
import { loadTask } from '../task/load-task.ts';
import type { Task } from '../task/task.ts';
import type { Finding } from './examine-machine.ts';
import { examineTask } from './examine-task.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'assay-examine-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A task that runs anywhere, with these sections more. */
async function task(more: string, module = 'language_model'): Promise<Task> {
  const folder = path.join(root, 'task');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'train.py'), 'A = 1\n');
  await writeFile(
    path.join(folder, 'task.yaml'),
    `name: tiny
objective: { metric: loss, direction: minimize }
files: { editable: [train.py] }
phases:
  - { name: judge, trust: judge, command: ['{python}', -m, assay_judge.${module}, '{result}'] }
${more}`,
  );
  return await loadTask(folder);
}

const gpu = (name: string, gibibytes?: number): Gpu => ({
  index: 0,
  uuid: 'GPU-a',
  name,
  ...(gibibytes === undefined ? {} : { memoryBytes: gibibytes * 2 ** 30 }),
  device: '/dev/nvidia0',
});

async function only(what: string, more: string, gpus: readonly Gpu[] = []): Promise<Finding[]> {
  return (await examineTask(await task(more), { gpus, cacheRoot: root })).filter((finding) => finding.what === what);
}

test('a task that needs nothing special lacks nothing', async () => {
  expect(await examineTask(await task(''))).toEqual([]);
});

test('a check of the judge under the name of an audit of ours is told before any trial', async () => {
  const [found] = await only('audits', 'audits: { judge: [causality, split-gap, my-own-check] }\n');
  expect(found).toMatchObject({ state: 'fail', detail: expect.stringContaining('names split-gap') });
  expect(await only('audits', 'audits: { judge: [causality, my-own-check] }\n')).toEqual([]);
});

test('GPUs are counted by number, kind and memory, and the words say what was asked and found', async () => {
  const asked = 'resources: { gpus: 2, gpu: { kinds: [H100, H200], memory: 80GiB } }\n';
  const [none] = await only('gpus', asked);
  expect(none).toMatchObject({ state: 'fail', remedy: expect.stringContaining('nvidia-smi') });
  expect(none?.detail).toBe(
    '2 GPUs of kind H100 or H200 with 80.0 GiB each needed; none found (no NVIDIA driver answers)',
  );
  const good = gpu('NVIDIA H100 80GB HBM3', 79.6);
  const state = async (...gpus: Gpu[]): Promise<unknown> => (await only('gpus', asked, gpus))[0]?.state;
  expect(await state(good)).toBe('fail');
  expect(await state(good, gpu('NVIDIA A100-SXM4-80GB', 80))).toBe('fail');
  expect(await state(good, gpu('NVIDIA H100 MIG 3g.40gb', 40))).toBe('fail');
  expect(await state(good, gpu('NVIDIA H200', 141))).toBe('ok');
  // Unknown is not too little.
  expect(await state(good, gpu('NVIDIA H200'))).toBe('ok');
  const [short] = await only('gpus', asked, [gpu('NVIDIA A100-SXM4-80GB', 80)]);
  expect(short?.detail).toContain('found NVIDIA A100-SXM4-80GB (80.0 GiB)');
  expect(await only('gpus', 'resources: { gpus: 0 }\n')).toEqual([]);
});

test('packages are named one by one, each with its command, where Assay may build no environment', async () => {
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  const wants = `environment: { build: false, python: '>=3.8', requirements: [surely-not-there>=2, nor-this==1.5, pip] }\n`;
  const found = await examineTask(await task(wants), { python, cacheRoot: root });
  const missing = found.filter(({ state }) => state === 'fail');
  expect(missing.filter(({ detail }) => !detail.startsWith('pip ')).map(({ what, detail }) => [what, detail])).toEqual([
    ['package', 'surely-not-there is not installed (surely-not-there>=2 needed)'],
    ['package', 'nor-this is not installed (nor-this==1.5 needed)'],
  ]);
  expect(missing[0]?.remedy).toMatch(/-m pip install 'surely-not-there>=2'$/);
  const optional = wants.replace('pip]', 'pip], optional: [pip, not-this-either>=1]');
  const looked = await examineTask(await task(optional), { python, cacheRoot: root });
  const either = looked.filter(({ detail }) => detail.startsWith('not-this'));
  expect(either).toMatchObject([
    { state: 'warn', detail: 'not-this-either is not installed (not-this-either>=1 would be used)' },
  ]);
  expect(either[0]?.remedy).toMatch(/-m pip install 'not-this-either>=1'$/);
  const older = `environment: { build: false, python: '<3' }\n`;
  expect(await examineTask(await task(older), { python })).toMatchObject([{ what: 'python', state: 'fail' }]);
  // Where it may build one, nothing is missing yet.
  expect(await examineTask(await task(wants.replace('build: false, ', '')), { python })).toEqual([]);
});

test('files are looked for where they belong, and the disk must hold them', async () => {
  const section = (size: string): string => `data:
  files:
    - { from: '${root}/shards/part_*.bin', except: part_2.bin, to: seen, at_least: 2, size: ${size}, what: shards, remedy: fetch them }
`;
  expect(await only('data', section('1MB'))).toEqual([
    {
      state: 'fail',
      what: 'data',
      detail: `shards: 0 of at least 2 there, looked at ${root}/shards/part_*.bin`,
      remedy: 'fetch them',
    },
  ]);
  await mkdir(path.join(root, 'shards'));
  for (const name of ['part_1.bin', 'part_2.bin', 'other.bin']) await writeFile(path.join(root, 'shards', name), 'x');
  expect((await only('data', section('1MB')))[0]?.detail).toContain('1 of at least 2');
  expect((await only('disk', section('900TiB')))[0]).toMatchObject({
    state: 'fail',
    remedy: expect.stringContaining('ASSAY_CACHE'),
  });
  await writeFile(path.join(root, 'shards', 'part_3.bin'), 'x');
  expect((await only('data', section('1MB')))[0]).toMatchObject({
    state: 'ok',
    detail: expect.stringContaining('shards: 2 at'),
  });
  // What is there is counted as it is.
  expect((await only('disk', section('900TiB')))[0]).toMatchObject({ state: 'ok' });
});

test('cores, memory, programs and modules of ours that are not here are named', async () => {
  const large = 'resources: { cores: 4000, memory: 900TiB }\nenvironment: { programs: [surely-not-there] }\n';
  const found = await examineTask(await task(large, 'no_such_judge'));
  expect(found.map(({ what, state }) => [what, state])).toEqual([
    ['judge', 'fail'],
    ['cores', 'fail'],
    ['memory', 'fail'],
    ['program', 'fail'],
  ]);
  for (const { remedy } of found) expect(remedy).toBeTruthy();
});
