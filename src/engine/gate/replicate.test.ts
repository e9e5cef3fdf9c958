import { expect, test } from 'vitest';
import { CRASHED, CHEATED, HandMadeCampaign, measured } from '../../domain/hand-made-campaign.fixture.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import { createSequentialTest, logEValue, observeDifferences } from '../../stats/sequential-test.ts';
import { replicateStep } from './replicate.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';
import type { GateStep } from './step.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0.01, minPairs: 2 };
/** As `passScreen` grants: an e-value of 0.05 / 0.001 = 50 is needed. */
const TEST = { variance: 0.02, tau: 0.1 };

function tested(): { campaign: HandMadeCampaign; id: ExperimentId; step: (rules?: GateRules) => GateStep } {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.passScreen(id, TEST);
  const step = (rules = RULES): GateStep =>
    replicateStep({ state: campaign.state, experiment: campaign.experiment(id) }, rules);
  return { campaign, id, step };
}

test('it begins with the least number of pairs and goes on one by one', () => {
  const { campaign, id, step } = tested();
  expect(step()).toEqual({ kind: 'plan', stage: 'replicate', pairs: 2 });
  campaign.gains(id, 'replicate', 0.1);
  expect(step()).toEqual({ kind: 'plan', stage: 'replicate', pairs: 1 });
  campaign.gains(id, 'replicate', 0.1);
  expect(step()).toEqual({ kind: 'plan', stage: 'replicate', pairs: 1 });
});

test('it waits while a side of any pair is still running, however good the others are', () => {
  const { campaign, id, step } = tested();
  campaign.gains(id, 'replicate', 2, 2, 2);
  campaign.pair(id, 'replicate', { candidate: measured(8) });
  expect(step()).toEqual({ kind: 'wait' });
});

test('a clear gain passes at the first look that brings the evidence, and not before', () => {
  const { campaign, id, step } = tested();
  const seen: number[] = [];
  for (let pairs = 1; pairs <= RULES.maxPairs; pairs += 1) {
    campaign.gains(id, 'replicate', 0.3);
    seen.push(0.3);
    const enough = logEValue(observeDifferences(createSequentialTest(TEST), seen)) >= Math.log(50);
    const next = step();
    expect(next.kind).toBe(enough && pairs >= RULES.minPairs ? 'pass' : 'plan');
    if (next.kind === 'pass') {
      expect(next.reason).toContain(`over ${pairs} pairs`);
      expect(pairs).toBeLessThan(8);
      return;
    }
  }
  throw new Error('a gain of three sigma never passed');
});

test('what goes the wrong way is given up early, and discarded', () => {
  const { campaign, id, step } = tested();
  campaign.gains(id, 'replicate', -0.2, -0.2, -0.2);
  const next = step();
  expect(next).toMatchObject({ kind: 'conclude', verdict: { kind: 'discard', stage: 'replicate' } });
  if (next.kind === 'conclude') expect(next.verdict.reasons[0]).toContain('replication stopped');
});

test('at the most that a test may cost, a small gain that is more likely than not is a near miss', () => {
  const { campaign, id, step } = tested();
  campaign.gains(id, 'replicate', ...Array.from({ length: RULES.maxPairs }, () => 0.05));
  const next = step({ ...RULES, futilityProbability: 0 });
  expect(next).toMatchObject({ kind: 'conclude', verdict: { kind: 'near-miss' } });
  if (next.kind !== 'conclude') return;
  expect(next.verdict.reasons[0]).toContain(`(${RULES.maxPairs} pairs) did not settle it`);
  expect(next.verdict.evidence).toMatchObject({ replicatePairs: RULES.maxPairs, testIndex: 1, eValueNeeded: 50 });
  expect(next.verdict.evidence.eValue).toBeLessThan(50);
  expect(next.verdict.evidence.replicateMeanGain).toBeCloseTo(0.05, 10);
});

test('a gain below the smallest of interest stays open, neither near nor discarded', () => {
  const { campaign, id, step } = tested();
  campaign.gains(id, 'replicate', ...Array.from({ length: RULES.maxPairs }, () => 0.005));
  expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind: 'inconclusive' } });
});

test('a pair whose reference failed counts towards the cost but brings no evidence', () => {
  const { campaign, id, step } = tested();
  campaign.gains(id, 'replicate', 0.05, 0.05);
  campaign.pair(id, 'replicate', { candidate: measured(1), reference: CRASHED });
  const next = step({ ...RULES, maxPairs: 3, futilityProbability: 0 });
  expect(next).toMatchObject({ kind: 'conclude', verdict: { evidence: { replicatePairs: 2 } } });
  if (next.kind === 'conclude') expect(next.verdict.evidence.replicateMeanGain).toBeCloseTo(0.05, 10);
  expect(step({ ...RULES, maxPairs: 4, futilityProbability: 0 })).toEqual({
    kind: 'plan',
    stage: 'replicate',
    pairs: 1,
  });
});

test('when the reference failed in every pair nothing is claimed', () => {
  const { campaign, id, step } = tested();
  for (let count = 0; count < 2; count += 1)
    campaign.pair(id, 'replicate', { candidate: measured(1), reference: CRASHED });
  expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind: 'inconclusive' } });
});

test('one failed or suspected trial of the candidate ends it, with evidence enough or not', () => {
  for (const [outcome, kind] of [
    [CRASHED, 'failed'],
    [CHEATED, 'suspected-hack'],
  ] as const) {
    const { campaign, id, step } = tested();
    campaign.gains(id, 'replicate', 3, 3, 3);
    campaign.pair(id, 'replicate', { candidate: outcome, reference: measured(10) });
    expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind, stage: 'replicate' } });
  }
});

test('the screen is shown in the verdict but is no evidence', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.pair(id, 'screen', { candidate: measured(5), reference: measured(10) });
  campaign.passScreen(id, TEST);
  campaign.gains(id, 'replicate', -0.2, -0.2, -0.2);
  const next = replicateStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES);
  expect(next).toMatchObject({ verdict: { kind: 'discard', evidence: { screenGain: 5, replicatePairs: 3 } } });
});

test('a gain so large that its e-value overflows is still a finite number', () => {
  const { campaign, id, step } = tested();
  campaign.gains(id, 'replicate', 1e4, 1e4);
  expect(step()).toMatchObject({ kind: 'pass' });
  expect(step({ ...RULES, minPairs: 3 })).toMatchObject({ kind: 'plan', pairs: 1 });
});
