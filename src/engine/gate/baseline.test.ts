import { expect, test } from 'vitest';
import { CRASHED, HandMadeCampaign, measured } from '../../domain/hand-made-campaign.fixture.ts';
import { BASELINE_EXPERIMENT } from '../../domain/ids.ts';
import type { TrialOutcome } from '../../domain/trial.ts';
import { verdictEvents } from '../verdict-events.ts';
import { baselineStep, finalStep } from './baseline.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';
import type { GateStep } from './step.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', baselineRuns: 6 };

function started(slots: number): {
  campaign: HandMadeCampaign;
  run: (outcome?: TrialOutcome) => void;
  step: () => GateStep;
} {
  const campaign = new HandMadeCampaign({ noise: null, slots });
  return {
    campaign,
    run: (outcome) => campaign.pair(BASELINE_EXPERIMENT, 'baseline', outcome ? { candidate: outcome } : {}),
    step: () => baselineStep({ state: campaign.state, experiment: campaign.experiment(BASELINE_EXPERIMENT) }, RULES),
  };
}

test('the starting point is run as often as the task says, and once more on each slot to warm up', () => {
  expect(started(1).step()).toEqual({ kind: 'plan', stage: 'baseline', pairs: 7 });
  expect(started(3).step()).toEqual({ kind: 'plan', stage: 'baseline', pairs: 9 });
});

test('the runs that warm up are recorded and left out of the noise floor, whatever they measured', () => {
  const { campaign, run, step } = started(2);
  for (const value of [50, 0.1, 10, 10.2, 9.8, 10, 10.1, 9.9]) run(measured(value));
  const next = step();
  expect(next).toMatchObject({ kind: 'conclude', verdict: { kind: 'keep' } });
  if (next.kind !== 'conclude') return;
  expect(next.verdict.reasons[0]).toContain('measured 8 times, 2 of them to warm up');
  const [noise] = verdictEvents(campaign.state, campaign.experiment(BASELINE_EXPERIMENT), next.verdict, RULES);
  expect(noise).toMatchObject({ type: 'noise.measured', runs: 6 });
  if (noise?.type !== 'noise.measured') return;
  expect(noise.mean).toBeCloseTo(10, 10);
  expect(noise.sigma).toBeCloseTo(Math.sqrt(0.1 / 5), 10);
  expect(noise.sigmaUsed).toBeGreaterThan(noise.sigma);
});

test('one failure among good runs is made up for by one more run, and said', () => {
  const { run, step } = started(1);
  for (let count = 0; count < 6; count += 1) run(measured(10 + count / 100));
  run(CRASHED);
  expect(step()).toEqual({ kind: 'plan', stage: 'baseline', pairs: 1 });
  run(measured(10));
  const next = step();
  expect(next).toMatchObject({ kind: 'conclude', verdict: { kind: 'keep' } });
  if (next.kind === 'conclude') expect(next.verdict.reasons[0]).toContain('1 more runs failed: it crashed');
});

test('more failures than a fifth of the runs say that the task does not work here', () => {
  const { run, step } = started(1);
  for (let count = 0; count < 5; count += 1) run(measured(10));
  run(CRASHED);
  run(CRASHED);
  expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind: 'failed', failure: 'crash' } });
});

test('when all fail, the first failure already ends it', () => {
  const { run, step } = started(2);
  run(CRASHED);
  run();
  run();
  expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind: 'failed', reasons: ['it crashed'] } });
});

test('it waits for the runs under way', () => {
  const { run, step } = started(1);
  for (let count = 0; count < 6; count += 1) run(measured(10));
  run();
  expect(step()).toEqual({ kind: 'wait' });
});

test('the final comparison has a fixed number of pairs and waits for all of them', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose({ operator: 'baseline' });
  const step = (): GateStep => finalStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES);
  expect(step()).toEqual({ kind: 'plan', stage: 'final', pairs: 6 });
  campaign.gains(id, 'final', 1, 1.1, 0.9, 1, 1);
  campaign.pair(id, 'final', { candidate: measured(9) });
  expect(step()).toEqual({ kind: 'wait' });
});

test('the final comparison says what the champion gained, or that it is not established', () => {
  const compare = (...gains: readonly number[]): GateStep => {
    const campaign = new HandMadeCampaign();
    const id = campaign.propose({ operator: 'baseline' });
    campaign.gains(id, 'final', ...gains);
    return finalStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES);
  };
  expect(compare(1, 1.1, 0.9, 1, 1.1, 0.9)).toMatchObject({ verdict: { kind: 'keep', evidence: { confirmPairs: 6 } } });
  expect(compare(1, -1, 1, -1, 1, -1)).toMatchObject({ verdict: { kind: 'inconclusive' } });
  expect(compare(-1, -1.1, -0.9, -1, -1.1, -0.9)).toMatchObject({ verdict: { kind: 'inconclusive' } });
});

test('a champion that fails once leaves the final comparison open: its pair is not dropped', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose({ operator: 'baseline' });
  campaign.gains(id, 'final', 1, 1, 1, 1, 1);
  campaign.pair(id, 'final', { candidate: CRASHED, reference: measured(10) });
  expect(finalStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES)).toMatchObject({
    verdict: { kind: 'inconclusive', reasons: [expect.stringContaining('1 of 6')] },
  });
});

test('a start that fails in most pairs leaves nothing to compare with', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose({ operator: 'baseline' });
  campaign.gains(id, 'final', 1, 1);
  for (let count = 0; count < 4; count += 1) {
    campaign.pair(id, 'final', { candidate: measured(9), reference: CRASHED });
  }
  expect(finalStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES)).toMatchObject({
    verdict: { kind: 'inconclusive' },
  });
});
