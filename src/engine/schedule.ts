import { idNumber } from '../domain/ids.ts';
import type { CampaignState, Trial } from '../domain/state.ts';
import type { Stage } from '../domain/trial.ts';

/** What is closest to a verdict goes first. */
const URGENCY: Readonly<Record<Stage, number>> = { baseline: 0, final: 1, confirm: 2, replicate: 3, screen: 4 };

/** Every keep of the batch waits for its guards. */
const GUARD_URGENCY = 0.5;

/** Planned trials that are not under way, in the order in which slots should take them. */
export function runnableTrials(state: CampaignState): readonly Trial[] {
  const planned: Trial[] = [];
  const guards = new Set(state.batch?.guards.map(({ experiment }) => experiment));
  for (const trial of state.trials.values()) if (trial.state === 'planned') planned.push(trial);
  const urgency = ({ plan }: Trial): number => (guards.has(plan.experiment) ? GUARD_URGENCY : URGENCY[plan.stage]);
  return planned.sort(
    (a, b) => urgency(a) - urgency(b) || a.plan.pair - b.plan.pair || idNumber(a.plan.trial) - idNumber(b.plan.trial),
  );
}
