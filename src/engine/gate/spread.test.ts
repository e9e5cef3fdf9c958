import { expect, test } from 'vitest';
import { HandMadeCampaign } from '../../domain/hand-made-campaign.fixture.ts';
import type { NoiseFloor } from '../../domain/state.ts';
import { createRandom } from '../../stats/random.ts';
import { standardDeviation } from '../../stats/summary.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';
import { beliefAfterScreen, cautiousSigma, currentSpread } from './spread.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0 };
const NOISE: NoiseFloor = {
  runs: 6,
  mean: 10,
  sigma: 0.1,
  sigmaUsed: 0.1,
  trialSeconds: 1,
  start: { runs: 6, mean: 10 },
};

test('sigma is inflated while few runs are known, and less with every run', () => {
  const at = (degrees: number): number => cautiousSigma({ sigma: 0.1, degrees, mean: 10, floor: 0 });
  expect(at(1)).toBeGreaterThan(0.2);
  expect(at(4)).toBeCloseTo(0.156, 3);
  expect(at(30)).toBeCloseTo(0.113, 3);
  expect(at(5000)).toBeLessThan(0.102);
  const sizes = [1, 2, 5, 10, 50, 500, 5000].map(at);
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
});

test('the cautious sigma of six honest runs is below the true one in a fifth of the campaigns, not in half', () => {
  const random = createRandom('six runs');
  const campaigns = 4000;
  let low = 0;
  for (let campaign = 0; campaign < campaigns; campaign += 1) {
    const sigma = standardDeviation(Array.from({ length: 6 }, () => random.normal()));
    if (cautiousSigma({ sigma, degrees: 5, mean: 0, floor: 0 }) < 1) low += 1;
  }
  // 0.2 give or take four standard errors of 4000 campaigns.
  expect(low / campaigns).toBeGreaterThan(0.175);
  expect(low / campaigns).toBeLessThan(0.225);
});

test('a metric without any noise keeps a little: rounding is no gain', () => {
  expect(cautiousSigma({ sigma: 0, degrees: 5, mean: 10, floor: 0 })).toBeCloseTo(1e-8, 12);
  expect(cautiousSigma({ sigma: 0, degrees: 5, mean: -10, floor: 0 })).toBeCloseTo(1e-8, 12);
  expect(cautiousSigma({ sigma: 0, degrees: 5, mean: 0, floor: 0 })).toBeGreaterThan(0);
});

test("sigma is never taken below the task's floor", () => {
  expect(cautiousSigma({ sigma: 0.001, degrees: 50, mean: 10, floor: 0.5 })).toBe(0.5);
});

test('baselines alone: the variance of a pair is twice that of a trial', () => {
  const { state } = new HandMadeCampaign();
  const { variance, sigma, degrees, tau, source } = currentSpread(state, NOISE, RULES);
  expect(variance).toBeCloseTo(2 * sigma ** 2, 12);
  expect(sigma).toBe(cautiousSigma({ sigma: 0.1, degrees: 5, mean: 10, floor: 0 }));
  expect(degrees).toBe(5);
  expect(tau).toBe(sigma);
  expect(source).toContain('6 baseline runs and 0 degrees');
});

test('pairs of concluded experiments are pooled by their spread about their own mean, not by their gain', () => {
  const campaign = new HandMadeCampaign();
  for (const shift of [0, 5]) {
    const id = campaign.propose();
    campaign.passScreen(id);
    campaign.gains(id, 'replicate', shift + 0.1, shift + 0.2, shift + 0.3);
    campaign.conclude(id, 'discard');
  }
  const { sumOfSquares, degrees } = campaign.state.pairedDifferences;
  expect(degrees).toBe(4);
  expect(sumOfSquares).toBeCloseTo(2 * 0.02, 10);
  const spread = currentSpread(campaign.state, NOISE, RULES);
  expect(spread.degrees).toBe(9);
  const pooled = (5 * 2 * 0.1 ** 2 + 0.04) / 9;
  expect(spread.sigma).toBeCloseTo(cautiousSigma({ sigma: Math.sqrt(pooled / 2), degrees: 9, mean: 10, floor: 0 }), 10);
});

test('pairs that agree closely make the gate sharper than baselines did', () => {
  const campaign = new HandMadeCampaign();
  const before = currentSpread(campaign.state, NOISE, RULES).variance;
  const id = campaign.propose();
  campaign.passScreen(id);
  campaign.gains(id, 'confirm', ...Array.from({ length: 12 }, (_, index) => 0.001 * (index % 2)));
  campaign.conclude(id, 'discard');
  expect(currentSpread(campaign.state, NOISE, RULES).variance).toBeLessThan(before / 2);
});

test('the belief after a screen lies between nothing and what was seen, surer than either', () => {
  const spread = { variance: 0.02, sigma: 0.1, degrees: 5, tau: 0.1, source: '' };
  for (const gain of [-3, -0.1, 0, 0.05, 0.2, 3]) {
    const { mean, sd } = beliefAfterScreen(gain, spread);
    expect(Math.abs(mean)).toBeLessThanOrEqual(Math.abs(gain));
    expect(Math.sign(mean)).toBe(Math.sign(gain));
    expect(sd).toBeLessThan(Math.sqrt(spread.variance));
  }
});
