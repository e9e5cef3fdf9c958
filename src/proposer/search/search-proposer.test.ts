import { expect, test } from 'vitest';
import { HandMadeCampaign } from '../../domain/hand-made-campaign.fixture.ts';
import { describeProposerContract } from '../proposer.contract.ts';
import { createSearchProposer } from './search-proposer.ts';
import { handMadeSpace, SEEDS } from './search.fixture.ts';

const NEVER = new AbortController().signal;

/** A champion of two steps, a kept branch beside it, a near miss on it: something for every operator. */
function richCampaign(): HandMadeCampaign {
  const campaign = new HandMadeCampaign();
  const branch = campaign.propose({
    operator: 'pattern',
    change: { type: 'pattern', pattern: 'ema', action: 'apply' },
  });
  campaign.conclude(branch, 'keep', { confirmMeanGain: 0.3, shrunkenGain: 0.3 });
  campaign.crown(campaign.propose({ operator: 'tune', change: { type: 'knobs', values: { WIDTH: 128 } } }));
  campaign.crown(
    campaign.propose({ operator: 'pattern', change: { type: 'pattern', pattern: 'rope', action: 'apply' } }),
  );
  const near = campaign.propose({ operator: 'tune', change: { type: 'knobs', values: { LEARNING_RATE: 0.02 } } });
  campaign.conclude(near, 'near-miss', { replicateMeanGain: 0.05, eValue: 4 });
  return campaign;
}

describeProposerContract('the search', () =>
  Promise.resolve({ proposer: createSearchProposer(handMadeSpace()), state: richCampaign().state }),
);

describeProposerContract('the search at the very beginning', () =>
  Promise.resolve({ proposer: createSearchProposer(handMadeSpace()), state: new HandMadeCampaign().state }),
);

test('every operator that can propose is chosen now and then', async () => {
  const { state } = richCampaign();
  const proposer = createSearchProposer(handMadeSpace({ applied: ['rope'] }));
  const operators = new Set<string>();
  for (let seed = 0; seed < 300; seed += 1) {
    operators.add((await proposer.propose({ state, seed: String(seed) }, NEVER))?.operator ?? 'none');
  }
  expect([...operators].sort()).toEqual(['ablate', 'combine', 'pattern', 'replicate', 'tune']);
});

test('an operator that has nothing to propose passes its turn: the others go on', async () => {
  const { state } = new HandMadeCampaign();
  const onlyPatterns = createSearchProposer(handMadeSpace({ knobs: [] }));
  const onlyKnobs = createSearchProposer(handMadeSpace({ patterns: [] }));
  for (const seed of SEEDS) {
    expect((await onlyPatterns.propose({ state, seed }, NEVER))?.operator).toBe('pattern');
    expect((await onlyKnobs.propose({ state, seed }, NEVER))?.operator).toBe('tune');
  }
});

test('when nothing is left it proposes nothing', async () => {
  const { state } = new HandMadeCampaign();
  const proposer = createSearchProposer(handMadeSpace({ knobs: [], patterns: [] }));
  for (const seed of SEEDS) expect(await proposer.propose({ state, seed }, NEVER)).toBeUndefined();
});

test('what brought gains is chosen more often, and what brought none keeps a share', async () => {
  const campaign = new HandMadeCampaign();
  for (let round = 0; round < 20; round += 1) {
    const pattern = campaign.propose({
      operator: 'pattern',
      change: { type: 'pattern', pattern: `p${round}`, action: 'apply' },
    });
    campaign.gains(pattern, 'screen', 1);
    campaign.conclude(pattern, 'keep', { shrunkenGain: 1 });
    const tune = campaign.propose({ operator: 'tune', change: { type: 'knobs', values: { WIDTH: 64 + round } } });
    campaign.gains(tune, 'screen', -1);
    campaign.conclude(tune, 'discard');
  }
  const proposer = createSearchProposer(handMadeSpace());
  const counts: Record<string, number> = {};
  for (let seed = 0; seed < 200; seed += 1) {
    const operator = (await proposer.propose({ state: campaign.state, seed: String(seed) }, NEVER))?.operator ?? 'none';
    counts[operator] = (counts[operator] ?? 0) + 1;
  }
  expect(counts['pattern']).toBeGreaterThan(2 * (counts['tune'] ?? 0));
  expect(counts['tune']).toBeGreaterThan(0);
});
