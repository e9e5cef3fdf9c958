import { expect, test } from 'vitest';
import { BASELINE_EXPERIMENT } from '../../domain/ids.ts';
import type { ProposerContext } from '../../proposer/proposer.ts';
import { simulatedCampaign } from '../simulated-campaign.fixture.ts';
import { createSimulatedWorld } from '../simulated-world.ts';
import { listening, PROFILE } from './profile.fixture.ts';

test('who proposes is told of the profile of the champion or of what it comes from', async () => {
  const seen: (ProposerContext['profile'] | 'none')[] = [];
  const world = createSimulatedWorld({ sigma: 0.01 });
  await using campaign = await simulatedCampaign({
    world,
    limits: { experiments: 6 },
    gains: [0],
    proposer: listening(({ profile }) => seen.push(profile ?? 'none')),
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
