import type { HandMadeCampaign } from '../../domain/hand-made-campaign.fixture.ts';
import type { KnobSpace } from '../../search/knob-space.ts';
import { createRandom } from '../../stats/random.ts';
import type { Pattern, PatternState } from '../../task/patterns.ts';
import type { Draft, SearchOperator } from './operator.ts';
import type { SearchSpace } from './search-space.ts';

const KNOBS: KnobSpace = [
  { name: 'LEARNING_RATE', kind: 'float', low: 1e-5, high: 1, scale: 'log', current: 0.01 },
  { name: 'WIDTH', kind: 'integer', low: 8, high: 512, scale: 'log', current: 64 },
  { name: 'USE_BIAS', kind: 'boolean', current: true },
];

/** A space made by hand: every candidate has the same knobs, and the patterns that are named lack in all of them. */
export function handMadeSpace(
  options: { knobs?: KnobSpace; patterns?: readonly string[]; applied?: readonly string[] } = {},
): SearchSpace {
  const { knobs = KNOBS, patterns = ['rope', 'relu2', 'ema'], applied = [] } = options;
  const states = new Map<string, PatternState>();
  for (const id of patterns) states.set(id, applied.includes(id) ? 'applied' : 'absent');
  return {
    patterns: patterns.map((id): Pattern => ({
      id,
      title: `the pattern ${id}`,
      kind: 'algorithmic',
      source: 'made up',
      rationale: 'It helped elsewhere.',
      predictedGain: { low: 0, high: 0.1 },
      edits: [{ file: 'train.py', find: id, replace: `${id} applied` }],
    })),
    knobs: () => Promise.resolve(knobs),
    patternStates: () => Promise.resolve(states),
  };
}

/** What an operator drafts on a campaign as it stands. */
export function draftOn(
  campaign: HandMadeCampaign,
  operator: SearchOperator,
  options: { space?: SearchSpace; seed?: string } = {},
): Promise<Draft | undefined> {
  const champion = campaign.experiment(campaign.state.champion);
  const { candidate } = champion;
  if (!candidate) throw new Error('the champion has no candidate');
  return operator.draft({
    state: campaign.state,
    champion: { ...champion, candidate },
    space: options.space ?? handMadeSpace(),
    random: createRandom(options.seed ?? 'draft'),
  });
}

export const SEEDS: readonly string[] = Array.from({ length: 30 }, (_, index) => `seed ${index}`);
