import { expect, test } from 'vitest';
import { isGainOfScreen, resultRow } from '../report/results.ts';
import { screensApart } from '../task/screens-apart.ts';
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

test.each([true, false])('predictions are of whole trials; apart: %s', (apart) => {
  const campaign = new HandMadeCampaign({ task: { screensApart: apart } });
  const predictedGain = { low: 0, high: 1 };
  const screened = campaign.propose({ predictedGain });
  campaign.conclude(screened, 'discard', { screenGain: -3 });
  const whole = campaign.propose({ predictedGain });
  campaign.conclude(whole, 'discard', { screenGain: 3, replicateMeanGain: 0.5 });
  const tooHigh = apart ? 0 : 1;
  expect(campaign.state.calibration).toEqual({ checked: 1 + tooHigh, covered: 1, tooHigh, tooLow: 0 });
  const row = resultRow(campaign.state, campaign.experiment(screened));
  expect(row).toMatchObject({ gain: -3, n: 1 });
  expect(isGainOfScreen(row, apart)).toBe(apart);
  expect(row.predictionHeld).toBe(apart ? undefined : false);
  expect(isGainOfScreen(resultRow(campaign.state, campaign.experiment(whole)), apart)).toBe(false);
  expect(resultRow(campaign.state, campaign.experiment(whole))).toMatchObject({ gain: 0.5, predictionHeld: true });
});

test('screens are apart where they have a phase of their own, and where they lack one', () => {
  const phase = (...stages: readonly string[]): object => (stages.length === 0 ? {} : { stages });
  const apart = (...phases: readonly object[]): boolean =>
    screensApart({ phases } as unknown as Parameters<typeof screensApart>[0]);
  expect(apart(phase(), phase('baseline', 'screen', 'replicate'), phase('confirm', 'final'))).toBe(false);
  expect(apart(phase(), phase('screen'))).toBe(true);
  expect(apart(phase(), phase('baseline', 'replicate', 'confirm', 'final'))).toBe(true);
  expect(apart(phase(), phase('profile'))).toBe(false);
  // A look at something else that only some stages take.
  expect(apart(phase(), phase('baseline', 'confirm', 'final'))).toBe(false);
});
