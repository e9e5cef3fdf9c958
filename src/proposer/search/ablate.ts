import { heldChanges, type HeldChange } from '../../domain/champion-changes.ts';
import { bestGainEstimate } from '../../domain/reduce.ts';
import type { CampaignState } from '../../domain/state.ts';
import { latest, type SearchOperator } from './operator.ts';

/** After so many keeps, so many ablations: what the champion was built from is looked at about as fast as it grows. */
const KEEPS_PER_ROUND = 3;

/** Simplicity: the champion without one of the changes that it was built from. It measures what the change carries. */
export const ablate: SearchOperator = {
  operator: 'ablate',
  draft: ({ state, champion, random }) => {
    const open = openChanges(state);
    if (open.length === 0) return Promise.resolve(undefined);
    const { experiment: step, keptBy } = random.pick(open);
    const gained = (keptBy.verdict && bestGainEstimate(keptBy.verdict)) ?? 0;
    const sigma = state.noise?.sigmaUsed ?? 0;
    return Promise.resolve({
      parent: champion.id,
      hypothesis: {
        kind: 'ablation',
        statement: `the champion ${champion.id} is no worse without ${step.id} (${step.proposal.hypothesis.statement})`,
        rationale: `${step.id} gained ${gained.toPrecision(3)} when it came in; later changes may have made it needless or harmful`,
        predictedGain: { low: -Math.max(0, gained) - 2 * sigma, high: 2 * sigma },
      },
      change: { type: 'undo', experiment: step.id, change: step.proposal.change },
    });
  },
};

/** Whether the next proposal should be an ablation, whatever the bandit has learned: simplicity brings no gain to learn from. */
export function isAblationDue(state: CampaignState): boolean {
  const rounds = Math.floor(state.tests.rejections / KEEPS_PER_ROUND);
  const concluded = state.operators.get('ablate')?.pulls ?? 0;
  const underWay = [...state.open].filter((id) => state.experiments.get(id)?.proposal.operator === 'ablate').length;
  return concluded + underWay < rounds * KEEPS_PER_ROUND;
}

/**
 * Changes of the champion that may be taken out and were not yet, in the company that they stand in now. Those that no ablation has looked
 * at in any company come first. The last one in was measured against a champion without it; the only one against the start.
 */
function openChanges(state: CampaignState): readonly HeldChange[] {
  const held = heldChanges(state);
  if (held.length < 2) return [];
  const ablations = latest(state, ({ proposal }) => proposal.change.type === 'undo');
  const undone = (here: boolean): ReadonlySet<string> =>
    new Set(
      ablations.flatMap(({ proposal: { change, parent } }) =>
        change.type === 'undo' && (!here || parent === state.champion) ? [change.experiment] : [],
      ),
    );
  const tried = undone(true);
  const open = held.filter(
    ({ experiment, keptBy }) =>
      experiment.proposal.change.type !== 'merge' && keptBy.id !== state.champion && !tried.has(experiment.id),
  );
  const everywhere = undone(false);
  const fresh = open.filter(({ experiment }) => !everywhere.has(experiment.id));
  return fresh.length > 0 ? fresh : open;
}
