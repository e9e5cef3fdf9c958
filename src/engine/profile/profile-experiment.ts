import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExperimentId } from '../../domain/ids.ts';
import { profileLines, type Profile } from '../../domain/profile.ts';
import { experimentOf, type CampaignState } from '../../domain/state.ts';
import type { SandboxKind } from '../../domain/trial.ts';
import { UserError } from '../../errors.ts';
import type { AttemptEnd } from '../../executor/executor.ts';
import { phasesAt } from '../../judge/judge-task.ts';
import type { RunContext } from '../../judge/judge.ts';
import type { CampaignFolder } from '../campaign-folder.ts';
import { openCleanRoom, type CleanRoom } from '../reproduce/clean-room.ts';
import { treesOf } from '../reproduce/subject.ts';
import { visitCampaign } from '../reproduce/visit.ts';
import { judgeTask } from '../task-rules.ts';
import type { MachineOptions } from '../trial-parts.ts';
import { profileOfRun } from './profile-of-run.ts';

export interface ProfileOptions extends MachineOptions {
  readonly folder: CampaignFolder;
  readonly choose: (state: CampaignState) => ExperimentId;
  /** Nothing is written to the log, so it may run beside an engine. */
  readonly dry?: boolean;
  readonly signal: AbortSignal;
}

export interface ProfileReport {
  readonly campaign: string;
  readonly experiment: ExperimentId;
  readonly candidate: string;
  readonly profile: Profile;
  readonly lines: readonly string[];
  readonly device: string;
  readonly sandbox: SandboxKind;
  readonly isRecorded: boolean;
}

/**
 * Runs the phases of the stage 'profile' on an experiment's commit, in a clean room, and keeps what they left: no trial, no result, part
 * of no verdict. The candidate's own process writes it, so it is a claim.
 *
 * @throws UserError `profile-…` when the task has no such phase, the experiment no commit, or the run left nothing that can be read.
 */
export async function profileExperiment(options: ProfileOptions): Promise<ProfileReport> {
  const { folder, dry = false } = options;
  await using visit = await visitCampaign(folder, { readOnly: dry });
  const { state } = visit;
  const id = options.choose(state);
  const { candidate, proposal } = experimentOf(state, id);
  if (!candidate || proposal.operator === 'guard') {
    const why = candidate ? 'it is a guard' : 'the log has no commit of it';
    throw new UserError(
      'profile-unfit',
      `${id} can't be profiled: ${why}`,
      'profile the champion: assay profile champion',
    );
  }
  await using room = await openCleanRoom({
    ...options,
    slots: 1,
    task: state.task,
    candidates: await treesOf(visit.store, [candidate]),
  });
  const phases = phasesAt(judgeTask(room.task, state.task.start), 'profile');
  if (phases.length === 0) {
    throw new UserError(
      'profile-none',
      `the task ${state.task.name} has no phase of the stage 'profile'`,
      "give it one with 'stages: [profile]' that leaves profile.json in {output}; see docs/architecture/proposer.md",
    );
  }
  const signal = AbortSignal.any([options.signal, visit.lost]);
  const { executor } = room.parts;
  const context: RunContext = {
    plan: {
      candidate: room.here(candidate),
      stage: 'profile',
      seed: randomInt(2 ** 31),
    },
    token: `profile-${id}`,
    slot: executor.slots[0]?.index ?? 0,
    directory: path.join(room.attemptsRoot, `profile-${id}`),
  };
  const end = await runToItsEnd(room, context, signal);
  const found = await profileOfRun(context.directory, end);
  if (found.kind === 'unread')
    throw new UserError('profile-failed', `${id} gave no profile: ${found.reason}`, 'nothing was written');
  const { profile } = found;
  const { device, sandbox } = executor;
  if (!dry)
    await visit.write(
      [{ type: 'experiment.profiled', experiment: id, device, profile }],
      executor,
      `assay profile ${id}`,
    );
  const facts = { campaign: state.campaign, experiment: id, candidate, profile, lines: profileLines(profile) };
  return { ...facts, device, sandbox, isRecorded: !dry };
}

async function runToItsEnd({ parts }: CleanRoom, context: RunContext, signal: AbortSignal): Promise<AttemptEnd> {
  const { executor, judge } = parts;
  signal.throwIfAborted();
  await mkdir(context.directory, { recursive: true });
  const handle = await executor.submit(await judge.prepare(context));
  const onAbort = (): void => void executor.cancel(handle).catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const end = await executor.ended(handle);
    signal.throwIfAborted();
    return end;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
