import { bestGainEstimate } from '../../domain/reduce.ts';
import type { CampaignState } from '../../domain/state.ts';
import type { Pattern } from '../../task/patterns.ts';
import { latest, type SearchOperator } from './operator.ts';

/** Structure: a known technique that the champion lacks. */
export const applyPatternOperator: SearchOperator = {
  operator: 'pattern',
  draft: async ({ state, champion, space, random }) => {
    const states = await space.patternStates(champion.candidate);
    const tried = triedOn(state, champion.id);
    const open = space.patterns.filter(({ id }) => states.get(id) === 'absent' && !tried.has(id));
    if (open.length === 0) return undefined;
    // A draw from each one's promise, so that the order is sensible but never fixed.
    const drawn = open.map((pattern) => ({ pattern, promise: drawPromise(state, pattern, random.normal()) }));
    drawn.sort((a, b) => b.promise - a.promise);
    const pattern = drawn[0]?.pattern;
    if (!pattern) return undefined;
    return {
      parent: champion.id,
      hypothesis: {
        kind: pattern.kind,
        statement: `${pattern.title} improves ${state.task.metric}`,
        rationale: `${pattern.rationale} Source: ${pattern.source}`,
        ...(pattern.predictedGain ? { predictedGain: pattern.predictedGain } : {}),
      },
      change: { type: 'pattern', pattern: pattern.id, action: 'apply' },
    };
  },
};

/** Patterns that were tried on this very champion. On another one they may work: a dead end holds under its conditions only. */
function triedOn(state: CampaignState, champion: string): Set<string> {
  const tried = latest(state, ({ proposal }) => proposal.change.type === 'pattern' && proposal.parent === champion);
  return new Set(
    tried.flatMap(({ proposal }) => (proposal.change.type === 'pattern' ? [proposal.change.pattern] : [])),
  );
}

/** A draw of the gain: its prediction, moved halfway to what was last measured of it on another champion. */
function drawPromise(state: CampaignState, pattern: Pattern, normal: number): number {
  const sigma = state.noise?.sigmaUsed ?? 0;
  const { low, high } = pattern.predictedGain ?? { low: -sigma, high: 3 * sigma };
  const before = latest(
    state,
    ({ proposal }) => proposal.change.type === 'pattern' && proposal.change.pattern === pattern.id,
  )[0];
  const measured = before?.verdict && (before.verdict.kind === 'failed' ? low : bestGainEstimate(before.verdict));
  const centre = measured === undefined ? (low + high) / 2 : ((low + high) / 2 + 3 * measured) / 4;
  return centre + normal * ((high - low) / 2);
}
