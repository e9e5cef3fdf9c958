import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CandidateId, ExperimentId } from '../domain/ids.ts';
import { candidateId } from '../domain/ids.ts';
import { UserError, systemErrorCode } from '../errors.ts';
import type { RunGit } from './git-command.ts';

/** A lock older than this belongs to a process that was killed while it held it; git holds one for microseconds. */
const STALE_LOCK_MS = 10_000;

export function referenceName(experiment: ExperimentId): string {
  if (!/^[a-z][a-z0-9-]*$/.test(experiment)) {
    throw new UserError(
      'experiment-id',
      `'${experiment}' cannot name a candidate`,
      'experiments are named e0, e1, e2, …',
    );
  }
  return `refs/candidates/${experiment}`;
}

/**
 * Points `refs/candidates/<experiment>` at a commit by git's own protocol (a lock file made exclusively, then renamed), so that a
 * `git pack-refs` at the same moment loses nothing.
 */
export async function writeReference(
  directory: string,
  experiment: ExperimentId,
  candidate: CandidateId,
): Promise<void> {
  const path = join(directory, referenceName(experiment));
  const lock = `${path}.lock`;
  const deadline = Date.now() + 2 * STALE_LOCK_MS;
  for (;;) {
    try {
      writeFileSync(lock, `${candidate}\n`, { flag: 'wx' });
      break;
    } catch (error) {
      const code = systemErrorCode(error);
      if (Date.now() > deadline || (code !== 'ENOENT' && code !== 'EEXIST')) throw error;
      // pack-refs removes the folder when it has emptied it.
      if (code === 'ENOENT') mkdirSync(dirname(path), { recursive: true });
      else await waitForLock(lock);
    }
  }
  try {
    renameSync(lock, path);
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  }
}

/** Undefined: the experiment has no candidate here. */
export async function readReference(
  git: RunGit,
  directory: string,
  experiment: ExperimentId,
): Promise<CandidateId | undefined> {
  const name = referenceName(experiment);
  const loose = await readFile(join(directory, name), 'latin1').catch(() => undefined);
  if (loose !== undefined) return candidateId(loose.trim());
  const answer = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', name]);
  return answer.exitCode === 0 ? candidateId(answer.stdout.toString().trim()) : undefined;
}

async function waitForLock(lock: string): Promise<void> {
  const made = statSync(lock, { throwIfNoEntry: false });
  if (made !== undefined && Date.now() - made.mtimeMs > STALE_LOCK_MS) rmSync(lock, { force: true });
  else await sleep(5);
}
