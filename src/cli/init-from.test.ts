import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { FIXTURES, fixtureCheckout } from '../task/adapters/checkout.fixture.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/assay.js');

/** On a machine without a GPU, whatever this one has: no driver program is on the path, and nothing is in the home folder. */
async function assay(root: string, ...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  return await new Promise((resolve) => {
    const env = { PATH: '/nowhere:/bin', HOME: root, NO_COLOR: '1', ASSAY_CACHE: path.join(root, 'cache') };
    const child = execFile(process.execPath, [PROGRAM, ...words], { cwd: root, env }, (_error, out, error) => {
      resolve({ code: child.exitCode ?? -1, out, error });
    });
  });
}

test('a benchmark becomes a task beside its checkout; the check names all that is missing and ends with its own code', async () => {
  await using at = await fixtureCheckout(FIXTURES.autoresearch);
  const made = await assay(at.root, 'init', '--from', 'autoresearch', 'upstream');
  expect(made).toMatchObject({ code: 0 });
  expect(made.out).toContain('upstream-task/task.yaml');
  expect(made.out).toContain('of the checkout: train.py, prepare.py');
  expect(made.error).toContain(`commit ${at.commit.slice(0, 12)} is not the known one`);
  expect(made.error).toMatch(/sha256 [0-9a-f]{16}/);

  const checked = await assay(at.root, 'check', 'upstream-task');
  expect(checked).toMatchObject({ code: 6, error: '' });
  for (const words of [
    /gpus +MISSING: 1 GPU with 48.0 GiB each needed; none found/,
    /package +MISSING: surely-not-there is not installed \(surely-not-there>=0.11.7 needed\)\n +-> \S+ -m pip install/,
    /data +MISSING: training shards: not there, looked at .*\/\.cache\/autoresearch\/data\/shard_\*\.parquet\n +-> with the network/,
    /data +MISSING: tokenizer and its byte table: 0 of at least 2/,
    /data +MISSING: FlashAttention-3 \(varunneal\/flash-attention-3\)/,
    /disk +\S.*free at/,
    /nothing is wrong with the task, but \d+ things it needs are MISSING/,
  ])
    expect(checked.out).toMatch(words);
  const json = await assay(at.root, 'check', 'upstream-task', '--json');
  expect(json.code).toBe(6);
  const { machine } = JSON.parse(json.out) as { machine: { state: string; what: string; remedy?: string }[] };
  const failed = machine.filter(({ state }) => state === 'fail');
  expect(failed.map(({ what }) => what)).toEqual(expect.arrayContaining(['gpus', 'package', 'data']));
  for (const { remedy } of failed) expect(remedy).toBeTruthy();

  // A mistake in the task is another code: what is wrong with it, not with the machine.
  await rm(at.checkout, { recursive: true });
  expect(await assay(at.root, 'check', 'upstream-task')).toMatchObject({ code: 3 });
});

test('options of a benchmark need one, and an unknown one is refused', async () => {
  await using at = await fixtureCheckout(FIXTURES.speedrun);
  expect(await assay(at.root, 'init', 'my-task', '--track', '3')).toMatchObject({ code: 2 });
  expect(await assay(at.root, 'init', '--from', 'speedruns', 'upstream')).toMatchObject({ code: 2 });
  const made = await assay(at.root, 'init', '--from', 'speedrun', 'upstream', '--track', '3', '--into', 'track-3');
  expect(made.code).toBe(0);
  expect(made.out).toContain('track-3/task.yaml');
});
