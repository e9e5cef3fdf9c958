import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { simulatedCampaign } from './simulated-campaign.fixture.ts';
import { createSimulatedWorld, type SimulatedWorld } from './simulated-world.ts';

/** Whole trials take a second, by their own account; screens take hardly any time. */
function shortScreens(): SimulatedWorld {
  const world = createSimulatedWorld({ sigma: 0.01, slots: 1 });
  return {
    ...world,
    judge: {
      ...world.judge,
      conclude: async (context, end) => {
        const outcome = await world.judge.conclude(context, end);
        return context.plan.stage === 'screen' ? { ...outcome, facts: { wallSeconds: 0.01 } } : outcome;
      },
    },
  };
}

test('slots do not wait for a proposer that is slow beside a short screen', async () => {
  let [underWay, most] = [0, 0];
  await using campaign = await simulatedCampaign({
    world: shortScreens(),
    limits: { experiments: 12 },
    gains: [0],
    slots: 1,
    screensApart: true,
    proposer: {
      name: 'slow',
      propose: async ({ state, seed }) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await sleep(40);
        underWay -= 1;
        return {
          operator: 'invent',
          proposer: 'slow',
          parent: state.champion,
          hypothesis: { kind: 'systems', statement: 'nothing', rationale: 'planted' },
          change: { type: 'files', files: { gain: '0', nonce: seed } },
        };
      },
    },
  });
  await campaign.run();
  expect(most).toBeGreaterThan(1);
});
