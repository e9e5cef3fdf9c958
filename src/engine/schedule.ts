import { idNumber } from '../domain/ids.ts';
import type { CampaignState, Trial } from '../domain/state.ts';
import type { Stage } from '../domain/trial.ts';

/** What is closest to a verdict goes first. */
const URGENCY: Readonly<Record<Stage, number>> = { baseline: 0, final: 1, confirm: 2, replicate: 3, screen: 4 };

/** Planned trials that are not under way, in the order in which slots should take them. */
export function runnableTrials(state: CampaignState): readonly Trial[] {
  const planned: Trial[] = [];
  for (const trial of state.trials.values()) if (trial.state === 'planned') planned.push(trial);
  return planned.sort(
    (a, b) =>
      URGENCY[a.plan.stage] - URGENCY[b.plan.stage] ||
      a.plan.pair - b.plan.pair ||
      idNumber(a.plan.trial) - idNumber(b.plan.trial),
  );
}
