import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { campaignFolder } from '../engine/campaign-folder.ts';
import { keptCampaign, longer, noOperation, type KeptCampaign } from '../engine/reproduce/kept-campaign.fixture.ts';
import { requireSameDevice } from '../engine/imported.ts';
import { runSession } from '../engine/session.ts';
import { fileDigest } from '../task/environment/carried-data.ts';
import { temporaryFolder } from '../task/load-task.fixture.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { EventRecord } from '../store/store.ts';
import { importCampaign } from './import-campaign.ts';
import { writeOutcome, type Outcome } from './outcome.ts';

async function exported(out: string): Promise<KeptCampaign> {
  const kept = await keptCampaign([{ change: longer }, { change: noOperation }]);
  const attempt = path.join(kept.folder.attempts, 'token');
  mkdirSync(path.join(attempt, 'workspace'), { recursive: true });
  writeFileSync(path.join(attempt, 'exit.json'), '{}');
  writeFileSync(path.join(attempt, 'workspace', 'left'), 'by a candidate');
  await writeOutcome(kept.folder, out);
  return kept;
}

async function recordsOf(log: string): Promise<EventRecord[]> {
  await using store = await openSqliteStore(log);
  const records: EventRecord[] = [];
  for await (const record of store.read()) records.push(record);
  return records;
}

test('what an import that was killed left behind is gone with the next one; one that may still run is left alone', async () => {
  await using folder = await temporaryFolder();
  const out = path.join(folder.path, 'outcome');
  await using _ = await exported(out);
  const home = path.dirname(campaignFolder(folder.path, 'kept').root);
  const [old, fresh] = ['.import-1', '.import-2'].map((name) => path.join(home, name));
  for (const draft of [old, fresh]) mkdirSync(path.join(draft ?? '', 'candidates'), { recursive: true });
  utimesSync(old ?? '', 0, Date.now() / 1000 - 4000);
  await importCampaign(folder.path, out);
  expect(readdirSync(home).toSorted()).toEqual(['.import-2', 'kept']);
});

test('a campaign comes over whole: every event with its time, every commit, the secret, and where it was measured', async () => {
  await using folder = await temporaryFolder();
  const out = path.join(folder.path, 'outcome');
  await using kept = await exported(out);
  // Settings of the other machine's repository must not reach git here.
  writeFileSync(path.join(kept.folder.candidates, 'config'), '[core]\n\tfsmonitor = touch /tmp/owned\n');
  const report = await importCampaign(folder.path, out);
  const { folder: taken, imported } = report;
  expect(taken).toEqual(campaignFolder(folder.path, 'kept'));
  expect(await recordsOf(taken.log)).toEqual(await kept.records());
  expect(readFileSync(taken.secret)).toEqual(readFileSync(kept.folder.secret));
  expect(statSync(taken.secret).mode & 0o777).toBe(0o600);
  expect(imported).toMatchObject({ devices: ['another machine'], sandboxes: ['bubblewrap'] });
  expect(report).toMatchObject({ candidates: 3, remarks: [] });
  // Over absolute paths of the other machine: kept, it would make every reproduction here undecided.
  expect(existsSync(taken.integrity)).toBe(false);
  expect(readFileSync(path.join(taken.candidates, 'config'), 'utf8')).not.toContain('fsmonitor');
  expect(existsSync(path.join(taken.attempts, 'token', 'exit.json'))).toBe(true);
  expect(existsSync(path.join(taken.attempts, 'token', 'workspace'))).toBe(false);
  expect(readdirSync(path.dirname(taken.root))).toEqual(['kept']);
  await expect(importCampaign(folder.path, out)).rejects.toMatchObject({ code: 'campaign-exists' });
});

type Damage = (campaign: string) => void;

const DAMAGE: Readonly<Record<string, Damage>> = {
  'a changed file': (campaign) => appendFileSync(path.join(campaign, 'task', 'train.py'), '#\n'),
  'a changed event': (campaign) =>
    changeLog(campaign, `UPDATE event SET data = replace(data, '"kept"', '"kepT"') WHERE seq = 1`),
  'a missing file': (campaign) => rmSync(path.join(campaign, 'task', 'train.py')),
  'an added file': (campaign) => writeFileSync(path.join(campaign, 'task', 'more.py'), ''),
  'no log': (campaign) => rmSync(path.join(campaign, 'log.db')),
  'no campaign': (campaign) => rmSync(campaign, { recursive: true }),
};

test.each(Object.entries(DAMAGE))('%s is refused, and nothing is left', async (_name, damage) => {
  await using folder = await temporaryFolder();
  const out = path.join(folder.path, 'outcome');
  await using _ = await exported(out);
  damage(path.join(out, 'campaign'));
  await expect(importCampaign(folder.path, out)).rejects.toMatchObject({ code: 'import-damaged' });
  expect(existsSync(path.join(folder.path, '.assay', 'kept'))).toBe(false);
  expect(existsSync(path.join(folder.path, '.assay')) ? readdirSync(path.join(folder.path, '.assay')) : []).toEqual([]);
});

/** As somebody would who knows how the list of files is made. */
const CONSISTENT: Readonly<Record<string, Damage>> = {
  'a log that is no log': (campaign) => writeFileSync(path.join(campaign, 'log.db'), 'no'.repeat(5000)),
  'a log without one of its events': (campaign) => changeLog(campaign, 'DELETE FROM event WHERE seq = 4'),
  'a candidate that the log does not know by this tree': (campaign) =>
    changeLog(
      campaign,
      `UPDATE event SET data = json_set(data, '$.tree', '${'0'.repeat(40)}') WHERE data LIKE '%"experiment.implemented"%'`,
    ),
  'a changed candidate': (campaign) => changeBlob(path.join(campaign, 'candidates.git', 'objects')),
  'no commits': (campaign) => rmSync(path.join(campaign, 'candidates.git', 'objects'), { recursive: true }),
  'a forged record of integrity': (campaign) =>
    writeFileSync(path.join(campaign, 'integrity.json'), JSON.stringify({ digests: {}, mac: '00' })),
  'another secret': (campaign) => writeFileSync(path.join(campaign, 'secret'), 'hi\n'),
  'no task': (campaign) => rmSync(path.join(campaign, 'task'), { recursive: true }),
  'a mark that is none': (campaign) => writeFileSync(path.join(campaign, 'imported.json'), 'null'),
  'an event of another kind': (campaign) =>
    changeLog(campaign, `UPDATE event SET data = json_set(data, '$.type', 'coffee.made') WHERE seq = 4`),
};

test.each(Object.entries(CONSISTENT))('%s is refused although the list of files fits', async (_name, damage) => {
  await using folder = await temporaryFolder();
  const out = path.join(folder.path, 'outcome');
  await using _ = await exported(out);
  damage(path.join(out, 'campaign'));
  await listAgain(out);
  // In words of what came over, not of our copy of it.
  const said = { code: 'import-damaged', message: expect.not.stringContaining('.import-') };
  await expect(importCampaign(folder.path, out)).rejects.toMatchObject(said);
  expect(readdirSync(path.join(folder.path, '.assay'))).toEqual([]);
});

/** Past the triggers that keep a log append-only. */
function changeLog(campaign: string, statement: string): void {
  const log = new DatabaseSync(path.join(campaign, 'log.db'));
  for (const { name } of log.prepare(`SELECT name FROM sqlite_master WHERE type = 'trigger'`).all())
    log.exec(`DROP TRIGGER "${String(name)}"`);
  expect(log.prepare(statement).run().changes).toBeGreaterThan(0);
  log.close();
}

/** The largest object gets another byte in the middle. */
function changeBlob(objects: string): void {
  const files = readdirSync(objects, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const [largest = ''] = files
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort((left, right) => statSync(right).size - statSync(left).size);
  const content = readFileSync(largest);
  const middle = content.length >> 1;
  content[middle] = (content[middle] ?? 0) ^ 0xff;
  rmSync(largest);
  writeFileSync(largest, content);
}

async function listAgain(out: string): Promise<void> {
  const file = path.join(out, 'outcome.json');
  const outcome = JSON.parse(readFileSync(file, 'utf8')) as Outcome;
  const names = readdirSync(path.join(out, 'campaign'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const files: Record<string, string> = {};
  for (const name of names) files[path.relative(path.join(out, 'campaign'), name)] = await fileDigest(name);
  writeFileSync(file, JSON.stringify({ ...outcome, files }));
}

test('a link is refused, and so is a name that leads out', async () => {
  await using folder = await temporaryFolder();
  const out = path.join(folder.path, 'outcome');
  await using _ = await exported(out);
  symlinkSync('/etc/passwd', path.join(out, 'campaign', 'task', 'link'));
  await expect(importCampaign(folder.path, out)).rejects.toMatchObject({ code: 'import-unsafe' });
  rmSync(path.join(out, 'campaign', 'task', 'link'));
  const file = path.join(out, 'outcome.json');
  const outcome = JSON.parse(readFileSync(file, 'utf8')) as Outcome;
  writeFileSync(file, JSON.stringify({ ...outcome, files: { ...outcome.files, '../../x': '' } }));
  await expect(importCampaign(folder.path, out)).rejects.toMatchObject({ code: 'import-damaged' });
  writeFileSync(file, JSON.stringify({ ...outcome, campaign: '../x' }));
  await expect(importCampaign(folder.path, out)).rejects.toMatchObject({ code: 'campaign-name' });
});

test.each([
  ['no files', { files: null }],
  ['files that are numbers', { files: { 'log.db': 5 } }],
  ['no machine', { machine: undefined }],
  ['GPUs that are no list', { machine: { system: 's', processor: 'p', cores: 1, memoryBytes: 1, gpus: 5, node: '1' } }],
  ['another schema', { schema: 'assay.outcome.v9' }],
])('an outcome with %s is refused before anything is read', async (_name, garbage) => {
  await using folder = await temporaryFolder();
  const out = path.join(folder.path, 'outcome');
  await using _ = await exported(out);
  const file = path.join(out, 'outcome.json');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as Outcome), ...garbage }));
  await expect(importCampaign(folder.path, out)).rejects.toMatchObject({ code: 'import-damaged' });
  expect(existsSync(path.join(folder.path, '.assay'))).toBe(false);
});

test('a folder that is no outcome is said to be none', async () => {
  await using folder = await temporaryFolder();
  await expect(importCampaign(folder.path, folder.path)).rejects.toMatchObject({ code: 'import-missing' });
});

test('an imported campaign goes on only on the device it was measured on, or when the change is accepted', async () => {
  await using folder = await temporaryFolder();
  const out = path.join(folder.path, 'outcome');
  await using kept = await exported(out);
  const { folder: taken } = await importCampaign(folder.path, out);
  const signal = new AbortController().signal;
  await expect(runSession({ folder: taken, slots: 1 }, { stop: signal, abort: signal })).rejects.toMatchObject({
    code: 'campaign-elsewhere',
  });
  // Nothing was written: the device of the last engine is still the right one.
  expect(await recordsOf(taken.log)).toEqual(await kept.records());
  const check = (device: string, accept: boolean): Promise<string | undefined> =>
    requireSameDevice(taken, device, { accept });
  expect(await check('another machine', false)).toBeUndefined();
  expect(await check('a third one', true)).toContain("measured on 'another machine', and this is 'a third one'");
  expect(await requireSameDevice(kept.folder, 'a third one', { accept: false })).toBeUndefined();
  writeFileSync(taken.imported, 'nonsense');
  await expect(check('another machine', false)).rejects.toMatchObject({ code: 'campaign-broken' });
});
