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
    const changes = new Set(
      latest(state, ({ proposal }) => proposal.parent === champion.id).map(({ proposal }) =>
        JSON.stringify(proposal.change),
      ),
    );
    const branches = latest(
      state,
      (experiment) =>
        isPromising(experiment) &&
        !ancestors.has(experiment.id) &&
        !tried.has(experiment.id) &&
        !merged.has(experiment.id) &&
        !isRepeated(experiment, ancestors, changes),
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

/** A branch of one step whose step was tried on the champion itself: merging it would give the same files once more. */
function isRepeated({ proposal }: Experiment, ancestors: ReadonlySet<string>, changes: ReadonlySet<string>): boolean {
  const { type } = proposal.change;
  return (
    (type === 'knobs' || type === 'pattern') &&
    ancestors.has(proposal.parent) &&
    changes.has(JSON.stringify(proposal.change))
  );
}

/** Branches that merges in the champion's lineage have brought in already, with all that these branches were built on. */
function mergedInto(state: CampaignState, champion: Experiment['id']): Set<string> {
  const brought = new Set<string>();
  const todo = [champion];
  for (let at = todo.pop(); at; at = todo.pop()) {
    for (const { proposal } of lineage(state, at)) {
      if (proposal.change.type !== 'merge' || brought.has(proposal.change.otherExperiment)) continue;
      const other = proposal.change.otherExperiment;
      for (const step of lineage(state, other)) brought.add(step.id);
      todo.push(other);
    }
  }
  return brought;
}
