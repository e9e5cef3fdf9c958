import type { GuardPlan } from '../../domain/batch.ts';

/** A canary or an honest control, made for the task at hand. */
export interface GuardCase extends Omit<GuardPlan, 'experiment'> {
  /** What it does, in one sentence. */
  readonly does: string;
  /** The files that make of the starting point what it is. */
  readonly files: Readonly<Record<string, string>>;
}

/** Where guards come from. */
export interface GuardSource {
  /** Hypotheses that are guarded together. */
  readonly batchSize: number;
  /** Guards are to run though nothing is proposed: the red team at work on its own. */
  readonly withoutProposals?: boolean;
  /** The guards of one batch. Which ones is drawn from the campaign's secret, so that no search can foresee them. */
  pick(batch: number): readonly GuardCase[];
  /** Why there are none, if there are none. */
  readonly unguarded?: string;
}
