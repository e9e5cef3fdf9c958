import type { Operator, Proposal } from '../../domain/hypothesis.ts';
import { experimentOf, type CampaignState } from '../../domain/state.ts';
import { chooseArm, createArm, recordPull, type Arm } from '../../search/bandit.ts';
import { createRandom } from '../../stats/random.ts';
import type { Proposer } from '../proposer.ts';
import { ablate, isAblationDue } from './ablate.ts';
import { combine } from './combine.ts';
import type { SearchOperator } from './operator.ts';
import { applyPatternOperator } from './pattern.ts';
import { replicate } from './replicate.ts';
import type { SearchSpace } from './search-space.ts';
import { tune } from './tune.ts';

const OPERATORS: readonly SearchOperator[] = [tune, applyPatternOperator, combine, ablate, replicate];

/** What is believed of an operator before it was tried: the share of its experiments that end in a keep. */
const PRIOR_SUCCESS: Partial<Record<Operator, number>> = {
  tune: 0.3,
  pattern: 0.35,
  combine: 0.3,
  ablate: 0.1,
  replicate: 0.25,
};

/** Every operator that can propose gets at least this share of the choices. */
const EXPLORATION_FLOOR = 0.05;

/**
 * What is due is proposed with this probability: an ablation that is turned back again and again (its files are those of an older
 * candidate) must not hold up the search.
 */
const DUE_SHARE = 0.75;

/**
 * The proposer that needs no key: an ablation after every few keeps; else an operator is chosen by Thompson sampling on the validated gain that it brought for the time that
 * it took, then drafts a proposal. One that has nothing to propose passes its turn to the next choice.
 */
export function createSearchProposer(space: SearchSpace): Proposer {
  return {
    name: 'search',
    propose: async ({ state, seed }): Promise<Proposal | undefined> => {
      const random = createRandom(`search:${seed}`);
      const champion = experimentOf(state, state.champion);
      const { candidate } = champion;
      if (!candidate) return undefined;
      const context = { state, champion: { ...champion, candidate }, space, random };
      if (isAblationDue(state) && random.uniform() < DUE_SHARE) {
        const draft = await ablate.draft(context);
        if (draft) return { operator: 'ablate', proposer: 'search', ...draft };
      }
      let arms = learnedArms(state);
      while (arms.length > 0) {
        const { armId } = chooseArm({ arms, random, floor: EXPLORATION_FLOOR });
        arms = arms.filter((arm) => arm.id !== armId);
        const chosen = OPERATORS.find(({ operator }) => operator === armId);
        if (!chosen) continue;
        const draft = await chosen.draft(context);
        if (draft) return { operator: chosen.operator, proposer: 'search', ...draft };
      }
      return undefined;
    },
  };
}

/** The arms with all that was learned of them, the recent past counting most. */
function learnedArms(state: CampaignState): readonly Arm[] {
  const fresh = OPERATORS.map(({ operator }) => createArm(operator, { successRate: PRIOR_SUCCESS[operator] ?? 0.2 }));
  return state.recentPulls.reduce<readonly Arm[]>((arms, { operator, gain, seconds }) => {
    if (!arms.some((arm) => arm.id === operator)) return arms;
    return recordPull(arms, { armId: operator, gain, costSeconds: Math.max(seconds, 1e-3) });
  }, fresh);
}
