import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BASELINE_EXPERIMENT, trialId } from '../domain/ids.ts';
import type { TrialOutcome } from '../domain/trial.ts';
import type { Task } from '../task/task.ts';
import { runAttempt } from './run-attempt.ts';
import { trialSeed } from './seeds.ts';
import { openTrialParts, type MachineOptions } from './trial-parts.ts';

/** Runs one trial of a starting point exactly as a campaign would, in a temporary folder that is gone afterwards. */
export async function tryTask(
  task: Task,
  start: string,
  options: MachineOptions,
  signal: AbortSignal,
): Promise<TrialOutcome> {
  const root = await mkdtemp(path.join(tmpdir(), 'assay-try-'));
  try {
    const secret = randomBytes(32);
    const attempts = path.join(root, 'attempts');
    await using parts = await openTrialParts({
      ...options,
      task,
      start,
      candidates: path.join(root, 'candidates.git'),
      attempts,
      secret,
      slots: 1,
    });
    const candidate = await parts.repository.commit({ files: task.filesFor(start), message: start, at: 0 });
    const plan = {
      trial: trialId(1),
      experiment: BASELINE_EXPERIMENT,
      candidate,
      stage: 'baseline',
      arm: 'candidate',
      pair: 1,
      seed: trialSeed(secret, 'baseline', 1),
    } as const;
    return await runAttempt(
      { ...parts, attemptsRoot: attempts },
      { plan, token: 't1-1', slot: parts.executor.slots[0]?.index ?? 0 },
      signal,
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
