import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TrialOutcome, TrialPlan } from '../domain/trial.ts';
import type { AttemptEnd, AttemptHandle, Executor } from '../executor/executor.ts';
import type { Judge, RunContext, TrialContext } from '../judge/judge.ts';
import { auditOutcome, type TrialAudits } from './guards/audit-outcome.ts';

export interface AttemptRequest {
  readonly plan: TrialPlan;
  readonly token: string;
  readonly slot: number;
}

export interface AttemptParts {
  readonly executor: Executor;
  readonly judge: Judge;
  /** Folder that holds one folder for each attempt, named by its token. */
  readonly attemptsRoot: string;
  /** What the audits say of an ended attempt. Without it a result counts unaudited: only in simulations. */
  readonly auditTrial?: (input: { plan: TrialPlan; end: AttemptEnd; outcome: TrialOutcome }) => TrialAudits;
}

/**
 * One attempt from its token to its outcome. The token is in the log already, so this may be the second time that we come here: what
 * was started is found and waited for; what was not is started.
 *
 * @param cancelled ends the attempt and everything in it; the outcome then says so.
 */
export async function runAttempt(
  parts: AttemptParts,
  request: AttemptRequest,
  cancelled: AbortSignal,
): Promise<TrialOutcome> {
  const { executor, judge } = parts;
  const context: TrialContext = { ...request, directory: path.join(parts.attemptsRoot, request.token) };
  const ended = await runToEnd(parts, context, cancelled);
  if (!ended) return { status: 'cancelled', reason: 'stopped on request', facts: {} };
  const { end, handle } = ended;
  const concluded = await judge.conclude(context, end);
  const audits = parts.auditTrial?.({ plan: request.plan, end, outcome: concluded });
  const outcome = audits ? auditOutcome(concluded, audits) : concluded;
  await cleanUp(executor, handle);
  return outcome;
}

/** Starts what its token does not name already, and waits for it. Undefined: cancelled, and nothing of it is left. */
export async function runToEnd(
  parts: AttemptParts,
  context: RunContext,
  cancelled: AbortSignal,
): Promise<{ readonly end: AttemptEnd; readonly handle: AttemptHandle } | undefined> {
  const { executor } = parts;
  const handle = (await executor.find(context.token)) ?? (await start(parts, context));
  const onCancel = Promise.withResolvers<'cancelled'>();
  const listener = (): void => onCancel.resolve('cancelled');
  cancelled.addEventListener('abort', listener, { once: true });
  if (cancelled.aborted) listener();
  try {
    const first = await Promise.race([executor.ended(handle), onCancel.promise]);
    if (first === 'cancelled') {
      await executor.cancel(handle);
      await executor.clean(handle);
      return undefined;
    }
    return { end: first, handle };
  } finally {
    cancelled.removeEventListener('abort', listener);
  }
}

/** An engine that died while it laid the files out left half of them: they are laid out anew. */
async function start({ executor, judge }: AttemptParts, context: RunContext): Promise<AttemptHandle> {
  await rm(context.directory, { recursive: true, force: true });
  await mkdir(context.directory, { recursive: true });
  return executor.submit(await judge.prepare(context));
}

/** Leftovers are only space; the outcome stands whether they could be removed or not. */
async function cleanUp(executor: Executor, handle: AttemptHandle): Promise<void> {
  await executor.clean(handle).catch(() => {});
}
