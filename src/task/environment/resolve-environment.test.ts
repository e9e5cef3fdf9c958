import { execFileSync, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';

import { expect, test } from 'vitest';

import { temporaryFolder } from '../load-task.fixture.ts';
import { RESOLVE_PROGRAM, taskOf, taskWithPackage, writeWheel } from './environment.fixture.ts';
import { resolveEnvironment } from './resolve-environment.ts';

const SLOW = 120_000;
const variables = { PATH: process.env['PATH'] };

test(
  'a task without requirements runs with the Python that is there, and is answered from the cache without a process',
  async () => {
    await using cache = await temporaryFolder();
    const task = await taskOf('');
    const first = await resolveEnvironment(task, { cacheRoot: cache.path, variables });
    expect(first.how).toBe('found');
    expect(
      execFileSync(first.python, ['-I', '-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim(),
    ).toBe(first.python);
    const start = performance.now();
    expect(await resolveEnvironment(task, { cacheRoot: cache.path, variables })).toEqual(first);
    expect(performance.now() - start).toBeLessThan(30);
  },
  SLOW,
);

test(
  'an interpreter that is named is used, or refused with what is missing',
  async () => {
    await using cache = await temporaryFolder();
    const python = (await resolveEnvironment(await taskOf(''), { cacheRoot: cache.path, variables })).python;
    const given = await resolveEnvironment(await taskOf(''), {
      cacheRoot: cache.path,
      variables: { ...variables, ASSAY_PYTHON: python },
    });
    expect(given).toMatchObject({ python, how: 'given' });
    const needs = await taskOf('environment: {requirements: [no-such-package==1.0]}');
    await expect(resolveEnvironment(needs, { cacheRoot: cache.path, variables, python })).rejects.toMatchObject({
      code: 'environment-unfit',
      message: `the interpreter ${python} does not fit the task: no-such-package is not installed`,
    });
    const old = await taskOf("environment: {python: '<3'}");
    await expect(resolveEnvironment(old, { cacheRoot: cache.path, variables })).rejects.toMatchObject({
      code: 'python-missing',
    });
  },
  SLOW,
);

test(
  'two processes that need the same environment build it once; a build that was killed is done again',
  async () => {
    await using cache = await temporaryFolder();
    await using wheels = await temporaryFolder();
    writeWheel(wheels.path, '1.2');
    const start = (): ReturnType<typeof spawn> =>
      spawn(process.execPath, [RESOLVE_PROGRAM, wheels.path, '1.2', cache.path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });

    const killed = start();
    await untilOutput(killed, 'step: making a virtual environment');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect((await readdir(join(cache.path, 'venvs'))).some((name) => name.endsWith('.json'))).toBe(false);

    const outputs = await Promise.all([start(), start()].map((child) => untilOutput(child)));
    expect(outputs.filter((output) => output.includes('step: installing tiny-package'))).toHaveLength(1);
    const answers = new Set(outputs.map((output) => output.trim().split('\n').at(-1)));
    expect(answers.size).toBe(1);
    const folders = (await readdir(join(cache.path, 'venvs'))).filter((name) => !name.includes('.'));
    expect(folders).toHaveLength(1);

    const environment = await resolveEnvironment(await taskWithPackage(wheels.path, '1.2'), {
      cacheRoot: cache.path,
      variables,
    });
    expect(environment).toMatchObject({ how: 'built', packages: { 'tiny-package': '1.2' } });
    expect(environment.mounts[0]?.source).toContain(join(cache.path, 'venvs'));
    expect(
      execFileSync(environment.python, ['-c', 'import tiny_package; print(tiny_package.VERSION)'], {
        encoding: 'utf8',
      }),
    ).toBe('1.2\n');
  },
  SLOW,
);

test(
  'what pip says when it fails is shown, and nothing is left that looks like an environment',
  async () => {
    await using cache = await temporaryFolder();
    await using wheels = await temporaryFolder();
    const task = await taskWithPackage(wheels.path, '9.9');
    const failed = resolveEnvironment(task, { cacheRoot: cache.path, variables });
    await expect(failed).rejects.toMatchObject({
      code: 'environment-install',
      message: expect.stringContaining('  | ERROR: No matching distribution found for tiny-package==9.9') as unknown,
      hint: expect.stringContaining('ASSAY_PYTHON=') as unknown,
    });
    expect((await readdir(join(cache.path, 'venvs'))).filter((name) => !name.endsWith('.lock'))).toEqual([]);
  },
  SLOW,
);

test('a cache that cannot be written is named', async () => {
  await using folder = await temporaryFolder({ file: '' });
  await expect(
    resolveEnvironment(await taskOf(''), { cacheRoot: join(folder.path, 'file', 'cache'), variables }),
  ).rejects.toMatchObject({
    code: 'cache-unwritable',
    message: expect.stringContaining(join(folder.path, 'file', 'cache')) as unknown,
    hint: expect.stringContaining('ASSAY_CACHE') as unknown,
  });
});

/** What a process wrote until a text came, or until it ended. */
async function untilOutput(child: ReturnType<typeof spawn>, text?: string): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout ?? []) {
    output += String(chunk);
    if (text !== undefined && output.includes(text)) return output;
  }
  return output;
}
