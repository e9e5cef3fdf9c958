import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCandidateRepository } from '../../candidate/candidate-repository.ts';
import { experimentId } from '../../domain/ids.ts';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { campaignOnDisk, startingFiles } from '../campaign-on-disk.fixture.ts';
import { smallCampaign } from '../demo-campaign.fixture.ts';
import { exportCampaign, type Exported } from './export-campaign.ts';
import { resultsTsv } from './results-tsv.ts';
import { trialCsvLine, TRIALS_CSV_HEADER } from './trials-csv.ts';

let root: string;
let out: string;
let exported: Exported;
let baseline: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'assay-export-'));
  out = path.join(root, 'evidence');
  const { folder, campaign } = await campaignOnDisk(root, 'demo', (made) => smallCampaign(made));
  baseline = campaign.state.baseline;
  await using store = await openSqliteStore(folder.log);
  await using repository = await openCandidateRepository(folder.candidates);
  exported = await exportCampaign({ state: campaign.state, store, repository, out, now: 0 });
});

afterAll(() => rm(root, { recursive: true, force: true }));

test('everything is there, and nothing unfinished', async () => {
  expect(exported.leftOut).toEqual([]);
  expect((await readdir(out)).toSorted()).toEqual([
    'champion.patch',
    'report.html',
    'results.json',
    'results.tsv',
    'trials.csv',
  ]);
});

test('results.tsv has the columns, digits and words of autoresearch', async () => {
  const lines = (await readFile(path.join(out, 'results.tsv'), 'utf8')).split('\n');
  expect(lines[0]).toBe('commit\tval_bpb\tmemory_gb\tstatus\tdescription');
  expect(lines[1]).toMatch(new RegExp(`^${baseline.slice(0, 7)}\t1\\.\\d{6}\t0\\.4\tkeep\tthe starting point$`));
  expect(lines[2]).toMatch(/^[0-9a-f]{7}\t1\.\d{6}\t0\.4\tkeep\ttwice the learning rate$/);
  expect(lines[4]).toMatch(/^[0-9a-f]{7}\t0\.000000\t0\.0\tcrash\ta crash$/);
  expect(lines[5]).toMatch(/^[0-9a-f]{7}\t\t0\.4\tdiscard\ta look into the future$/);
  expect(lines[6]).toBe('0000000\t0.000000\t0.0\tcrash\tboth at once');
  expect(lines).toHaveLength(9);
  expect(lines.at(-1)).toBe('');
});

test('a tab or line end in a hypothesis can not break results.tsv', async () => {
  const { state } = await smallCampaign({ ideas: [{ statement: 'a\tb\r\nc', effect: -1 }], task: { metric: 'loss' } });
  const text = resultsTsv(state, new Map([[experimentId(1), 3.26 * 2 ** 30]]));
  expect(text).toMatch(/\t3\.3\tdiscard\ta b c\n$/);
  expect(text).toMatch(/^commit\tloss\t/);
});

test('champion.patch turns the starting files into the champion by git apply', async () => {
  const copy = path.join(root, 'copy');
  await mkdir(copy);
  for (const [file, content] of startingFiles()) await writeFile(path.join(copy, file), content);
  execFileSync('git', ['apply', path.join(out, 'champion.patch')], {
    cwd: copy,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: root },
  });
  const text = await readFile(path.join(copy, 'train.py'), 'utf8');
  expect(text).toContain('setting_3 = 100  # idea 1');
  expect(text).toContain('setting_18 = 600  # idea 6');
});

test('trials.csv has every attempt, failed ones too, with its seed', async () => {
  const text = await readFile(path.join(out, 'trials.csv'), 'utf8');
  const lines = text.trimEnd().split('\r\n');
  expect(`${lines[0]}\r\n`).toBe(TRIALS_CSV_HEADER);
  expect(lines.filter((line) => line.includes(',failed,')).length).toBe(2);
  expect(lines[1]).toMatch(/^e0,t1,1,baseline,candidate,1,\d+,[0-9a-f]{40},succeeded,1\.\d+,/);
});

test('cells with quotes, commas and line ends are quoted, and words never become a formula', () => {
  const row = {
    experiment: experimentId(1),
    trial: 't1',
    stage: 'screen',
    arm: 'candidate',
    pair: 1,
    seed: 5,
    candidate: 'abc',
    status: 'failed',
  } as never;
  expect(trialCsvLine({ ...(row as object), reason: 'said "no", twice\nor more' } as never)).toContain(
    ',"said ""no"", twice\nor more",',
  );
  expect(trialCsvLine({ ...(row as object), reason: '=1+1' } as never)).toContain(",'=1+1,");
  expect(trialCsvLine({ ...(row as object), value: -0.5 } as never)).toContain(',-0.5,');
});

test('results.json is the document that assay results --json prints', async () => {
  const document = JSON.parse(await readFile(path.join(out, 'results.json'), 'utf8')) as {
    schema: string;
    experiments: { experiment: string }[];
  };
  expect(document.schema).toBe('assay.results.v1');
  expect(document.experiments).toHaveLength(8);
});
