import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCandidateRepository, type CandidateRepository } from '../../candidate/candidate-repository.ts';
import type { TaskFacts } from '../../domain/events.ts';
import type { CandidateId } from '../../domain/ids.ts';
import { UserError } from '../../errors.ts';
import { loadTask } from '../../task/load-task.ts';
import type { Task } from '../../task/task.ts';
import type { CampaignFolder } from '../campaign-folder.ts';
import { openTrialParts, type MachineOptions, type TrialParts } from '../trial-parts.ts';

export interface CleanRoomOptions extends MachineOptions {
  readonly folder: Pick<CampaignFolder, 'candidates' | 'task' | 'name'>;
  readonly task: Pick<TaskFacts, 'hash' | 'start'>;
  /** Commits to bring along, with the hash that the log has of their files. Undefined: the log has none. */
  readonly candidates: ReadonlyMap<CandidateId, string | undefined>;
}

/** A place with nothing of the campaign's but the commits that were asked for and its copy of the task. */
export interface CleanRoom extends AsyncDisposable {
  /** Everything below it is new; gone afterwards. */
  readonly root: string;
  readonly parts: TrialParts;
  readonly attemptsRoot: string;
  readonly task: Task;
  /** Fresh: no seed that is drawn from it was ever seen. */
  readonly secret: Uint8Array;
  /** The commit of the same files in here. @throws Error for one that was not brought along: a bug of ours. */
  readonly here: (candidate: CandidateId) => CandidateId;
  /** What a reader of the numbers has to know. */
  readonly remarks: readonly string[];
}

/**
 * A fresh folder, repository and secret. The environment is resolved anew.
 *
 * @throws UserError `repository-…` when a commit is missing or its files are not those that the log has.
 */
export async function openCleanRoom(options: CleanRoomOptions): Promise<CleanRoom> {
  await using opened = new AsyncDisposableStack();
  const root = await mkdtemp(path.join(tmpdir(), 'assay-clean-'));
  opened.defer(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));
  const taskFolder = path.join(root, 'task');
  await cp(options.folder.task, taskFolder, { recursive: true });
  const task = await loadTask(taskFolder);
  const secret = randomBytes(32);
  const attemptsRoot = path.join(root, 'attempts');
  const parts = opened.use(
    await openTrialParts({
      ...options,
      task,
      start: options.task.start,
      candidates: path.join(root, 'candidates.git'),
      attempts: attemptsRoot,
      secret,
    }),
  );
  const brought = new Map<CandidateId, CandidateId>();
  {
    await using campaign = await openCandidateRepository(options.folder.candidates);
    for (const [candidate, tree] of options.candidates)
      brought.set(candidate, await bring(campaign, parts.repository, candidate, tree));
  }
  const remarks = task.hash === options.task.hash ? [] : [otherTask(task.hash, options.task.hash)];
  const kept = opened.move();
  return {
    root,
    parts,
    attemptsRoot,
    task,
    secret,
    here: (candidate) => {
      const found = brought.get(candidate);
      if (!found) throw new Error(`${candidate} was not brought into the clean room`);
      return found;
    },
    remarks,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Copies the files of one commit. They are hashed anew, so a repository that was tampered with is found out. */
async function bring(
  from: CandidateRepository,
  to: CandidateRepository,
  candidate: CandidateId,
  tree: string | undefined,
): Promise<CandidateId> {
  const listed = await from.list(candidate).catch((error: unknown) => {
    throw missing(candidate, error);
  });
  const files = await from.readFiles(candidate);
  const executable = new Set(listed.filter(({ mode }) => mode === '100755').map((file) => file.path));
  const copy = await to.commit({ files, executable, message: `The files of ${candidate}`, at: 0 });
  const expected = tree ?? (await from.treeOf(candidate));
  const found = await to.treeOf(copy);
  if (found !== expected) {
    throw new UserError(
      'repository-broken',
      `the files of commit ${candidate} are not those that were measured: their hash is ${found}, the log has ${expected}`,
      "restore the campaign's candidates.git from a backup",
    );
  }
  return copy;
}

function missing(candidate: CandidateId, cause: unknown): UserError {
  return new UserError(
    'repository-missing-commit',
    `the campaign's repository has no commit ${candidate}`,
    "restore the campaign's candidates.git from a backup",
    { cause },
  );
}

function otherTask(found: string, expected: string): string {
  return (
    `the campaign's copy of the task is not what it was when the campaign began (${found.slice(0, 12)} instead of ` +
    `${expected.slice(0, 12)}): its files were changed, or another version of Assay reads them differently`
  );
}
