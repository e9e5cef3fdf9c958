import { bestGainEstimate } from '../../domain/reduce.ts';
import type { Experiment } from '../../domain/state.ts';
import { latest, type SearchOperator } from './operator.ts';

/** A result that the gate could not settle, tested again from nothing: fresh seeds, and a test of its own in the error budget. */
export const replicate: SearchOperator = {
  operator: 'replicate',
  draft: ({ state, champion }) => {
    const tried = new Set(
      latest(state, ({ proposal }) => proposal.operator === 'replicate').map(({ proposal }) => proposal.parent),
    );
    const unsettled = latest(
      state,
      ({ id, verdict, reference, proposal }) =>
        verdict?.kind === 'near-miss' &&
        (verdict.evidence.eValue ?? 0) > 1 &&
        reference === champion.candidate &&
        proposal.operator !== 'baseline' &&
        proposal.operator !== 'replicate' &&
        !tried.has(id),
    );
    unsettled.sort((a, b) => gainOf(b) - gainOf(a));
    const first = unsettled[0];
    if (!first) return Promise.resolve(undefined);
    const sigma = state.noise?.sigmaUsed ?? 0;
    const expected = gainOf(first);
    return Promise.resolve({
      parent: first.id,
      hypothesis: {
        kind: 'replication',
        statement: `${first.id} is a real gain: ${first.proposal.hypothesis.statement}`,
        rationale: `it ended ${first.verdict?.kind} at ${expected.toPrecision(3)}; more pairs can settle it`,
        predictedGain: { low: Math.min(0, expected) - sigma, high: Math.max(expected, 0) + sigma },
      },
      change: { type: 'none' },
    });
  },
};

function gainOf({ verdict }: Experiment): number {
  return (verdict && bestGainEstimate(verdict)) ?? 0;
}
