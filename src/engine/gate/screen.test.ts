import { expect, test } from 'vitest';
import {
  CANCELLED,
  CHEATED,
  CRASHED,
  HandMadeCampaign,
  measured,
  type Arms,
} from '../../domain/hand-made-campaign.fixture.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';
import { grantedLevel, neededReplicationEvidence } from './level.ts';
import { screenStep } from './screen.ts';
import type { GateStep } from './step.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0.01 };

function step(campaign: HandMadeCampaign, id: ExperimentId, rules: GateRules = RULES): GateStep {
  return screenStep({ state: campaign.state, experiment: campaign.experiment(id) }, rules);
}

function screened(arms: Arms): GateStep {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.pair(id, 'screen', arms);
  return step(campaign, id);
}

test('before anything ran, one screening pair is asked for', () => {
  const campaign = new HandMadeCampaign();
  expect(step(campaign, campaign.propose())).toEqual({ kind: 'plan', stage: 'screen', pairs: 1 });
});

test('without a noise floor nothing is decided', () => {
  const campaign = new HandMadeCampaign({ noise: null });
  const id = campaign.propose();
  campaign.pair(id, 'screen', { candidate: measured(1), reference: measured(10) });
  expect(step(campaign, id)).toEqual({ kind: 'wait' });
});

test('a candidate that is far worse is discarded with its numbers', () => {
  const worse = screened({ candidate: measured(11), reference: measured(10) });
  expect(worse).toMatchObject({ kind: 'conclude', verdict: { kind: 'discard', stage: 'screen' } });
  if (worse.kind === 'conclude') expect(worse.verdict.evidence.screenGain).toBeCloseTo(-1, 10);
});

test('a candidate that is no better is discarded', () => {
  expect(screened({ candidate: measured(10), reference: measured(10) })).toMatchObject({
    verdict: { kind: 'discard' },
  });
});

test('a candidate that is far better becomes the next test of the campaign, at the level of that place', () => {
  const passed = screened({ candidate: measured(9), reference: measured(10) });
  const level = grantedLevel({ falseDiscoveryRate: 0.05, testIndex: 1, rejectionsBefore: 0, testHorizon: 20 });
  expect(passed).toMatchObject({ kind: 'pass', stage: 'screen', test: { index: 1, level } });
  const needed = neededReplicationEvidence(level, RULES.confirmLevel).toPrecision(3);
  if (passed.kind === 'pass') expect(passed.reason).toContain(`needs an e-value of ${needed}`);
});

test('the place in the budget counts every test before, also those that were given up, and the keeps among them', () => {
  const campaign = new HandMadeCampaign();
  for (const kind of ['discard', 'keep', 'inconclusive'] as const) {
    const id = campaign.propose();
    campaign.passScreen(id);
    campaign.conclude(id, kind);
  }
  const id = campaign.propose();
  campaign.pair(id, 'screen', { candidate: measured(9), reference: measured(10) });
  const level = grantedLevel({ falseDiscoveryRate: 0.05, testIndex: 4, rejectionsBefore: 1, testHorizon: 20 });
  expect(step(campaign, id)).toMatchObject({ kind: 'pass', test: { index: 4, level } });
});

test('when higher is better, the same numbers say the opposite', () => {
  const campaign = new HandMadeCampaign({ task: { direction: 'maximize' } });
  const id = campaign.propose();
  campaign.pair(id, 'screen', { candidate: measured(9), reference: measured(10) });
  expect(step(campaign, id, { ...RULES, direction: 'maximize' })).toMatchObject({ verdict: { kind: 'discard' } });
});

test.each([Number.NaN, -Infinity, Infinity])('a value of %d never passes, should one get as far as here', (value) => {
  expect(screened({ candidate: measured(value), reference: measured(10) }).kind).toBe('conclude');
  expect(screened({ candidate: measured(9), reference: measured(value) }).kind).toBe('conclude');
});

test('screens of a length of their own are judged by the spread of their own references', () => {
  const verdictAt = (references: readonly number[]): GateStep => {
    const campaign = new HandMadeCampaign({ task: { screensApart: true } });
    for (const reference of references) {
      const id = campaign.propose();
      campaign.pair(id, 'screen', { candidate: measured(reference + 1), reference: measured(reference) });
      campaign.conclude(id, 'discard');
    }
    const id = campaign.propose();
    campaign.pair(id, 'screen', { candidate: measured(19.7), reference: measured(20) });
    return step(campaign, id);
  };
  // 0.3 is three sigma of the noise floor, and nothing where screens vary by 2.
  expect(verdictAt([20, 20.01, 19.99, 20.02, 19.98])).toMatchObject({ kind: 'pass' });
  const noisy = verdictAt([18, 22, 19, 21, 17.5, 22.5]);
  expect(noisy).toMatchObject({ kind: 'conclude', verdict: { kind: 'discard' } });
  if (noisy.kind === 'conclude') expect(noisy.verdict.evidence.sigmaSource).toContain('references that were screened');
});

test('a failed candidate has failed, even while its reference still runs', () => {
  expect(screened({ candidate: CRASHED })).toMatchObject({
    kind: 'conclude',
    verdict: { kind: 'failed', failure: 'crash', stage: 'screen', reasons: ['it crashed'] },
  });
});

test('behaviour that only a cheat shows is suspected, with the checks that it broke and no others', () => {
  expect(screened({ candidate: CHEATED, reference: measured(10) })).toMatchObject({
    verdict: { kind: 'suspected-hack', reasons: ['it knows too much', 'causality: position 3 sees position 4'] },
  });
});

test('it waits for both sides, and for a cancelled one to be run again', () => {
  expect(screened({ candidate: measured(9) })).toEqual({ kind: 'wait' });
  expect(screened({ reference: measured(10) })).toEqual({ kind: 'wait' });
  expect(screened({ candidate: CANCELLED, reference: measured(10) })).toEqual({ kind: 'wait' });
});

test('a failed reference gets one second try, then nothing is claimed of the candidate', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.pair(id, 'screen', { candidate: measured(9), reference: CRASHED });
  expect(step(campaign, id)).toEqual({ kind: 'plan', stage: 'screen', pairs: 1 });
  campaign.pair(id, 'screen', { candidate: measured(9), reference: CRASHED });
  expect(step(campaign, id)).toMatchObject({
    kind: 'conclude',
    verdict: { kind: 'inconclusive', stage: 'screen', reasons: [expect.stringContaining('the reference failed')] },
  });
});

test('the second try decides by its own pair when its reference works', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.pair(id, 'screen', { candidate: measured(5), reference: CRASHED });
  campaign.pair(id, 'screen', { candidate: measured(11), reference: measured(10) });
  expect(step(campaign, id)).toMatchObject({ verdict: { kind: 'discard' } });
});
