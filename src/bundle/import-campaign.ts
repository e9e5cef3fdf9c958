import { chmod, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { readRecord } from '../audit/environment/campaign-record.ts';
import { openCandidateRepository } from '../candidate/candidate-repository.ts';
import { gitRunner } from '../candidate/git-command.ts';
import { describeError, systemErrorCode, UserError } from '../errors.ts';
import { campaignFolder, campaignsHome, readSecret, type CampaignFolder } from '../engine/campaign-folder.ts';
import { type Imported, readImported, writeImported } from '../engine/imported.ts';
import { loadState } from '../engine/load-state.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { EventRecord, Store } from '../store/store.ts';
import { fileDigest } from '../task/environment/carried-data.ts';
import { loadTask } from '../task/load-task.ts';
import { CAMPAIGN_PART, readOutcome, type Outcome } from './outcome.ts';
import { measuredWith, plainFilesBelow, REPOSITORY_PARTS } from './whole-campaign.ts';

export interface ImportReport {
  readonly folder: CampaignFolder;
  readonly imported: Imported;
  readonly machine: Outcome['machine'];
  readonly events: number;
  readonly candidates: number;
  /** What a reader of the numbers has to know. */
  readonly remarks: readonly string[];
}

/** What an import is called until it is whole. One that is older than this was killed. */
const DRAFT = '.import-';
const OLD_DRAFT_MS = 3_600_000;

/** Events that are appended at once. */
const BATCH = 1000;

/**
 * Takes a campaign that came back into `<directory>/.assay`. It is checked in full in a folder of its own and appears whole or not at all.
 *
 * Nothing of the other machine is trusted to be more than data: the log is written anew, event by event, and the repository gets
 * settings of our own.
 *
 * @throws UserError `import-…`, `campaign-exists`.
 */
export async function importCampaign(directory: string, from: string): Promise<ImportReport> {
  const outcome = await readOutcome(from);
  const folder = campaignFolder(directory, outcome.campaign);
  const exists = (): UserError =>
    new UserError(
      'campaign-exists',
      `campaign '${folder.name}' exists in ${campaignsHome(directory)}, and nothing is written over`,
      'give another place: assay --directory <folder> import …',
    );
  if (await stat(folder.root).catch(() => undefined)) throw exists();
  const source = path.join(path.resolve(from), CAMPAIGN_PART);
  await requireSameFiles(source, outcome);
  // A name that can be no campaign's, so nobody takes what is half there for one.
  const draft = stagingFolder(folder, `${DRAFT}${process.pid}`);
  await removeOldDrafts(path.dirname(draft.root));
  try {
    await rm(draft.root, { recursive: true, force: true });
    const report = await takeIn(source, draft, outcome).catch((error: unknown) => {
      throw inWordsOf(source, draft, error);
    });
    await rename(draft.root, folder.root).catch((error: unknown) => {
      // Another import was faster.
      throw ['ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '') ? exists() : error;
    });
    return { ...report, folder };
  } finally {
    await rm(draft.root, { recursive: true, force: true });
  }
}

async function removeOldDrafts(home: string): Promise<void> {
  for (const name of await readdir(home).catch(() => [])) {
    if (!name.startsWith(DRAFT)) continue;
    const draft = path.join(home, name);
    const facts = await stat(draft).catch(() => undefined);
    if (facts && Date.now() - facts.mtimeMs > OLD_DRAFT_MS) await rm(draft, { recursive: true, force: true });
  }
}

/** What is wrong with the copy is wrong with what came over: nobody has ever seen the copy, nor can mend it. */
function inWordsOf(source: string, draft: CampaignFolder, error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  const what = error.message.replaceAll(draft.root, source);
  return error.code === 'import-damaged'
    ? new UserError(error.code, what, error.hint, { cause: error })
    : damaged(what, error);
}

function stagingFolder(folder: CampaignFolder, name: string): CampaignFolder {
  const root = path.join(path.dirname(folder.root), name);
  const moved = Object.entries(folder).map(([key, value]: [string, string]) => [
    key,
    key === 'name' ? value : path.join(root, path.relative(folder.root, value)),
  ]);
  return Object.fromEntries(moved) as CampaignFolder;
}

async function requireSameFiles(source: string, outcome: Outcome): Promise<void> {
  const expected = Object.entries(outcome.files);
  const found = new Set(await plainFilesBelow(source).catch(rethrowMissing(source)));
  for (const [name, digest] of expected) {
    if (!found.delete(name)) throw damaged(`${name} is missing`);
    if ((await fileDigest(path.join(source, name))) !== digest) throw damaged(`${name} is not what was written`);
  }
  const [extra] = found;
  if (extra !== undefined) throw damaged(`${extra} was added`);
}

function rethrowMissing(source: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof UserError) throw error;
    throw damaged(`${source} can't be read: ${describeError(error)}`);
  };
}

async function takeIn(source: string, draft: CampaignFolder, outcome: Outcome): Promise<Omit<ImportReport, 'folder'>> {
  await mkdir(draft.root, { recursive: true });
  for (const name of Object.keys(outcome.files)) {
    const [top = '', second = ''] = name.split('/');
    if (name === 'log.db' || (top === 'candidates.git' && !REPOSITORY_PARTS.includes(second))) continue;
    // Objects of another repository would be read from wherever it says.
    if (name.startsWith('candidates.git/objects/info/')) continue;
    const target = path.join(draft.root, name);
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(path.join(source, name), target);
  }
  await mkdir(draft.attempts, { recursive: true });
  await mkdir(draft.report, { recursive: true });
  await chmod(draft.secret, 0o600).catch(() => {
    throw damaged('its secret is missing');
  });
  const secret = await readSecret(draft);
  const remarks: string[] = [];
  // Opened where it may be written beside: SQLite recovers a log that was cut off.
  const foreign = path.join(draft.root, 'foreign.db');
  await copyFile(path.join(source, 'log.db'), foreign).catch(() => {
    throw damaged('its log is missing');
  });
  const events = await rewriteLog(foreign, draft.log);
  for (const suffix of ['', '-wal', '-shm']) await rm(`${foreign}${suffix}`, { force: true });
  await using store = await openSqliteStore(draft.log);
  const { state } = await loadState(store).catch((error: unknown) => {
    throw damaged(`its log tells no campaign: ${describeError(error)}`);
  });
  if (state.campaign !== outcome.campaign) throw damaged(`its log is of campaign ${state.campaign}`);
  const candidates = await requireCandidates(store, draft.candidates);
  const task = await loadTask(draft.task);
  if (task.hash !== state.task.hash)
    remarks.push(
      'the copy of the task is not what it was when the campaign began, or another version of Assay reads it',
    );
  const record = readRecord({ file: draft.integrity, key: secret });
  if (record.kind === 'damaged') throw damaged('integrity.json is not what was written when the campaign began');
  // Its digests are over absolute paths and owners of that machine, so nothing here can equal them. The task is held to its hash in
  // the log and candidates to their trees; an engine that goes on here begins a record of its own.
  await rm(draft.integrity, { force: true });
  const earlier = await readImported(draft);
  const imported: Imported = { schema: 'assay.imported.v1', ...(await measuredWith(store, earlier)) };
  if (imported.devices.length > 1) remarks.push(`its numbers are of several devices: ${imported.devices.join('; ')}`);
  if (imported.sandboxes.includes('process'))
    remarks.push('candidates were confined weakly there: no bubblewrap. Every verdict says so');
  await writeImported(draft, imported);
  return { imported, machine: outcome.machine, events, candidates, remarks };
}

/** Every event into a log of our own making, with its number and its time. */
async function rewriteLog(from: string, to: string): Promise<number> {
  try {
    await using old = await openSqliteStore(from);
    let at = 0;
    await using store = await openSqliteStore(to, { create: true, clock: () => at });
    let count = 0;
    let batch: EventRecord[] = [];
    const flush = async (): Promise<void> => {
      if (batch.length === 0) return;
      await store.append(batch.map(({ event }) => event));
      batch = [];
    };
    for await (const record of old.read()) {
      count += 1;
      if (record.seq !== count) throw new Error(`event ${count} is missing`);
      if (record.at < at) throw new Error(`event ${count} is older than the one before`);
      if (record.at !== at || batch.length >= BATCH) await flush();
      ({ at } = record);
      batch.push(record);
    }
    await flush();
    return count;
  } catch (error) {
    throw damaged(`its log can't be read: ${describeError(error)}`);
  }
}

/** All commits that the log speaks of are there, are whole, and hold the files that were measured. */
async function requireCandidates(store: Store, directory: string): Promise<number> {
  await using repository = await openCandidateRepository(directory);
  const checked = await gitRunner(directory)(['fsck', '--strict', '--full', '--no-dangling', '--no-progress']);
  if (checked.exitCode !== 0) throw damaged(`its repository: ${checked.stderr.split('\n', 1)[0]}`);
  let count = 0;
  for await (const { event } of store.read({ types: ['experiment.implemented'] })) {
    if (event.type !== 'experiment.implemented') continue;
    const tree = await repository.treeOf(event.candidate).catch(() => 'missing');
    if (tree !== event.tree) throw damaged(`commit ${event.candidate} of ${event.experiment} is not in its repository`);
    count += 1;
  }
  return count;
}

function damaged(what: string, cause?: unknown): UserError {
  return new UserError(
    'import-damaged',
    `the campaign did not come over whole: ${what}`,
    'bring the folder over again',
    cause === undefined ? {} : { cause },
  );
}
