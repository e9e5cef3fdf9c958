import type { TrialOutcome, TrialPlan } from '../domain/trial.ts';
import type { Attempt, AttemptEnd } from '../executor/executor.ts';

/** What a judge needs of the campaign to run one trial. */
export interface TrialContext {
  readonly plan: TrialPlan;
  readonly token: string;
  readonly slot: number;
  /** Private folder of the attempt on the host; exists, empty. */
  readonly directory: string;
}

/**
 * From a candidate to a result. Knows the task; knows nothing of statistics, search or the log.
 */
export interface Judge {
  /** Lays out the candidate's files and says what is to be run. Writes only beneath `context.directory`. */
  prepare(context: TrialContext): Promise<Attempt>;
  /** Reads what the judge's process wrote. A missing or doubled result, NaN or infinity is a failure, never a number. */
  conclude(context: TrialContext, end: AttemptEnd): Promise<TrialOutcome>;
}
