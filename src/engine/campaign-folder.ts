import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeError, systemErrorCode, UserError } from '../errors.ts';

/** Where one campaign keeps everything. All of it can be rebuilt from `log.db`, `candidates.git` and `secret`. */
export interface CampaignFolder {
  readonly name: string;
  readonly root: string;
  /** The event log. */
  readonly log: string;
  /** Bare git repository of all candidates. */
  readonly candidates: string;
  /** One folder for each attempt of a trial. */
  readonly attempts: string;
  /** Root of every trial's seed; mode 600. */
  readonly secret: string;
  /** The task as it was when the campaign was created. */
  readonly task: string;
  /** What the first engine found of the environment, the data and the judge: every later one is held to it. */
  readonly integrity: string;
  /** Where it was measured, if it came from another place; see imported.ts. */
  readonly imported: string;
  /** Reports and exports. */
  readonly report: string;
}

const HOME = '.assay';

/** The folder that holds all campaigns of a project: `<directory>/.assay`. */
export function campaignsHome(directory: string): string {
  return path.join(path.resolve(directory), HOME);
}

export function campaignFolder(directory: string, name: string): CampaignFolder {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new UserError(
      'campaign-name',
      `'${name}' can't name a campaign`,
      'use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
    );
  }
  const root = path.join(campaignsHome(directory), name);
  return {
    name,
    root,
    log: path.join(root, 'log.db'),
    candidates: path.join(root, 'candidates.git'),
    attempts: path.join(root, 'attempts'),
    secret: path.join(root, 'secret'),
    task: path.join(root, 'task'),
    integrity: path.join(root, 'integrity.json'),
    imported: path.join(root, 'imported.json'),
    report: path.join(root, 'report'),
  };
}

const RED_TEAM = 'redteam-';

/** The name of a red team's campaign on a task. */
export function redTeamName(task: string, number: number): string {
  return `${RED_TEAM}${task}-${number}`;
}

/** Whether a campaign is a red team's: it attacks the audits and proposes nothing, so nobody means it who names none. */
export function isRedTeam(name: string): boolean {
  return name.startsWith(RED_TEAM);
}

/** Names of the campaigns under a directory, the one that was used last first. */
export async function listCampaigns(directory: string): Promise<readonly string[]> {
  const home = campaignsHome(directory);
  let names: string[];
  try {
    names = await readdir(home);
  } catch {
    return [];
  }
  const found: { name: string; usedAt: number }[] = [];
  for (const name of names) {
    const usedAt = await lastUse(path.join(home, name));
    if (usedAt !== undefined) found.push({ name, usedAt });
  }
  return found.sort((a, b) => b.usedAt - a.usedAt || a.name.localeCompare(b.name)).map(({ name }) => name);
}

async function lastUse(root: string): Promise<number | undefined> {
  let newest: number | undefined;
  for (const file of ['log.db', 'log.db-wal']) {
    const facts = await stat(path.join(root, file)).catch(() => undefined);
    if (facts) newest = Math.max(newest ?? 0, facts.mtimeMs);
  }
  return newest;
}

/**
 * The folder of a campaign that exists.
 *
 * @param name undefined: the one that was used last; a red team's only if there is no other.
 * @throws UserError `campaign-missing`.
 */
export async function findCampaign(directory: string, name?: string): Promise<CampaignFolder> {
  const names = await listCampaigns(directory);
  const chosen = name ?? names.find((each) => !isRedTeam(each)) ?? names[0];
  if (chosen === undefined) {
    throw new UserError(
      'campaign-missing',
      `there is no campaign in ${campaignsHome(directory)}`,
      'start one with: assay run <task>',
    );
  }
  if (!names.includes(chosen)) {
    const known =
      names.length > 0 ? `these exist: ${names.join(', ')}` : 'none exists yet; start one with: assay run <task>';
    throw new UserError('campaign-missing', `there is no campaign '${chosen}' in ${campaignsHome(directory)}`, known);
  }
  return campaignFolder(directory, chosen);
}

/** Makes the folders and the secret of a new campaign. Harmless when they exist. */
export async function createFolders(folder: CampaignFolder): Promise<void> {
  try {
    for (const directory of [folder.root, folder.attempts, folder.report]) await mkdir(directory, { recursive: true });
    if (await stat(folder.secret).catch(() => undefined)) return;
    // Whole or not at all: half a secret would be found by whoever goes on after a crash, and no seed could be drawn from it.
    const draft = `${folder.secret}.${process.pid}`;
    await writeFile(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
    await rename(draft, folder.secret);
  } catch (error) {
    throw new UserError(
      systemErrorCode(error) === 'ENOSPC' ? 'disk-full' : 'campaign-unwritable',
      `can't write the campaign's folder ${folder.root}: ${describeError(error)}`,
      'make room or give another place with --directory',
      { cause: error },
    );
  }
}

/** @throws UserError `secret-broken`: without it no seed can be drawn, and drawing from a new one would repeat or bias seeds. */
export async function readSecret(folder: CampaignFolder): Promise<Uint8Array> {
  const text = await readFile(folder.secret, 'utf8').catch(() => '');
  if (!/^[0-9a-f]{64}$/.test(text.trim())) {
    throw new UserError(
      'secret-broken',
      `${folder.secret} should hold 64 hexadecimal digits and does not`,
      'restore it from a backup; without it the campaign can be read but not continued',
    );
  }
  return Buffer.from(text.trim(), 'hex');
}
