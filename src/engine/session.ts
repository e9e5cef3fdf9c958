import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import type { AssayEvent, Limits } from '../domain/events.ts';
import type { CampaignState } from '../domain/state.ts';
import type { Proposer } from '../proposer/proposer.ts';
import { createSearchProposer } from '../proposer/search/search-proposer.ts';
import { taskSearchSpace } from '../proposer/search/task-search-space.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { loadTask } from '../task/load-task.ts';
import type { Task } from '../task/task.ts';
import { decides } from '../audit/catalogue/catalogue.ts';
import type { Integrity } from '../audit/environment/open-integrity.ts';
import { commandModel, modelCommandOf } from '../audit/comparability/command-model.ts';
import { taskWordsOf } from '../audit/comparability/judge-comparability.ts';
import { drawnGuards } from '../audit/red-team/choose-guards.ts';
import type { GuardSource } from '../audit/red-team/guard-source.ts';
import { loadFragments } from '../audit/red-team/load-fragments.ts';
import { describeError, UserError } from '../errors.ts';
import type { CampaignFolder } from './campaign-folder.ts';
import { readSecret } from './campaign-folder.ts';
import { phasesAt } from '../judge/judge-task.ts';
import { CampaignLog, type EventObserver } from './campaign-log.ts';
import { Engine, type EngineControls, type EngineExit } from './engine.ts';
import { sessionGuards } from './guards/session-guards.ts';
import { holdEngineLease } from './engine-lease.ts';
import { requireSameDevice } from './imported.ts';
import { loadState } from './load-state.ts';
import { trialSeed } from './seeds.ts';
import { gateRules, judgeTask } from './task-rules.ts';
import { openTrialParts, type MachineOptions } from './trial-parts.ts';
import { assayVersion } from './version.ts';
import type { ChangeParts } from './workshop/change-files.ts';
import { createWorkshop } from './workshop/repository-workshop.ts';

export interface SessionOptions extends MachineOptions {
  readonly folder: CampaignFolder;
  /** More budget, as new totals. */
  readonly limits?: Limits;
  readonly observe?: EventObserver;
  /** Once everything is set up, before the first trial. */
  readonly ready?: (state: CampaignState) => void;
  /** For experiments on the engine itself. Default: the search that needs no key. */
  readonly proposer?: Proposer;
  /** Goes on with environment, data, judge and device as they are now, though the campaign began with others. The log says so. */
  readonly acceptChanges?: boolean;
  /** Default: a few of the red team's exploits and controls in every batch, drawn from the campaign's secret. */
  readonly guards?: GuardSource;
}

/**
 * Runs a campaign from where its log stands until it is finished or asked to stop. Everything that it opens it closes.
 *
 * @throws UserError when another engine runs it, or when it can't go on.
 */
export async function runSession(options: SessionOptions, controls: EngineControls): Promise<EngineExit> {
  const { folder } = options;
  await using store = await openSqliteStore(folder.log);
  const { state, snapshotSeq } = await loadState(store);
  await using held = await holdEngineLease(store, folder.name);
  // What another engine wrote between our reading and our lease.
  const { state: current, snapshotSeq: currentSnapshot } =
    (await store.lastSeq()) === state.seq ? { state, snapshotSeq } : await loadState(store);
  requireWhole(folder);
  const task = await loadTask(folder.task);
  const secret = await readSecret(folder);
  await using parts = await openTrialParts({
    task,
    start: current.task.start,
    candidates: folder.candidates,
    attempts: folder.attempts,
    secret,
    ...options,
    signal: AbortSignal.any([controls.stop, controls.abort]),
  });
  const { repository, executor, judge, python, auditTrial } = parts;
  const mixed = await requireSameDevice(folder, executor.device, { accept: options.acceptChanges === true });
  const { start } = current.task;
  const guards =
    options.guards ??
    drawnGuards({ task, start, fragments: await loadFragments(), sandbox: executor.sandbox }, secret, decides);
  const hadRecord = existsSync(folder.integrity);
  if (options.acceptChanges === true) await rm(folder.integrity, { force: true });
  const integrity = await parts.openIntegrity({ file: folder.integrity, key: secret });
  if (hadRecord) await requireUnchanged(integrity);
  const log = new CampaignLog({
    store,
    lease: held.lease,
    state: current,
    snapshotSeq: currentSnapshot,
    ...(options.observe ? { observe: options.observe } : {}),
  });
  const engine = new Engine(
    {
      log,
      executor,
      judge,
      auditTrial,
      ...sessionGuards(guards, integrity, task),
      attemptsRoot: folder.attempts,
      workshop: createWorkshop({ repository, task, python, comparability: comparabilityOf(task, controls) }),
      proposer: options.proposer ?? createSearchProposer(taskSearchSpace(repository, task, python)),
      rules: gateRules(task),
      isProfiled: phasesAt(judgeTask(task, start), 'profile').length > 0,
      seedOf: (stage, pair) => trialSeed(secret, stage, pair),
      now: Date.now,
    },
    { stop: controls.stop, abort: AbortSignal.any([controls.abort, held.lost]) },
  );
  if (options.acceptChanges === true && hadRecord) await log.append([ACCEPTED]);
  if (options.limits) await log.append([{ type: 'campaign.extended', limits: options.limits }]);
  await log.append([
    {
      type: 'engine.started',
      pid: process.pid,
      host: hostname(),
      slots: executor.slots.length,
      sandbox: executor.sandbox,
      device: executor.device,
      assayVersion: assayVersion(),
    },
  ]);
  if (mixed !== undefined) await log.append([{ type: 'note.written', kind: 'warning', text: mixed }]);
  options.ready?.(log.state);
  try {
    const exit = await engine.run();
    await log.append([{ type: 'engine.stopped', reason: exit.reason }]);
    // Packing takes a core for seconds: only now, when nothing is being timed, and only when much has gathered.
    await repository.maintain();
    return exit;
  } catch (error) {
    // The log may be what broke; then there is nowhere to say it, and the error itself is enough.
    await log.append([{ type: 'engine.stopped', reason: 'failed', detail: describeError(error) }]).catch(() => {});
    throw error;
  }
}

const ACCEPTED: AssayEvent = {
  type: 'note.written',
  kind: 'warning',
  text: 'environment, data, task and judge were accepted as they are now; what was measured before was measured with others',
};

/** Before any trial: a batch that begins with other files would be void at its end. */
async function requireUnchanged(integrity: Integrity): Promise<void> {
  const changed = (await integrity.check()).filter(({ finding }) => finding === 'fired');
  if (changed.length === 0) return;
  throw new UserError(
    'files-changed',
    `this campaign began with other files: ${changed.map(({ audit, detail }) => `${audit}: ${detail}`).join('; ')}`,
    'an update of Assay or of a package does this. Go back to the old ones, or go on with what is there now: assay resume --accept-changes',
  );
}

/** The model that the user has named, if any. */
function comparabilityOf(task: Task, controls: EngineControls): ChangeParts['comparability'] {
  const command = modelCommandOf(process.env);
  const signal = AbortSignal.any([controls.stop, controls.abort]);
  return command && { ask: commandModel(command), task: taskWordsOf(task), signal };
}

/** Making what is missing anew would go on with another campaign under the same name. */
function requireWhole(folder: CampaignFolder): void {
  for (const part of [path.join(folder.candidates, 'HEAD'), folder.task]) {
    if (existsSync(part)) continue;
    throw new UserError(
      'campaign-broken',
      `the campaign's folder is not whole: ${part} is missing`,
      'restore it from a backup; what the log holds can still be read (assay results, assay log)',
    );
  }
}
