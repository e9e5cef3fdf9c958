import type { ExperimentId, TrialId } from '../domain/ids.ts';
import type { CampaignState } from '../domain/state.ts';
import type { Arm, Stage } from '../domain/trial.ts';
import type { Store } from '../store/store.ts';
import { withoutUndefined } from './results.ts';

/** A trial that was started and has not ended, as far as the log knows. */
export interface RunningTrial {
  readonly trial: TrialId;
  readonly experiment: ExperimentId;
  readonly attempt: number;
  readonly stage: Stage;
  readonly arm: Arm;
  readonly pair: number;
  readonly seed: number;
  readonly statement: string;
  readonly startedAt?: number;
}

export async function runningTrials(
  state: CampaignState,
  store: Pick<Store, 'read'>,
): Promise<readonly RunningTrial[]> {
  const running = [...state.trials.values()].filter((trial) => trial.state === 'submitted');
  const startedAt = new Map<string, number>();
  for (const experiment of new Set(running.map(({ plan }) => plan.experiment))) {
    for await (const { event, at } of store.read({ experiment, types: ['trial.submitted'] })) {
      if (event.type === 'trial.submitted') startedAt.set(event.trial, at);
    }
  }
  return running.map(({ plan, attempt }) => {
    const { trial, experiment, stage, arm, pair, seed } = plan;
    const statement = state.experiments.get(experiment)?.proposal.hypothesis.statement ?? '';
    return withoutUndefined<RunningTrial>({
      trial,
      experiment,
      attempt,
      stage,
      arm,
      pair,
      seed,
      statement,
      startedAt: startedAt.get(trial),
    });
  });
}
