import { bestGainEstimate } from '../../domain/reduce.ts';
import { lineage } from '../../domain/state.ts';
import { latest, type SearchOperator } from './operator.ts';

/** Simplicity: the champion without one of the changes that it was built from. */
export const ablate: SearchOperator = {
  operator: 'ablate',
  draft: ({ state, champion, random }) => {
    const steps = lineage(state, champion.id).filter(({ proposal }) =>
      ['knobs', 'pattern', 'files', 'diff'].includes(proposal.change.type),
    );
    // Taking out the only step gives the starting point, and the last one gives its parent: both were measured.
    const inner = steps.slice(1);
    const tried = new Set(
      latest(state, ({ proposal }) => proposal.change.type === 'undo' && proposal.parent === champion.id).flatMap(
        ({ proposal }) => (proposal.change.type === 'undo' ? [proposal.change.experiment] : []),
      ),
    );
    const open = inner.filter(({ id }) => !tried.has(id));
    if (open.length === 0) return Promise.resolve(undefined);
    const step = random.pick(open);
    const gained = (step.verdict && bestGainEstimate(step.verdict)) ?? 0;
    const sigma = state.noise?.sigmaUsed ?? 0;
    return Promise.resolve({
      parent: champion.id,
      hypothesis: {
        kind: 'ablation',
        statement: `the champion ${champion.id} is better without ${step.id} (${step.proposal.hypothesis.statement})`,
        rationale: `${step.id} gained ${gained.toPrecision(3)} when it came in; later changes may have made it needless or harmful`,
        predictedGain: { low: -Math.max(0, gained) - 2 * sigma, high: 2 * sigma },
      },
      change: { type: 'undo', experiment: step.id, change: step.proposal.change },
    });
  },
};
