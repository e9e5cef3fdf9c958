import { expect, test } from 'vitest';
import { BASELINE_EXPERIMENT } from '../../domain/ids.ts';
import type { ProposerContext } from '../../proposer/proposer.ts';
import { simulatedCampaign } from '../simulated-campaign.fixture.ts';
import { createSimulatedWorld } from '../simulated-world.ts';

const PROFILE = {
  device: 'a device',
  steps: 5,
  secondsPerStep: 0.02,
  top: [{ name: 'matmul', secondsPerStep: 0.01, callsPerStep: 12, share: 0.5 }],
};

test('who proposes is told of the profile of the champion or of what it comes from', async () => {
  const seen: (ProposerContext['profile'] | 'none')[] = [];
  const world = createSimulatedWorld({ sigma: 0.01 });
  await using campaign = await simulatedCampaign({
    world,
    limits: { experiments: 6 },
    gains: [0],
    proposer: {
      name: 'listening',
      propose: ({ state, seed, profile }) => {
        seen.push(profile ?? 'none');
        return Promise.resolve({
          operator: 'invent',
          proposer: 'listening',
          parent: state.champion,
          hypothesis: { kind: 'systems', statement: 'a large gain', rationale: 'planted' },
          change: { type: 'files', files: { gain: '0.5', nonce: seed } },
        });
      },
    },
  });
  await campaign.store.append([
    { type: 'experiment.profiled', experiment: BASELINE_EXPERIMENT, device: 'a device', profile: PROFILE },
  ]);
  const { state } = await campaign.run();
  expect(state.champion).not.toBe(BASELINE_EXPERIMENT);
  expect(seen.length).toBeGreaterThanOrEqual(6);
  // The champions of the run were never profiled themselves: each call names the start, and says that it is a claim.
  for (const profile of seen) {
    expect(profile).toMatchObject({ experiment: BASELINE_EXPERIMENT });
    expect(profile).toHaveProperty(['lines', 0], expect.stringContaining('claim'));
  }
}, 30_000);
