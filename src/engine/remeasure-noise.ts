import type { AssayEvent } from '../domain/events.ts';
import type { Proposal } from '../domain/hypothesis.ts';
import { experimentId } from '../domain/ids.ts';
import { experimentOf, type CampaignState } from '../domain/state.ts';
import { hasDrifted } from './gate/drift.ts';

/**
 * When the machine has drifted: the champion as it is, to be run as often as the noise floor needs. An experiment like the starting
 * point's, so that a restarted engine goes on with it. Undefined when there is no need.
 */
export function remeasureNoise(state: CampaignState): readonly AssayEvent[] | undefined {
  if (!state.drift || !hasDrifted(state) || !hasScreensAhead(state)) return undefined;
  const open = [...state.open].map((id) => experimentOf(state, id));
  if (open.some(({ proposal }) => proposal.operator === 'baseline')) return undefined;
  const champion = experimentOf(state, state.champion);
  const { candidate } = champion;
  if (!candidate) return undefined;
  const experiment = experimentId(state.experimentCount);
  const { average, points } = state.drift;
  const seen = `over the last of ${points} runs, unchanged candidates measured ${Math.abs(average).toPrecision(2)} sigma ${average > 0 ? 'above' : 'below'} what they did before`;
  const proposal: Proposal = {
    operator: 'baseline',
    proposer: 'engine',
    parent: champion.id,
    hypothesis: {
      kind: 'replication',
      statement: `${champion.id} as it is, on a machine that has changed`,
      rationale: `${seen}; its repeated runs measure the noise floor anew`,
    },
    change: { type: 'none' },
  };
  const unchanged = { filesChanged: 0, linesAdded: 0, linesRemoved: 0 };
  return [
    {
      type: 'note.written',
      kind: 'warning',
      text: `this machine is not what it was: ${seen}. Pairs run side by side, so no verdict is affected; the noise floor is measured again before new screens are judged`,
    },
    { type: 'experiment.proposed', experiment, proposal },
    {
      type: 'experiment.implemented',
      experiment,
      candidate,
      tree: treeOf(state, candidate),
      reference: candidate,
      ...unchanged,
    },
  ];
}

function hasScreensAhead(state: CampaignState): boolean {
  const { experiments: limit } = state.limits;
  if (limit === undefined || state.experimentCount - state.measurementCount < limit) return true;
  return [...state.open].some((id) => {
    const { proposal, test } = experimentOf(state, id);
    return proposal.operator !== 'baseline' && proposal.operator !== 'guard' && !test;
  });
}

/** The files of a candidate that some experiment had; its commit's name where that is not known. */
function treeOf(state: CampaignState, candidate: string): string {
  for (const [tree, id] of state.trees) if (state.experiments.get(id)?.candidate === candidate) return tree;
  return candidate;
}
