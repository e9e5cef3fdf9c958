import type { PhaseStage, TrialOutcome, TrialPlan } from '../domain/trial.ts';
import type { Attempt, AttemptEnd } from '../executor/executor.ts';

/** What a judge needs to lay out a candidate, for a trial or for a profile. */
export interface RunContext {
  readonly plan: Pick<TrialPlan, 'candidate' | 'seed'> & { readonly stage: PhaseStage };
  readonly token: string;
  readonly slot: number;
  /** Private folder of the attempt on the host; exists, empty. */
  readonly directory: string;
}

/** What a judge needs of the campaign to run one trial. */
export interface TrialContext extends RunContext {
  readonly plan: TrialPlan;
}

/**
 * From a candidate to a result. Knows the task; knows nothing of statistics, search or the log.
 */
export interface Judge {
  /** Lays out the candidate's files and says what is to be run. Writes only beneath `context.directory`. */
  prepare(context: RunContext): Promise<Attempt>;
  /** Reads what the judge's process wrote. A missing or doubled result, NaN or infinity is a failure, never a number. */
  conclude(context: TrialContext, end: AttemptEnd): Promise<TrialOutcome>;
}
