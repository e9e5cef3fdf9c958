import type { ExperimentId } from './ids.ts';
import { lineage, type CampaignState, type Experiment } from './state.ts';

/** One change that a candidate holds. */
export interface HeldChange {
  /** The experiment that brought it in. */
  readonly experiment: Experiment;
  /** The experiment whose verdict kept it: itself, or the one that tested it again. */
  readonly keptBy: Experiment;
}

/**
 * The changes that an experiment's candidate was built from, oldest first, without those that a later step took out again. A combination
 * is one change: what it merged stood on another line.
 */
export function heldChanges(state: CampaignState, id: ExperimentId = state.champion): readonly HeldChange[] {
  const removed = new Set<ExperimentId>();
  const held: HeldChange[] = [];
  let tester: Experiment | undefined;
  for (const experiment of lineage(state, id)) {
    const { change } = experiment.proposal;
    switch (change.type) {
      case 'none':
        tester = experiment;
        break;
      case 'undo':
        removed.add(change.experiment);
        tester = undefined;
        break;
      case 'knobs':
      case 'pattern':
      case 'files':
      case 'diff':
      case 'merge':
        if (!removed.has(experiment.id))
          held.push({ experiment, keptBy: experiment.verdict?.kind === 'keep' ? experiment : (tester ?? experiment) });
        tester = undefined;
        break;
      default:
        change satisfies never;
    }
  }
  return held.toReversed();
}

/** The last ablation of a change that came to numbers. Undefined: none has. */
export function lastAblation(state: CampaignState, change: ExperimentId): Experiment | undefined {
  let last: Experiment | undefined;
  for (const experiment of state.experiments.values()) {
    const { proposal, verdict } = experiment;
    if (proposal.operator !== 'ablate' || proposal.change.type !== 'undo') continue;
    if (proposal.change.experiment === change && verdict?.evidence.carries) last = experiment;
  }
  return last;
}
