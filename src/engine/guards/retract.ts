import type { AssayEvent, VerdictRetracted } from '../../domain/events.ts';
import { BASELINE_EXPERIMENT, type ExperimentId } from '../../domain/ids.ts';
import { descendantsOf, estimatedTotalGain, experimentOf, isStanding, type CampaignState } from '../../domain/state.ts';

export interface Retraction {
  readonly experiments: readonly ExperimentId[];
  readonly cause: VerdictRetracted['cause'];
  readonly reason: string;
}

/**
 * Takes keeps back, flags what holds their changes, and makes the best of what still stands champion. One atomic batch of events.
 */
export function retractionEvents(
  state: CampaignState,
  { experiments, cause, reason }: Retraction,
): readonly AssayEvent[] {
  const fallen = new Set<ExperimentId>();
  const events: AssayEvent[] = [];
  for (const experiment of experiments) {
    const descendants = descendantsOf(state, experiment);
    events.push({ type: 'verdict.retracted', experiment, cause, reason, descendants });
    for (const id of [experiment, ...descendants]) fallen.add(id);
  }
  if (!fallen.has(state.champion)) return events;
  const next = bestStanding(state, fallen);
  const candidate = experimentOf(state, next).candidate ?? state.baseline;
  const why = `${state.champion} fell with ${experiments.join(', ')}; of what stands, ${next} is furthest ahead of the start`;
  return [...events, { type: 'champion.changed', experiment: next, candidate, reason: why }];
}

/** By the estimated gain over the starting point, which stands always. */
function bestStanding(state: CampaignState, fallen: ReadonlySet<ExperimentId>): ExperimentId {
  let best = { id: BASELINE_EXPERIMENT, gain: 0 };
  for (const experiment of state.experiments.values()) {
    const { id, proposal } = experiment;
    if (fallen.has(id) || proposal.operator === 'baseline' || !isStanding(experiment)) continue;
    const gain = estimatedTotalGain(state, experiment);
    if (gain > best.gain) best = { id, gain };
  }
  return best.id;
}
