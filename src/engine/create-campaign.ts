import { randomInt } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { openCandidateRepository } from '../candidate/candidate-repository.ts';
import type { Limits } from '../domain/events.ts';
import { BASELINE_EXPERIMENT } from '../domain/ids.ts';
import { UserError } from '../errors.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { FROZEN_CHECKOUT } from '../task/task-files.ts';
import { screensApart } from '../task/screens-apart.ts';
import type { Task } from '../task/task.ts';
import { campaignFolder, createFolders, type CampaignFolder } from './campaign-folder.ts';
import { holdEngineLease } from './engine-lease.ts';
import { firstEvents } from './first-events.ts';
import { assayVersion } from './version.ts';

export interface NewCampaign {
  /** Holds `.assay`. */
  readonly directory: string;
  readonly name: string;
  readonly task: Task;
  /** One of the task's starting points. Default: its first. */
  readonly start?: string;
  readonly limits: Limits;
  /** Seed of the search's own choices. Default: drawn. */
  readonly searchSeed?: number;
}

/** Without a limit, the false-discovery budget is laid out for a campaign of so many experiments. */
const DEFAULT_EXPERIMENTS = 200;
/** The share of experiments that can be expected to pass the screen and become a test. */
const TESTED_SHARE = 0.3;
const MIN_HORIZON = 10;

/**
 * A campaign on disk, not yet running: its folder, a copy of the task, the starting point as the first candidate, the first events.
 * If it was interrupted before its first event, doing it again completes it.
 *
 * @throws UserError `campaign-exists`.
 */
export async function createCampaign(options: NewCampaign): Promise<CampaignFolder> {
  const { task, limits } = options;
  const folder = campaignFolder(options.directory, options.name);
  const start = options.start ?? task.starts[0];
  const files = task.filesFor(start);
  await createFolders(folder);
  await using store = await openSqliteStore(folder.log, { create: true });
  // Two that create at once: one waits for nobody and does it, the other is refused with words.
  await using held = await holdEngineLease(store, folder.name);
  if ((await store.lastSeq()) > 0) {
    throw new UserError(
      'campaign-exists',
      `campaign '${folder.name}' exists in ${path.dirname(folder.root)}`,
      `go on with it: assay resume ${folder.name}; or give another name with --name`,
    );
  }
  await copyTask(task, folder.task);
  await using repository = await openCandidateRepository(folder.candidates);
  const baseline = await repository.commit({
    files,
    message: `The starting point '${start}' of ${task.name}`,
    // Fixed, so that the same files give the same candidate in every campaign.
    at: 0,
    experiment: BASELINE_EXPERIMENT,
  });
  const { objective, validity } = task.spec;
  const created = {
    type: 'campaign.created',
    campaign: folder.name,
    task: {
      name: task.name,
      path: task.folder,
      hash: task.hash,
      metric: objective.metric,
      direction: objective.direction,
      start,
      ...(objective.unit === undefined ? {} : { unit: objective.unit }),
      ...(validity.holdoutMetric === undefined ? {} : { holdoutMetric: validity.holdoutMetric }),
      ...(screensApart(task.spec) ? { screensApart: true } : {}),
    },
    baseline,
    limits,
    searchSeed: options.searchSeed ?? randomInt(2 ** 31),
    testHorizon: Math.max(MIN_HORIZON, Math.ceil((limits.experiments ?? DEFAULT_EXPERIMENTS) * TESTED_SHARE)),
    assayVersion: assayVersion(),
  } as const;
  await store.append(firstEvents(created, await repository.treeOf(baseline)), held.lease);
  return folder;
}

/** What is not part of a task, and may be large. */
const NOT_COPIED = new Set(['.assay', '.git', 'node_modules', '__pycache__', '.venv']);

async function copyTask(task: Task, target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await cp(task.folder, target, {
    recursive: true,
    filter: (source) => !NOT_COPIED.has(path.basename(source)),
  });
  if (task.spec.source === undefined) return;
  await freezeCheckout(task, path.join(target, FROZEN_CHECKOUT));
  // A relative path would lead elsewhere from here; the place of a checkout is no part of a task's hash.
  const file = path.join(target, path.basename(task.file));
  const yaml = parseDocument(await readFile(file, 'utf8'));
  yaml.setIn(['source', 'checkout'], path.resolve(task.folder, task.spec.source.checkout));
  await writeFile(file, yaml.toString({ lineWidth: 0 }));
}

/** The campaign goes on with the files as they were, whatever becomes of the checkout. */
async function freezeCheckout(task: Task, target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await mkdir(target);
  for (const file of task.files.filter(({ ofCheckout }) => ofCheckout === true)) {
    const place = path.join(target, file.path);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, file.content);
  }
}
