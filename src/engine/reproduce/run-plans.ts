import { MAX_ATTEMPTS, type TrialOutcome, type TrialPlan } from '../../domain/trial.ts';
import { runAttempt } from '../run-attempt.ts';
import type { CleanRoom } from './clean-room.ts';

export interface EndedPlan {
  readonly plan: TrialPlan;
  readonly outcome: TrialOutcome;
}

/**
 * Runs trials on all slots, in their order, each as a campaign would. One that was lost (killed from outside) is made again.
 *
 * @param options.ended called when a trial has come to its end.
 * @throws the signal's reason when it aborts; what runs is ended first.
 */
export async function runPlans(
  room: Pick<CleanRoom, 'parts' | 'attemptsRoot'>,
  plans: readonly TrialPlan[],
  options: { readonly signal: AbortSignal; readonly ended?: (ended: EndedPlan) => void },
): Promise<readonly EndedPlan[]> {
  const { parts, attemptsRoot } = room;
  const outcomes = new Map<TrialPlan, TrialOutcome>();
  const waiting = [...plans];
  // One trial that breaks (a full disk, a bug) ends the others too: their numbers would be of no use.
  const broken = new AbortController();
  const cancelled = AbortSignal.any([options.signal, broken.signal]);
  const work = async (slot: number): Promise<void> => {
    for (let plan = waiting.shift(); plan && !cancelled.aborted; plan = waiting.shift()) {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS && !cancelled.aborted; attempt += 1) {
        const token = `${plan.trial}-${attempt}`;
        const outcome = await runAttempt({ ...parts, attemptsRoot }, { plan, token, slot }, cancelled);
        outcomes.set(plan, outcome);
        if (outcome.status !== 'failed' || outcome.failure !== 'lost') break;
      }
      const outcome = outcomes.get(plan);
      if (outcome) options.ended?.({ plan, outcome });
    }
  };
  const workers = parts.executor.slots.map(({ index }) =>
    work(index).catch((error: unknown) => {
      broken.abort(error);
      throw error;
    }),
  );
  const settled = await Promise.allSettled(workers);
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
  options.signal.throwIfAborted();
  return plans.map((plan) => {
    const outcome = outcomes.get(plan);
    if (!outcome) throw new Error(`${plan.trial} did not run`);
    return { plan, outcome };
  });
}
