import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { campaignFolder, createFolders } from '../engine/campaign-folder.ts';
import { holdEngineLease } from '../engine/engine-lease.ts';
import { keptCampaign, longer, noOperation } from '../engine/reproduce/kept-campaign.fixture.ts';
import { ensureBubblewrap } from '../executor/local/ensure-bubblewrap.ts';
import { guardedLog } from '../report/guarded-log.fixture.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/assay.js');
const AUDITS = ['causality', 'network'];

interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

let root: string;

function assayIn(directory: string, ...words: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    const environment = { ...process.env, NO_COLOR: '', FORCE_COLOR: undefined };
    const options = { cwd: directory, env: environment, maxBuffer: 1 << 26 };
    const child = execFile(process.execPath, [PROGRAM, ...words], options, (_, out, error) => {
      resolve({ code: child.exitCode ?? -1, out, error });
    });
  });
}

const assay = (...words: readonly string[]): Promise<Run> => assayIn(root, ...words);

async function json<T>(...words: readonly string[]): Promise<T> {
  const { out, error, code } = await assay(...words, '--json');
  expect({ error, code }).toEqual({ error: '', code: 0 });
  return JSON.parse(out) as T;
}

async function onDisk(name: string, options: Parameters<typeof guardedLog>[0]): Promise<void> {
  const folder = campaignFolder(root, name);
  await createFolders(folder);
  const { records } = await guardedLog(options);
  await using store = await openSqliteStore(folder.log, { create: true });
  await store.append(
    records.map(({ event }) => (event.type === 'campaign.created' ? { ...event, campaign: name } : event)),
  );
}

beforeAll(async () => {
  await ensureBubblewrap();
  root = await mkdtemp(path.join(tmpdir(), 'assay-cli-audits-'));
  await onDisk('sound', { audits: AUDITS });
  await onDisk('fallen', {
    audits: AUDITS,
    gains: [2],
    batchSize: 12,
    sabotage: { audit: 'causality', how: 'silent', fromTrial: 60 },
  });
}, 120_000);

afterAll(() => rm(root, { recursive: true, force: true }));

test('results, tree and status have no guards but where they are asked for', async () => {
  const plain = await json<{ total: number; experiments: { role: string }[] }>('results', 'sound');
  expect(plain.experiments.filter(({ role }) => role === 'guard')).toEqual([]);
  expect(plain.total).toBe(plain.experiments.length);
  const asked = await json<{ total: number; experiments: { role: string }[] }>('results', 'sound', '--guards');
  expect(asked.experiments.filter(({ role }) => role === 'guard')).toHaveLength(6);
  expect(asked.total).toBe(plain.total);
  expect((await assay('results', 'sound', '--all', '--guards')).out).toMatch(/guard: suspected-hack/);
  expect((await assay('tree', 'sound', '--all')).out).not.toContain('canary');
  expect((await assay('tree', 'sound', '--all', '--guards')).out).toContain('guard');
  const { out } = await assay('status', 'sound');
  expect(out).toMatch(/guards +2 batches \(2 sound\), 6 guards reported, all of them right/);
  expect(out).toMatch(/cost +[\d.]+ trials/);
});

test('what was retracted is marked in results, tree, show and why', async () => {
  const { experiments } = await json<{ experiments: { experiment: string; retracted?: { cause: string } }[] }>(
    'results',
    'fallen',
  );
  const id = experiments.find(({ retracted }) => retracted)?.experiment ?? expect.fail('nothing was retracted');
  expect((await assay('results', 'fallen')).out).toMatch(new RegExp(`${id} +keep \\(retracted\\)`));
  expect((await assay('tree', 'fallen', '--all')).out).toContain(`${id} keep (retracted)`);
  expect((await assay('show', id, '--campaign', 'fallen')).out).toMatch(/fell +e\d+ was retracted \(batch\)/);
  expect((await assay('why', id, '--campaign', 'fallen')).out).toContain('keep (retracted)');
  expect((await assay('status', 'fallen')).out).toMatch(/2 keep \(2 fell since\)[\s\S]*\d VOID[\s\S]*retracted/);
});

test('show prints what each audit said of the trials', async () => {
  const { out } = await assay('show', 'champion', '--campaign', 'sound');
  expect(out).toMatch(/audits \(\d+ trials of the candidate: .* at confirm\)/);
  expect(out).toMatch(/trials +network +v1 +passed \d+× +looked/);
  const { audits } = await json<{ audits: { trials: { audit: string; passed: number }[] } }>(
    'show',
    'champion',
    '--campaign',
    'sound',
  );
  expect(audits.trials.map(({ audit }) => audit)).toEqual(AUDITS);
});

test('hacks lists what was found and the rates of each version, of one campaign or of all', async () => {
  const one = await json<{ cases: { source: string }[]; detection: { count: number; total: number } }>(
    'hacks',
    'sound',
  );
  expect(one.detection).toMatchObject({ count: 4, total: 4 });
  const all = await json<{ campaigns: string[]; cases: { campaign: string }[]; versions: unknown[] }>(
    'hacks',
    '--all-campaigns',
  );
  expect(all.campaigns).toEqual(['fallen', 'sound']);
  expect(new Set(all.cases.map(({ campaign }) => campaign))).toEqual(new Set(['fallen', 'sound']));
  expect(all.versions).toHaveLength(1);
  const { out } = await assay('hacks', 'fallen');
  expect(out).toMatch(/retracted[\s\S]*exploits caught[\s\S]* of \d/);
  expect(out).not.toContain('caught by causality');
  expect((await assay('hacks', 'sound', '--guards')).out).toContain('canary cheat-causality');
  expect(await assay('hacks', 'nope')).toMatchObject({ code: 4 });
});

test('reproduce: holds 0, does not hold 1, held 5, mistakes 2', async () => {
  await using good = await keptCampaign([{ change: longer }]);
  await using bad = await keptCampaign([{ change: noOperation }]);
  const words = ['--pairs', '2', '--slots', '1'] as const;
  const [holds, falls] = [
    await assayIn(good.directory, 'reproduce', 'champion', ...words),
    await assayIn(bad.directory, 'reproduce', 'e1', 'kept', ...words, '--json'),
  ];
  expect(holds).toMatchObject({ code: 0, out: expect.stringMatching(/e1 holds[\s\S]*it was written to the log/) });
  expect(falls.code).toBe(1);
  expect(JSON.parse(falls.out)).toMatchObject({
    schema: 'assay.reproduce.v1',
    outcome: 'does-not-hold',
    experiment: 'e1',
    retracted: [{ experiment: 'e1' }],
    champion: 'e0',
  });
  expect(await assayIn(good.directory, 'reproduce', 'baseline')).toMatchObject({
    code: 2,
    error: expect.stringContaining('e0 is the starting point: it claims no gain'),
  });
  expect(await assayIn(bad.directory, 'reproduce', 'champion')).toMatchObject({
    code: 2,
    error: expect.stringContaining('nothing that was kept stands'),
  });
  await using store = await openSqliteStore(good.folder.log);
  await using held = await holdEngineLease(store, 'kept');
  expect(held.lost.aborted).toBe(false);
  expect(await assayIn(good.directory, 'reproduce', 'e1', ...words)).toMatchObject({
    code: 5,
    error: expect.stringContaining('is being run by process'),
  });
}, 60_000);

test('audit: the catalogue, a champion that stands, and nothing to do', async () => {
  const { audits } = await json<{ audits: { id: string; canaries: string[] }[] }>('audit', '--list');
  expect(audits.length).toBeGreaterThan(20);
  expect((await assay('audit', '--list')).out).toMatch(/catalogue [0-9a-f]{12}: \d+ audits/);
  expect((await assay('audit', '--list')).out).toContain('but nothing is suspected');
  expect(await assay('audit', '--all', 'e10')).toMatchObject({ code: 2, error: expect.stringContaining('--all') });
  await using good = await keptCampaign([{ change: longer }]);
  const first = await assayIn(good.directory, 'audit', 'champion', '--slots', '1');
  expect({ code: first.code, error: first.error }).toEqual({ code: 0, error: '' });
  expect(first.out).toMatch(/e1 +stands +\d+ +\d+ +\d+ +0 +[\d.]+ ms/);
  await using empty = await keptCampaign([]);
  expect(await assayIn(empty.directory, 'audit')).toMatchObject({ code: 0, out: expect.stringContaining('nothing') });
}, 60_000);

test('redteam --list: what fits and what it does, and nothing runs', async () => {
  const { attacks } = await json<{ attacks: { id: string; kind: string; expects: string[]; does: string }[] }>(
    'redteam',
    'starter',
    '--list',
  );
  expect(attacks.find(({ id }) => id === 'metric-spam')).toMatchObject({
    kind: 'canary',
    expects: ['doubled-claims', 'claim-vs-result'],
    does: expect.stringContaining('prints the metric'),
  });
  expect(attacks.filter(({ kind }) => kind === 'control').every(({ expects }) => expects.length === 0)).toBe(true);
  expect((await assay('redteam', 'starter', '--list')).out).toMatch(/metric-spam[\s\S]*\(control\)/);
  expect(existsSync(path.join(root, '.assay/redteam-starter-1'))).toBe(false);
});

test('redteam: what is caught is a table, what does not fit is a mistake', async () => {
  const words = ['--only', 'fake-metric', 'look-alike-file', '--slots', '2'] as const;
  const { code, out, error } = await assay('redteam', 'starter', ...words, '--json');
  expect(error).toBe('');
  const report = JSON.parse(out) as {
    schema: string;
    campaign: string;
    rows: { id: string; verdict: string; fired: string[] }[];
    caught: { count: number; total: number };
  };
  expect(report).toMatchObject({ schema: 'assay.redteam.v1', campaign: 'redteam-starter-1', caught: { total: 2 } });
  // Nothing stops what only claims: it is measured like an honest one, and by luck of its one trial now and then as a better one.
  const claims = report.rows.find(({ id }) => id === 'fake-metric')?.verdict;
  expect(claims).toMatch(/^(noted|got-through)$/);
  expect(report.rows.find(({ id }) => id === 'look-alike-file')?.verdict).toBe('caught');
  expect(report.caught.count).toBe(1);
  expect(code).toBe(claims === 'noted' ? 0 : 1);
  const cases = await json<{ cases: { source: string; outcome: string }[] }>('hacks', 'redteam-starter-1');
  expect(cases.cases.map(({ source, outcome }) => `${source} ${outcome}`).toSorted()).toEqual([
    'red-team caught',
    'red-team noted',
  ]);
  expect(await assay('redteam', 'starter', '--only', 'fake-metrics')).toMatchObject({
    code: 2,
    error: expect.stringContaining('fake-metric'),
  });
  const nothing = await assay('redteam', 'starter', '--only', 'nosuch');
  expect(nothing).toMatchObject({ code: 2, error: expect.stringContaining('assay redteam starter --list') });
  expect(existsSync(path.join(root, '.assay/redteam-starter-2'))).toBe(false);
  // What names no campaign does not mean this one, though it was used last.
  const { campaigns } = await json<{ campaigns: string[] }>('hacks');
  expect(campaigns[0]).not.toMatch(/^redteam-/);
  expect(await assay('resume', 'redteam-starter-1', '--experiments', '2')).toMatchObject({
    code: 2,
    error: expect.stringContaining('a campaign of the red team'),
  });
  expect(await assay('run', 'starter', '--name', 'redteam-starter-1')).toMatchObject({ code: 2 });
}, 120_000);
