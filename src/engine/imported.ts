import { readFile, writeFile } from 'node:fs/promises';
import { systemErrorCode, UserError } from '../errors.ts';
import type { SandboxKind } from '../domain/trial.ts';
import type { CampaignFolder } from './campaign-folder.ts';

/** Beside a campaign that came from another place: what its numbers were measured with. */
export interface Imported {
  readonly schema: 'assay.imported.v1';
  /** Every device that an engine of it ran on, the last one last. */
  readonly devices: readonly string[];
  readonly sandboxes: readonly SandboxKind[];
  readonly assayVersion: string;
}

/** Undefined: the campaign was made here. @throws UserError `campaign-broken`: where it was measured must not be forgotten. */
export async function readImported(folder: Pick<CampaignFolder, 'imported'>): Promise<Imported | undefined> {
  try {
    const imported = JSON.parse(await readFile(folder.imported, 'utf8')) as Imported;
    if (imported.schema === 'assay.imported.v1' && Array.isArray(imported.devices)) return imported;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
  }
  throw new UserError('campaign-broken', `${folder.imported} can't be read`, 'import the campaign again');
}

export async function writeImported(folder: Pick<CampaignFolder, 'imported'>, imported: Imported): Promise<void> {
  await writeFile(folder.imported, `${JSON.stringify(imported, undefined, 2)}\n`);
}

/**
 * Numbers never cross machines: a campaign that came from elsewhere goes on only on the device it was measured on.
 *
 * @returns what has to be written into the log when it goes on all the same.
 * @throws UserError `campaign-elsewhere`.
 */
export async function requireSameDevice(
  folder: Pick<CampaignFolder, 'imported' | 'name'>,
  here: string,
  options: { readonly accept: boolean },
): Promise<string | undefined> {
  const device = (await readImported(folder))?.devices.at(-1);
  if (device === undefined || device === here) return undefined;
  const words = `campaign ${folder.name} was measured on '${device}', and this is '${here}'`;
  if (options.accept)
    return `${words}: it goes on all the same (--accept-changes), and its numbers are of several devices`;
  throw new UserError(
    'campaign-elsewhere',
    `${words}: its baseline and its noise say nothing here`,
    `check its findings here with: assay reproduce champion ${folder.name}; to mix the numbers all the same: assay resume ${folder.name} --accept-changes`,
  );
}
