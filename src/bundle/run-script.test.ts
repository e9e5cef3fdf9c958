import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../task/load-task.fixture.ts';
import { runScript } from './run-script.ts';

/** A bundle whose Node writes down how it was called, and ends a run with 3. */
async function bundle(command: readonly string[]): Promise<AsyncDisposable & { root: string; calls: () => string[] }> {
  const folder = await temporaryFolder({ 'run.sh': runScript(command) });
  const node = path.join(folder.path, 'node/bin/node');
  mkdirSync(path.dirname(node), { recursive: true });
  const calls = path.join(folder.path, 'calls');
  writeFileSync(node, `#!/bin/sh\nshift\necho "$*" >>'${calls}'\ncase "$*" in *' run '*) exit 3 ;; esac\n`);
  chmodSync(node, 0o755);
  return {
    root: folder.path,
    calls: () => readFileSync(calls, 'utf8').trim().split('\n'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('is sh without mistakes, whatever the command is', () => {
  for (const command of [
    ['run', 'tasks/a'],
    ['run', "it's a $(touch x) task"],
  ])
    expect(spawnSync('sh', ['-n'], { input: runScript(command), encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
});

test('options go to the campaign, its exit code comes back, and the outcome is written also after a failure', async () => {
  await using made = await bundle(['run', "tasks/it's $HOME"]);
  const { status } = spawnSync('sh', ['run.sh', '--experiments', '7'], { cwd: made.root });
  expect(status).toBe(3);
  const at = `--directory ${made.root}/work`;
  expect(made.calls()).toEqual([
    `${at} doctor`,
    `${at} run ${made.root}/tasks/it's $HOME --experiments 7`,
    `${at} export --whole --out ${made.root}/outcome`,
  ]);
  expect(readFileSync(path.join(made.root, 'outcome/run.log'), 'utf8')).toContain("/tasks/it's $HOME --experiments 7");
});

test('a bundle that is read-only works where ASSAY_WORK says, with a copy of what it carries', async () => {
  await using made = await bundle(['run', 'tasks/a']);
  await using elsewhere = await temporaryFolder();
  mkdirSync(path.join(made.root, 'cache/data'), { recursive: true });
  writeFileSync(path.join(made.root, 'cache/data/text'), 'carried');
  const node = path.join(made.root, 'node/bin/node');
  writeFileSync(node, `#!/bin/sh\necho "$ASSAY_CACHE"\n`);
  chmodSync(made.root, 0o555);
  chmodSync(elsewhere.path, 0o777);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const [work, outcome] = [path.join(elsewhere.path, 'work'), path.join(elsewhere.path, 'outcome')];
  const env = { PATH: process.env['PATH'], ASSAY_WORK: work, ASSAY_OUTCOME: outcome };
  for (const time of ['first', 'second']) {
    const { status, stdout } = spawnSync('sh', [path.join(made.root, 'run.sh')], { ...nobody, env, encoding: 'utf8' });
    expect([time, status]).toEqual([time, 0]);
    expect(stdout).toContain(path.join(work, 'cache'));
    expect(readFileSync(path.join(work, 'cache/data/text'), 'utf8')).toBe('carried');
  }
  chmodSync(made.root, 0o755);
});

test('an interrupt ends the campaign, and what there is comes back with its exit code', async () => {
  await using made = await bundle(['run', 'tasks/a']);
  const node = path.join(made.root, 'node/bin/node');
  // Interrupts its whole group, as a terminal and timeout(1) do, and ends as Assay does then.
  const interrupted = `case "$*" in *' run '*) trap 'exit 130' INT; kill -INT 0; sleep 5 ;; esac`;
  writeFileSync(node, `${readFileSync(node, 'utf8').split('\n').slice(0, 3).join('\n')}\n${interrupted}\n`);
  const { status } = spawnSync('setsid', ['-w', 'sh', 'run.sh'], { cwd: made.root });
  expect(status).toBe(130);
  expect(readFileSync(path.join(made.root, 'outcome/exit-code'), 'utf8')).toBe('130\n');
  expect(made.calls().at(-1)).toContain('export --whole');
});

test('words are a command of their own; a campaign that came along is laid out once', async () => {
  await using made = await bundle(['reproduce', 'champion', 'demo']);
  mkdirSync(path.join(made.root, 'campaigns/demo'), { recursive: true });
  expect(spawnSync('sh', ['run.sh', 'results', '--all'], { cwd: made.root }).status).toBe(0);
  expect(existsSync(path.join(made.root, 'work/.assay/demo'))).toBe(true);
  expect(made.calls().at(-1)).toBe(`--directory ${made.root}/work results --all`);
});
