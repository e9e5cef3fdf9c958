import type { GuardPlan } from '../../domain/batch.ts';
import type { AssayEvent } from '../../domain/events.ts';
import { trialId } from '../../domain/ids.ts';
import { openTrials, type CampaignState, type Experiment } from '../../domain/state.ts';
import type { Stage } from '../../domain/trial.ts';
import { judgeGuard } from './guard-finding.ts';
import { voidBatch } from './void-batch.ts';

/** A guard that ends without saying anything of the audits is run again, so many times in all. */
const TRIES = 3;

/** The events of the next step of an open guard; undefined while it waits for its trials. */
export function advanceGuard(
  state: CampaignState,
  experiment: Experiment,
  seedOf: (stage: Stage, pair: number) => number,
): readonly AssayEvent[] | undefined {
  const batch = experiment.batch === undefined ? undefined : state.batches.get(experiment.batch);
  const guard = batch?.guards.find((one) => one.experiment === experiment.id);
  if (!batch || !guard) {
    const reasons = ['it is a guard of no batch'] as const;
    return [conclude(experiment, { kind: 'inconclusive', stage: 'screen', reasons, evidence: {} })];
  }
  const trials = openTrials(state, experiment.id);
  if (trials.length === 0) return planRuns(state, experiment, guard, seedOf);
  const outcomes = trials.flatMap(({ state: at, outcome }) => (at === 'ended' && outcome ? [outcome] : []));
  if (outcomes.length < trials.length) return undefined;
  const finding = judgeGuard(guard, outcomes, experiment.changeAudits);
  if (finding.kind === 'unclear' && trials.length < TRIES * guard.trials)
    return planRuns(state, experiment, guard, seedOf);
  const ok = finding.kind === 'held';
  const { detail } = finding;
  const fired = finding.kind === 'unclear' ? [] : finding.fired;
  const events: AssayEvent[] = [
    { type: 'guard.reported', experiment: experiment.id, batch: batch.number, guard, ok, fired, detail },
    conclude(experiment, {
      kind: ok && guard.kind === 'canary' ? 'suspected-hack' : 'discard',
      stage: guard.stage,
      reasons: [`${guard.kind} ${guard.id}: ${detail}`],
      evidence: {},
    }),
  ];
  return ok ? events : [...events, ...voidBatch(state, batch.number, `${guard.kind} ${guard.id}: ${detail}`)];
}

function planRuns(
  state: CampaignState,
  experiment: Experiment,
  guard: GuardPlan,
  seedOf: (stage: Stage, pair: number) => number,
): readonly AssayEvent[] {
  const { candidate } = experiment;
  if (!candidate) throw new Error(`${experiment.id} has no candidate to run`);
  return Array.from({ length: guard.trials }, (_, index): AssayEvent => {
    const pair = state.pairCount + index + 1;
    const plan = {
      trial: trialId(state.trialCount + index + 1),
      experiment: experiment.id,
      candidate,
      stage: guard.stage,
      arm: 'candidate',
      pair,
      seed: seedOf(guard.stage, pair),
    } as const;
    return { type: 'trial.planned', plan };
  });
}

function conclude(experiment: Experiment, verdict: NonNullable<Experiment['verdict']>): AssayEvent {
  return { type: 'experiment.concluded', experiment: experiment.id, verdict };
}
