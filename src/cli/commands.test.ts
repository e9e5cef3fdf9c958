import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdEngineLease } from '../engine/engine-lease.ts';
import { campaignOnDisk } from '../report/campaign-on-disk.fixture.ts';
import { smallCampaign } from '../report/demo-campaign.fixture.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/assay.js');

interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

let root: string;
let log: string;

function assay(...words: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const environment = { ...process.env, NO_COLOR: '', FORCE_COLOR: undefined };
    const child = execFile(
      process.execPath,
      [PROGRAM, ...words],
      { cwd: root, env: environment, maxBuffer: 1 << 26 },
      (_error, out, error) => {
        resolve({ code: child.exitCode ?? -1, out, error });
      },
    );
  });
}

async function json<T>(...words: readonly string[]): Promise<T> {
  const { out, error, code } = await assay(...words, '--json');
  expect(error).toBe('');
  expect(code).toBe(0);
  return JSON.parse(out) as T;
}

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'assay-cli-'));
  const { folder } = await campaignOnDisk(root, 'demo', (made) => smallCampaign(made));
  log = folder.log;
});

afterAll(() => rm(root, { recursive: true, force: true }));

test('results shows the best first, and everything as JSON', async () => {
  const { out, code } = await assay('results', '--top', '2');
  expect(code).toBe(0);
  expect(out.split('\n')[1]).toMatch(/^e1 +keep +\+0\.0/);
  expect(out).not.toContain('\u001b');
  const all = await json<{ schema: string; experiments: { experiment: string; verdict: string }[] }>('results');
  expect(all.schema).toBe('assay.results.v1');
  expect(all.experiments).toHaveLength(8);
  const failed = await json<{ experiments: { verdict: string }[] }>('results', '--verdict', 'failed');
  expect(failed.experiments.map(({ verdict }) => verdict)).toEqual(['failed', 'failed']);
});

test('status tells a running engine from one that was killed and from none', async () => {
  const statusOf = async (): Promise<unknown> => (await json<{ engine: { status: string } }>('status')).engine.status;
  expect(await statusOf()).toBe('none');
  await using store = await openSqliteStore(log);
  {
    await using held = await holdEngineLease(store, 'demo');
    expect(held.lease.owner.pid).toBe(process.pid);
    expect(await statusOf()).toBe('running');
    expect((await assay('status')).out).toContain(`running (pid ${process.pid})`);
    expect((await assay('results')).code).toBe(0);
  }
  const dead = { id: 'dead', host: hostname(), pid: process.pid, processStart: 1 };
  const attempt = await store.acquireLease('engine', dead, 60_000, () => false);
  expect(await statusOf()).toBe('killed');
  if (attempt.granted) await store.releaseLease(attempt.lease);
});

test('no reading command appends to the log', async () => {
  const before = await lastSeq();
  for (const words of [
    ['status'],
    ['results'],
    ['show', 'e1'],
    ['why', 'e1'],
    ['tree'],
    ['diff', 'e1'],
    ['log'],
    ['export'],
  ]) {
    expect({ words, code: (await assay(...words)).code }).toEqual({ words, code: 0 });
  }
  expect(await lastSeq()).toBe(before);
  expect((await stat(path.join(root, '.assay/demo/report/report.html'))).size).toBeGreaterThan(10_000);
});

test('show and why explain one experiment, however it is named', async () => {
  expect((await assay('show', 'champion')).out).toMatch(/e6, the champion[\s\S]*squared ReLU[\s\S]*confirm/);
  expect((await assay('why', '4')).out).toMatch(/suspected-hack[\s\S]*causality/);
  const why = await json<{ schema: string; stages: unknown[]; trials: { seed: number }[] }>('why', 'e1');
  expect(why.schema).toBe('assay.why.v1');
  expect(why.stages).toHaveLength(4);
  expect(why.trials.every(({ seed }) => seed > 0)).toBe(true);
});

test('diff prints a patch against the parent or between two', async () => {
  expect((await assay('diff', 'e6')).out).toContain('+setting_18 = 600  # idea 6');
  const { files } = await json<{ files: { path: string }[] }>('diff', 'baseline', 'champion');
  expect(files.map(({ path: file }) => file)).toEqual(['train.py']);
  expect(await assay('diff', 'e5')).toMatchObject({ code: 2, error: expect.stringContaining('assay why e5') });
});

test('log filters by type and number, and as JSON every line is a document', async () => {
  const { out } = await assay('log', '--types', 'champion.changed');
  expect(out.trim().split('\n')).toHaveLength(2);
  const lines = (await assay('log', '--json', '--after', '3')).out.trim().split('\n');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ schema: 'assay.event.v1', seq: 4 });
  expect(await assay('log', '--types', 'champion.chnged')).toMatchObject({
    code: 2,
    error: expect.stringContaining("'champion.changed'"),
  });
  expect((await assay('log', '--follow')).out).toContain('the engine stopped: the campaign is over');
});

test('a reader that goes away ends the command quietly', async () => {
  const child = spawn(
    'bash',
    ['-c', `"$0" "$1" log --json | head -n 1; echo "\${PIPESTATUS[0]}"`, process.execPath, PROGRAM],
    { cwd: root },
  );
  let out = '';
  let error = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (error += data.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  expect(error).toBe('');
  expect(out.trim().split('\n').at(-1)).toBe('0');
});

test('mistakes are one line and a hint, with an exit code of their own', async () => {
  expect(await assay('show', 'e99')).toMatchObject({
    code: 2,
    out: '',
    error: expect.stringMatching(/^error: .*'e99'\n {2}hint: .*e0 to e7/),
  });
  expect(await assay('status', 'nope')).toMatchObject({
    code: 4,
    error: expect.stringMatching(/^error: .*\n {2}hint: these exist: demo\n$/),
  });
  expect(await assay('resutls')).toMatchObject({
    code: 2,
    error: "error: unknown command 'resutls'\n  hint: did you mean results?\n",
  });
  expect(await assay('results', '--top', 'x')).toMatchObject({ code: 2 });
  expect(await assay('--directory', path.join(root, 'empty'), 'status')).toMatchObject({
    code: 4,
    error: expect.stringContaining('assay run'),
  });
  const broken = path.join(root, 'broken');
  await mkdir(path.join(broken, '.assay/bad'), { recursive: true });
  await writeFile(path.join(broken, '.assay/bad/log.db'), 'this is not a database, it only looks like a file');
  expect(await assay('status', '--directory', broken)).toMatchObject({
    code: 4,
    error: expect.stringMatching(/^error: [^\n]*damaged[^\n]*\n {2}hint: [^\n]*\n$/),
  });
});

test('help has examples, and the version is printed', async () => {
  expect((await assay()).out).toContain('assay why e12');
  expect((await assay('results', '--help')).out).toContain('assay results --top 5');
  expect((await assay('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

async function lastSeq(): Promise<number> {
  await using store = await openSqliteStore(log);
  return store.lastSeq();
}
