import type { CandidateId, ExperimentId, TrialId } from '../domain/ids.ts';
import {
  MAX_ATTEMPTS,
  type Arm,
  type FailureKind,
  type SandboxKind,
  type Stage,
  type TrialOutcome,
  type TrialPlan,
} from '../domain/trial.ts';
import type { EventRecord } from '../store/store.ts';
import { withoutUndefined } from './results.ts';

/** One attempt of one trial, or a trial that has not run. What is unknown is absent. */
export interface TrialRow {
  readonly experiment: ExperimentId;
  readonly trial: TrialId;
  /** Absent: never started. */
  readonly attempt?: number;
  readonly stage: Stage;
  readonly arm: Arm;
  /** Rows of one stage with the same pair share their seed. */
  readonly pair: number;
  readonly seed: number;
  readonly candidate: CandidateId;
  readonly status: 'succeeded' | 'failed' | 'cancelled' | 'withdrawn' | 'running' | 'planned';
  readonly value?: number;
  readonly failure?: FailureKind;
  readonly reason?: string;
  readonly isSuspected?: boolean;
  readonly wallSeconds?: number;
  readonly budgetSeconds?: number;
  readonly peakMemoryBytes?: number;
  readonly slot?: number;
  readonly sandbox?: SandboxKind;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Secondary numbers that the judge measured. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** What the candidate printed of itself. */
  readonly claim?: Readonly<Record<string, number>>;
  readonly failedChecks?: readonly string[];
}

interface Pending {
  readonly plan: TrialPlan;
  /** Attempts that were lost. */
  readonly lost: number;
  readonly attempt?: number;
  readonly startedAt?: number;
}

/** Turns the log into trial rows, one record at a time: memory is that of the trials under way. */
export class TrialReader {
  readonly #pending = new Map<TrialId, Pending>();

  /** The attempt that this record ended, if it ended one. */
  read({ event, at }: EventRecord): TrialRow | undefined {
    if (event.type === 'trial.planned') {
      this.#pending.set(event.plan.trial, { plan: event.plan, lost: 0 });
    } else if (event.type === 'trial.submitted') {
      const known = this.#pending.get(event.trial);
      if (known) this.#pending.set(event.trial, { ...known, attempt: event.attempt, startedAt: at });
    } else if (event.type === 'trial.withdrawn') {
      const known = this.#pending.get(event.trial);
      this.#pending.delete(event.trial);
      return known && { ...planFacts(known.plan), status: 'withdrawn', endedAt: at };
    } else if (event.type === 'trial.finished') {
      const known = this.#pending.get(event.trial);
      if (!known) return undefined;
      const lost = known.lost + (isLost(event.outcome) ? 1 : 0);
      const again = event.outcome.status === 'cancelled' || (isLost(event.outcome) && lost < MAX_ATTEMPTS);
      if (again) this.#pending.set(event.trial, { plan: known.plan, lost });
      else this.#pending.delete(event.trial);
      return endedRow(known, event.attempt, at, event.outcome);
    }
    return undefined;
  }

  /** Trials that are planned or under way after the last record. */
  rest(): readonly TrialRow[] {
    return [...this.#pending.values()].map(({ plan, attempt, startedAt }) =>
      withoutUndefined<TrialRow>({
        ...planFacts(plan),
        attempt,
        startedAt,
        status: attempt === undefined ? 'planned' : 'running',
      }),
    );
  }
}

function isLost(outcome: TrialOutcome): boolean {
  return outcome.status === 'failed' && outcome.failure === 'lost';
}

function planFacts(
  plan: TrialPlan,
): Pick<TrialRow, 'experiment' | 'trial' | 'stage' | 'arm' | 'pair' | 'seed' | 'candidate'> {
  const { experiment, trial, stage, arm, pair, seed, candidate } = plan;
  return { experiment, trial, stage, arm, pair, seed, candidate };
}

function endedRow({ plan, startedAt }: Pending, attempt: number, endedAt: number, outcome: TrialOutcome): TrialRow {
  const { wallSeconds, budgetSeconds, peakMemoryBytes, slot, sandbox, claim } = outcome.facts;
  const checks =
    outcome.status === 'succeeded' ? outcome.result.checks : outcome.status === 'failed' ? (outcome.checks ?? []) : [];
  const failedChecks = checks.filter((check) => !check.ok).map((check) => `${check.id}: ${check.detail}`);
  return withoutUndefined<TrialRow>({
    ...planFacts(plan),
    attempt,
    status: outcome.status,
    value: outcome.status === 'succeeded' ? outcome.result.value : undefined,
    metrics: outcome.status === 'succeeded' ? outcome.result.metrics : undefined,
    failure: outcome.status === 'failed' ? outcome.failure : undefined,
    isSuspected: outcome.status === 'failed' ? outcome.suspected : undefined,
    reason: outcome.status === 'succeeded' ? undefined : outcome.reason,
    failedChecks: failedChecks.length > 0 ? failedChecks : undefined,
    wallSeconds,
    budgetSeconds,
    peakMemoryBytes,
    slot,
    sandbox,
    claim,
    startedAt,
    endedAt,
  });
}
