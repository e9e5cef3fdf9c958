import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/assay.js');
let root: string;

function verify(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  return new Promise((resolve) => {
    const environment = { ...process.env, NO_COLOR: '', FORCE_COLOR: undefined };
    const child = execFile(
      process.execPath,
      [PROGRAM, 'verify', ...words],
      { cwd: root, env: environment },
      (_, out, error) => {
        resolve({ code: child.exitCode ?? -1, out, error });
      },
    );
  });
}

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'assay-verify-'));
  await mkdir(path.join(root, 'mine'));
  await mkdir(path.join(root, 'base'));
  const log = (loss: number, time: number): string => `step:9/9 val_loss:${loss} train_time:${time}ms step_avg:1.0ms\n`;
  for (let run = 0; run < 4; run++) {
    await writeFile(path.join(root, 'mine', `${run}.txt`), log(3.277 + run / 10_000, 77_000 + run));
    await writeFile(path.join(root, 'base', `${run}.txt`), log(3.278 + run / 10_000, 80_000 + run));
  }
  await writeFile(path.join(root, 'one.yaml'), 'contract: speedrun-track-3\nclaim: {loss: [3.2777], steps: 3600}\n');
  await writeFile(path.join(root, 'bad.txt'), 'step:9/9 val_loss:nan train_time:77000ms step_avg:1.0ms\n');
});

afterAll(() => rm(root, { recursive: true, force: true }));

test('the exit code says what became of a claim', async () => {
  const [accepted, open, rejected, unusable, mistaken] = await Promise.all([
    verify('speedrun-track-1', 'mine', '--against', 'base', '--same-hardware'),
    verify('speedrun-track-1', 'mine', '--against', 'base'),
    verify('speedrun-track-3', 'one.yaml', '--json'),
    verify('speedrun-track-1', 'mine', 'bad.txt'),
    verify('speedrun-track-4', 'one.yaml'),
  ]);
  expect(accepted).toMatchObject({ code: 0, error: '', out: expect.stringMatching(/^accepted\n/) });
  expect(open).toMatchObject({ code: 8, out: expect.stringContaining('other hardware') });
  expect(rejected.code).toBe(1);
  expect(JSON.parse(rejected.out)).toMatchObject({
    schema: 'assay.verify.v1',
    outcome: 'rejected',
    checks: [{ name: 'loss' }],
  });
  expect(unusable).toMatchObject({ code: 3, out: expect.stringContaining('bad.txt') });
  expect(mistaken).toMatchObject({
    code: 2,
    error: expect.stringContaining('speedrun-track-1, speedrun-track-3, nanochat'),
  });
});

test('the public claims come as a table', async () => {
  const table = await verify('--public');
  expect(table).toMatchObject({ code: 0, error: '', out: expect.stringContaining('each as expected') });
  expect(table.out).toMatch(/Hyra, 76.4 s, three runs +rejected/);
});
