import { expect, test } from 'vitest';
import { BASELINE_EXPERIMENT } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import { simulatedCampaign } from '../simulated-campaign.fixture.ts';
import { createSimulatedWorld, type SimulatedWorld } from '../simulated-world.ts';

const SIGMA = 0.1;

interface Simulated {
  readonly world: SimulatedWorld;
  readonly state: CampaignState;
}

async function simulate(seed: number, experiments: number, gains: readonly number[]): Promise<Simulated> {
  const world = createSimulatedWorld({ sigma: SIGMA, seed: `world ${seed}` });
  await using campaign = await simulatedCampaign({ world, limits: { experiments }, gains, searchSeed: seed });
  const { state, exit } = await campaign.run();
  expect(exit.reason).toBe('finished');
  expect(state.experimentCount - state.measurementCount).toBe(experiments);
  return { world, state };
}

test('nine hundred changes that do nothing, in six campaigns: at most one is kept', async () => {
  let kept = 0;
  let tested = 0;
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { state } = await simulate(seed, 150, [0]);
    kept += state.verdictCounts.keep;
    tested += state.tests.count;
  }
  expect(kept).toBeLessThanOrEqual(1);
  // The gate did work for it: a screen that lets nothing through would keep nothing either.
  expect(tested).toBeGreaterThan(20);
});

test('of planted gains of three sigma at least 60 % are kept, and nothing else is', async () => {
  let planted = 0;
  let found = 0;
  let wrong = 0;
  for (const seed of [1, 2, 3]) {
    const { world, state } = await simulate(seed, 60, [0, 0, 0, 3 * SIGMA]);
    for (const { id, candidate, reference, proposal, verdict } of state.experiments.values()) {
      if (id === BASELINE_EXPERIMENT || proposal.operator === 'baseline' || !candidate || !reference) continue;
      const gain = world.truth(reference) - world.truth(candidate);
      const isKept = verdict?.kind === 'keep';
      if (gain > SIGMA) {
        planted += 1;
        found += isKept ? 1 : 0;
      } else if (isKept) wrong += 1;
    }
  }
  expect(planted).toBeGreaterThan(25);
  expect(found / planted).toBeGreaterThanOrEqual(0.6);
  expect(wrong).toBeLessThanOrEqual(1);
});
