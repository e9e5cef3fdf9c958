import { BASELINE_EXPERIMENT, type CandidateId, type ExperimentId } from '../../domain/ids.ts';
import { experimentOf, type CampaignState, type Experiment } from '../../domain/state.ts';
import { UserError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';

/** A kept experiment with both sides of its comparison. */
export interface Subject {
  readonly experiment: Experiment;
  readonly candidate: CandidateId;
  readonly reference: CandidateId;
}

/**
 * The experiment, if it is one whose gain can be measured again.
 *
 * @throws UserError `experiment-…` for the starting point, a guard, the final comparison, and what was not kept.
 */
export function subjectOf(state: CampaignState, id: ExperimentId): Subject {
  const experiment = experimentOf(state, id);
  const { proposal, verdict, candidate, reference } = experiment;
  if (id === BASELINE_EXPERIMENT) {
    const isChampion = state.champion === BASELINE_EXPERIMENT;
    throw unfit(
      `${id} is the starting point${isChampion ? ', and the champion, since nothing that was kept stands' : ''}: it claims no gain that could be reproduced`,
      'see what was kept with: assay results --verdict keep',
    );
  }
  if (proposal.operator === 'guard')
    throw unfit(
      `${id} is a guard: it proves that the audits work and claims no gain`,
      'see the guards with: assay hacks',
    );
  if (proposal.operator === 'baseline')
    throw unfit(
      `${id} is the measurement of ${proposal.parent} beside the start, not a change of its own`,
      `reproduce the champion: assay reproduce ${proposal.parent}`,
    );
  if (verdict?.kind !== 'keep')
    throw unfit(
      `${id} was not kept (${verdict?.kind ?? 'it is still open'}), so it claims no gain that could be reproduced`,
      'see what was kept with: assay results --verdict keep',
    );
  if (!candidate || !reference)
    throw unfit(`the log has no commit of ${id}`, 'it can only be read; the campaign is damaged');
  return { experiment, candidate, reference };
}

function unfit(message: string, hint: string): UserError {
  return new UserError('experiment-unfit', message, hint);
}

/** The hash that the log has of the files of some commits. What it does not know is undefined. */
export async function treesOf(
  store: Pick<Store, 'read'>,
  candidates: Iterable<CandidateId>,
): Promise<ReadonlyMap<CandidateId, string | undefined>> {
  const trees = new Map<CandidateId, string | undefined>([...candidates].map((candidate) => [candidate, undefined]));
  for await (const { event } of store.read({ types: ['experiment.implemented'] })) {
    if (event.type !== 'experiment.implemented' || !trees.has(event.candidate)) continue;
    trees.set(event.candidate, trees.get(event.candidate) ?? event.tree);
  }
  return trees;
}
