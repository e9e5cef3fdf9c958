import { bestGainEstimate } from '../../domain/reduce.ts';
import { lineage, type CampaignState, type Experiment } from '../../domain/state.ts';
import { latest, type SearchOperator } from './operator.ts';

/** Branches: the champion joined with another line that showed a gain but is not part of it. */
export const combine: SearchOperator = {
  operator: 'combine',
  draft: ({ state, champion }) => {
    const ancestors = new Set(lineage(state, champion.id).map(({ id }) => id));
    const tried = new Set(
      latest(state, ({ proposal }) => proposal.change.type === 'merge' && proposal.parent === champion.id).flatMap(
        ({ proposal }) => (proposal.change.type === 'merge' ? [proposal.change.otherExperiment] : []),
      ),
    );
    const merged = mergedInto(state, champion.id);
    const branches = latest(
      state,
      (experiment) =>
        isPromising(experiment) &&
        !ancestors.has(experiment.id) &&
        !tried.has(experiment.id) &&
        !merged.has(experiment.id),
    );
    // Kept branches before near misses; the larger gain first.
    branches.sort((a, b) => rank(b) - rank(a) || gainOf(b) - gainOf(a));
    const branch = branches[0];
    if (!branch?.candidate) return Promise.resolve(undefined);
    const expected = gainOf(branch);
    const sigma = state.noise?.sigmaUsed ?? 0;
    return Promise.resolve({
      parent: champion.id,
      hypothesis: {
        kind: 'combination',
        statement: `what ${branch.id} gained (${branch.proposal.hypothesis.statement}) adds to the champion ${champion.id}`,
        rationale: `${branch.id} is ${branch.verdict?.kind} and stands on another line; the two changes are merged three-way`,
        predictedGain: { low: Math.min(0, expected) - sigma, high: Math.max(0, expected) + sigma },
      },
      change: { type: 'merge', other: branch.candidate, otherExperiment: branch.id },
    });
  },
};

function isPromising({ verdict, candidate, proposal }: Experiment): boolean {
  if (!candidate || proposal.operator === 'baseline' || proposal.operator === 'replicate') return false;
  return verdict?.kind === 'keep' || verdict?.kind === 'near-miss';
}

function rank({ verdict }: Experiment): number {
  return verdict?.kind === 'keep' ? 1 : 0;
}

function gainOf({ verdict }: Experiment): number {
  return (verdict && bestGainEstimate(verdict)) ?? 0;
}

/** Branches that a merge in the champion's lineage has brought in already. */
function mergedInto(state: CampaignState, champion: Experiment['id']): Set<string> {
  return new Set(
    lineage(state, champion).flatMap(({ proposal }) =>
      proposal.change.type === 'merge' ? [proposal.change.otherExperiment] : [],
    ),
  );
}
