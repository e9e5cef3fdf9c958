import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { allGuards } from '../../audit/red-team/choose-guards.ts';
import type { GuardSource } from '../../audit/red-team/guard-source.ts';
import { loadFragments } from '../../audit/red-team/load-fragments.ts';
import { openCandidateRepository } from '../../candidate/candidate-repository.ts';
import type { CandidateId, ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import { UserError } from '../../errors.ts';
import type { EventObserver } from '../campaign-log.ts';
import { listCampaigns, redTeamName, type CampaignFolder } from '../campaign-folder.ts';
import { createCampaign } from '../create-campaign.ts';
import type { EngineControls, EngineExit } from '../engine.ts';
import { runSession } from '../session.ts';
import { loadTask } from '../../task/load-task.ts';
import { suggestWord } from '../../task/nearest-word.ts';
import type { MachineOptions } from '../trial-parts.ts';

export interface AttackOptions extends MachineOptions {
  /** Holds `.assay`. */
  readonly directory: string;
  /** Folder of the task. */
  readonly task: string;
  /** Default: the task's first. */
  readonly start?: string;
  /** Ids of exploits and controls. Default: all that fit. */
  readonly only?: readonly string[];
  readonly observe?: EventObserver;
  readonly ready?: (state: CampaignState) => void;
}

export interface Attack {
  readonly folder: CampaignFolder;
  readonly exit: EngineExit;
  readonly minimumGain: number;
}

/**
 * A campaign that proposes nothing: every exploit and every honest control that fits the task, once each.
 *
 * @throws UserError `usage-…` for an id that does not fit, `red-team-…` when nothing fits.
 */
export async function attack(options: AttackOptions, controls: EngineControls): Promise<Attack> {
  const { directory, task: taskFolder, start: wished, only, ...session } = options;
  const task = await loadTask(taskFolder);
  const start = wished ?? task.starts[0];
  task.filesFor(start);
  const guards = allGuards({ task, start, fragments: await loadFragments() }, only);
  requireFitting(guards, task.name, only);
  const name = await freeName(directory, task.name);
  const folder = await createCampaign({ directory, name, task, start, limits: { experiments: 0 } });
  const exit = await runSession({ ...session, folder, guards }, controls);
  return { folder, exit, minimumGain: task.spec.validity.minimumGain };
}

function requireFitting(guards: GuardSource, task: string, only: readonly string[] | undefined): void {
  const fitting = guards.pick(1).map(({ id }) => id);
  const unknown = only?.find((id) => !fitting.includes(id));
  if (unknown !== undefined) {
    throw new UserError(
      'usage-red-team',
      `no exploit or control '${unknown}' fits the task ${task}`,
      suggestWord(unknown, fitting) ?? `see what fits with: assay redteam ${task} --list`,
    );
  }
  if (fitting.length === 0)
    throw new UserError('red-team-empty', `no exploit fits the task ${task}`, guards.unguarded ?? 'nothing was run');
}

async function freeName(directory: string, task: string): Promise<string> {
  const existing = new Set(await listCampaigns(directory));
  let number = 1;
  while (existing.has(redTeamName(task, number))) number += 1;
  return redTeamName(task, number);
}

export interface Evidence {
  readonly id: string;
  readonly experiment: ExperimentId;
  readonly candidate: CandidateId;
  /** In words, for the README beside the files. */
  readonly facts: readonly string[];
}

/** The files of what got through, and how to see it again, in a folder of its own each. @returns the folder. */
export async function writeEvidence(folder: CampaignFolder, evidence: Evidence): Promise<string> {
  const { id, candidate, facts } = evidence;
  const place = path.join(folder.report, 'got-through', id);
  await mkdir(place, { recursive: true });
  await using repository = await openCandidateRepository(folder.candidates);
  for (const [file, content] of await repository.readFiles(candidate)) {
    const target = path.join(place, 'files', file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  const [parent] = await repository.parents(candidate);
  if (parent) await writeFile(path.join(place, 'change.patch'), await repository.exportPatch(parent, candidate));
  await writeFile(
    path.join(place, 'README.md'),
    `# ${id} got through\n\n${facts.map((fact) => `- ${fact}\n`).join('')}`,
  );
  return place;
}
