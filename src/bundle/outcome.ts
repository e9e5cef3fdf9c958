import { copyFile, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { UserError } from '../errors.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { assayVersion } from '../engine/version.ts';
import { listGpus } from '../executor/local/gpus.ts';
import { fileDigest } from '../task/environment/carried-data.ts';
import { campaignEntries, leavingMark } from './whole-campaign.ts';

const OUTCOME_FILE = 'outcome.json';
/** Below an outcome folder: the campaign's. */
export const CAMPAIGN_PART = 'campaign';

/** What came of a campaign elsewhere: this beside the campaign's own files. */
export interface Outcome {
  readonly schema: 'assay.outcome.v1';
  readonly campaign: string;
  readonly devices: readonly string[];
  readonly sandboxes: readonly string[];
  readonly assayVersion: string;
  /** Of the machine that wrote it. */
  readonly machine: {
    readonly system: string;
    readonly processor: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly gpus: readonly string[];
    readonly node: string;
  };
  /** SHA-256 by path below `campaign/`: a damaged transfer is noticed. It proves nothing of who measured. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Writes a whole campaign into a folder that `importCampaign` takes.
 *
 * @param out made if missing; what an earlier outcome left there is replaced.
 */
export async function writeOutcome(folder: CampaignFolder, out: string): Promise<Outcome> {
  const entries = await campaignEntries(folder, CAMPAIGN_PART, { record: true });
  const mark = await leavingMark(folder);
  await rm(path.join(out, OUTCOME_FILE), { force: true });
  await rm(path.join(out, CAMPAIGN_PART), { recursive: true, force: true });
  const files: Record<string, string> = {};
  for (const entry of entries) {
    if (!('from' in entry)) continue;
    const target = path.join(out, entry.to);
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(entry.from, target);
    await chmod(target, entry.mode | 0o600);
    files[path.posix.relative(CAMPAIGN_PART, entry.to)] = await fileDigest(target);
  }
  const outcome: Outcome = {
    schema: 'assay.outcome.v1',
    campaign: folder.name,
    devices: mark.devices,
    sandboxes: mark.sandboxes,
    assayVersion: assayVersion(),
    machine: {
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      processor: os.cpus()[0]?.model ?? 'unknown',
      cores: os.availableParallelism(),
      memoryBytes: os.totalmem(),
      gpus: (await listGpus()).map(({ name }) => name),
      node: process.versions.node,
    },
    files,
  };
  // Last: without it the folder is no outcome.
  await writeFile(path.join(out, OUTCOME_FILE), `${JSON.stringify(outcome, undefined, 2)}\n`);
  return outcome;
}

const document: z.ZodType<Outcome> = z.object({
  schema: z.literal('assay.outcome.v1'),
  campaign: z.string(),
  devices: z.array(z.string()),
  sandboxes: z.array(z.string()),
  assayVersion: z.string(),
  machine: z.object({
    system: z.string(),
    processor: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    gpus: z.array(z.string()),
    node: z.string(),
  }),
  files: z.record(z.string(), z.string()),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws UserError `import-missing`, `import-damaged`. */
export async function readOutcome(from: string): Promise<Outcome> {
  const file = path.join(from, OUTCOME_FILE);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new UserError(
      'import-missing',
      `there is no ${OUTCOME_FILE} in ${from}`,
      "give the folder that a bundle's run.sh left, or one of: assay export --whole --out <folder>",
    );
  }
  const parsed = document.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UserError('import-damaged', `${file} is not what Assay writes`, 'bring the folder over again');
}
