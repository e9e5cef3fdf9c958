import { BASELINE_EXPERIMENT, idNumber, type ExperimentId } from '../../domain/ids.ts';
import { isMeasurement } from '../../domain/hypothesis.ts';
import { experimentOf, isStanding, type CampaignState } from '../../domain/state.ts';

/**
 * The kept experiments whose changes an experiment holds, itself included, oldest first: by parent, and by what was merged in. What
 * has fallen is left out.
 */
export function foundations(state: CampaignState, id: ExperimentId): readonly ExperimentId[] {
  const seen = new Set<ExperimentId>();
  const waiting: ExperimentId[] = [id];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const { parent, change } = experimentOf(state, at).proposal;
    waiting.push(parent);
    if (change.type === 'merge') waiting.push(change.otherExperiment);
  }
  return inOrder([...seen].filter((one) => isKeep(state, one)));
}

/** Every keep that stands. */
export function standingKeeps(state: CampaignState): readonly ExperimentId[] {
  return inOrder([...state.experiments.keys()].filter((id) => isKeep(state, id)));
}

function isKeep(state: CampaignState, id: ExperimentId): boolean {
  const experiment = experimentOf(state, id);
  return id !== BASELINE_EXPERIMENT && !isMeasurement(experiment.proposal.operator) && isStanding(experiment);
}

function inOrder(ids: readonly ExperimentId[]): readonly ExperimentId[] {
  return ids.toSorted((a, b) => idNumber(a) - idNumber(b));
}
