import { expect, test } from 'vitest';
import { HandMadeCampaign, measured } from './hand-made-campaign.fixture.ts';
import { restoreState, serializeState } from './snapshot.ts';

/** Screens of another length: references at 20 where whole trials are at 10. */
function screenedApart(values: readonly number[], apart = true): HandMadeCampaign {
  const campaign = new HandMadeCampaign({ task: { screensApart: apart } });
  for (const value of values) {
    const id = campaign.propose();
    campaign.pair(id, 'screen', { candidate: measured(value + 1), reference: measured(value) });
    campaign.conclude(id, 'discard');
  }
  return campaign;
}

const VALUES = [20.1, 19.9, 20.2, 19.8, 20, 20.3];

test('screens of another length are no drift of the machine', () => {
  expect(screenedApart(VALUES).state.drift).toMatchObject({ points: 0 });
  expect(Math.abs(screenedApart(VALUES, false).state.drift?.average ?? 0)).toBeGreaterThan(3);
});

test('their spread is that of their references around the mean of each', () => {
  const { screenNoise } = screenedApart(VALUES).state;
  const mean = VALUES.reduce((sum, value) => sum + value, 0) / VALUES.length;
  const squares = VALUES.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  expect(screenNoise?.degrees).toBe(VALUES.length - 1);
  expect(screenNoise?.sumOfSquares).toBeCloseTo(squares, 10);
  expect(screenedApart(VALUES, false).state.screenNoise).toBeUndefined();
});

test('what a candidate measured is the mean of its whole trials', () => {
  const campaign = screenedApart([]);
  const id = campaign.propose();
  campaign.pair(id, 'screen', { candidate: measured(19), reference: measured(20) });
  expect(campaign.experiment(id).measured).toBeUndefined();
  campaign.passScreen(id);
  campaign.gains(id, 'replicate', 1, 3);
  expect(campaign.experiment(id).measured).toEqual({ count: 2, mean: 8 });
});

test('when the noise is measured anew, what was known of screens is forgotten; a snapshot keeps it', () => {
  const campaign = screenedApart(VALUES);
  expect(restoreState(serializeState(campaign.state)).screenNoise).toEqual(campaign.state.screenNoise);
  const noise = { runs: 6, mean: 10, sigma: 0.1, sigmaUsed: 0.1, trialSeconds: 1 };
  campaign.write({ type: 'noise.measured', ...noise, occasion: 'drift', candidate: campaign.state.baseline });
  expect(campaign.state.screenNoise).toBeUndefined();
});
