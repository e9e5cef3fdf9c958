import { expect, test } from 'vitest';
import { isMeasurement } from '../domain/hypothesis.ts';
import { experimentOf } from '../domain/state.ts';
import type { Proposer } from '../proposer/proposer.ts';
import { ablate } from '../proposer/search/ablate.ts';
import { replicate } from '../proposer/search/replicate.ts';
import { handMadeSpace } from '../proposer/search/search.fixture.ts';
import { createRandom } from '../stats/random.ts';
import { grantedLevel } from './gate/level.ts';
import { simulatedCampaign, SIMULATED_RULES } from './simulated-campaign.fixture.ts';
import { createSimulatedWorld } from './simulated-world.ts';

const SIGMA = 0.1;

/** Plants gains, tests near misses again, and takes changes out again: every way in which data can be looked at more than once. */
const LOOKING: Proposer = {
  name: 'looking',
  propose: async ({ state, seed }) => {
    const random = createRandom(seed);
    const champion = experimentOf(state, state.champion);
    const { candidate } = champion;
    if (!candidate) return undefined;
    const context = { state, champion: { ...champion, candidate }, space: handMadeSpace(), random };
    const operator = random.pick([replicate, ablate, undefined, undefined]);
    const draft = await operator?.draft(context);
    if (operator && draft) return { operator: operator.operator, proposer: 'looking', ...draft };
    const gain = random.pick([0, 1.2 * SIGMA, 3 * SIGMA]);
    return {
      operator: 'invent',
      proposer: 'looking',
      parent: state.champion,
      hypothesis: { kind: 'algorithmic', statement: `a gain of ${gain}`, rationale: 'planted' },
      change: { type: 'files', files: { gain: String(gain), nonce: seed } },
    };
  },
};

test('every look that could bring a keep is a test of the budget, numbered once, at the level of its place', async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 4 || (seed <= 12 && !seen.has('replicate')); seed++)
    for (const kind of await lookedAt(seed)) seen.add(kind);
  // A near miss that was tested again took a test of its own.
  expect([...seen].sort()).toEqual(expect.arrayContaining(['invent', 'replicate']));
}, 60_000);

/** One campaign, checked. @returns operators whose experiments became tests, and 'removal' for what was taken out. */
async function lookedAt(seed: number): Promise<ReadonlySet<string>> {
  const world = createSimulatedWorld({ sigma: SIGMA, seed: `looks ${seed}` });
  await using campaign = await simulatedCampaign({
    world,
    limits: { experiments: 120 },
    searchSeed: seed,
    gains: [],
    proposer: LOOKING,
  });
  const { state } = await campaign.run();
  const tested: number[] = [];
  const seen = new Set<string>();
  let rejections = 0;
  for await (const { event } of campaign.store.read()) {
    if (event.type === 'stage.passed' && event.stage === 'screen') {
      const { operator } = experimentOf(state, event.experiment).proposal;
      seen.add(operator);
      tested.push(event.testIndex ?? 0);
      expect(event.level).toBe(
        grantedLevel({
          falseDiscoveryRate: SIMULATED_RULES.falseDiscoveryRate,
          testIndex: event.testIndex ?? 0,
          rejectionsBefore: rejections,
          testHorizon: state.testHorizon,
        }),
      );
    }
    if (event.type !== 'experiment.concluded') continue;
    const experiment = experimentOf(state, event.experiment);
    const { verdict } = event;
    if (isMeasurement(experiment.proposal.operator)) continue;
    if (verdict.kind !== 'keep') continue;
    if (verdict.evidence.claim === 'not-worse') {
      seen.add('removal');
      expect(verdict.evidence.shrunkenGain).toBe(0);
    } else {
      rejections += 1;
      // No keep that claims a gain without a test of its own.
      expect(experiment.test?.index, `${event.experiment} was kept without a test`).toBeGreaterThan(0);
    }
  }
  expect(tested).toEqual(tested.map((_, index) => index + 1));
  expect(state.tests).toEqual({ count: tested.length, rejections });
  expect(state.verdictCounts.keep).toBeGreaterThanOrEqual(rejections);
  // A test that was given up or failed keeps its place: others are not granted more.
  expect(tested.length).toBeGreaterThan(state.verdictCounts.keep);
  return seen;
}
