import { expect, test } from 'vitest';
import { CHEATED, CRASHED, HandMadeCampaign, measured } from '../../domain/hand-made-campaign.fixture.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import { createRandom } from '../../stats/random.ts';
import { targetRule } from './confirm-rules.ts';
import { confirmStep } from './confirm.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';
import type { GateStep } from './step.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0.05 };
const HIDDEN: GateRules = { ...RULES, holdoutMetric: 'hidden' };

function replicated(): { campaign: HandMadeCampaign; id: ExperimentId; step: (rules?: GateRules) => GateStep } {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.passScreen(id);
  campaign.gains(id, 'replicate', 0.5, 0.5, 0.5);
  campaign.passReplication(id);
  const step = (rules = RULES): GateStep =>
    confirmStep({ state: campaign.state, experiment: campaign.experiment(id) }, rules);
  return { campaign, id, step };
}

/** Confirmation pairs with a visible gain of 0.5 and these gains on the hidden split; undefined where it was not measured. */
function withHidden(...hidden: readonly (number | undefined)[]): GateStep {
  const { campaign, id, step } = replicated();
  for (const gain of hidden) {
    campaign.pair(id, 'confirm', {
      candidate: measured(9.5, gain === undefined ? {} : { hidden: 20 - gain }),
      reference: measured(10, { hidden: 20 }),
    });
  }
  return step(HIDDEN);
}

test('the number of pairs is fixed: all are asked for at once and none is ever added', () => {
  const { campaign, id, step } = replicated();
  expect(step()).toEqual({ kind: 'plan', stage: 'confirm', pairs: 6 });
  campaign.gains(id, 'confirm', 0.2, -0.2, 0.3, -0.1, 0.2, -0.1);
  expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind: 'near-miss', stage: 'confirm' } });
});

test('nothing is decided before the last pair is in, however clear the others are', () => {
  const { campaign, id, step } = replicated();
  campaign.gains(id, 'confirm', 1, 1, 1, 1, 1);
  campaign.pair(id, 'confirm', { candidate: measured(9) });
  expect(step()).toEqual({ kind: 'wait' });
});

test('a confirmed gain is kept, with the numbers to quote: the gain shrunk, never raised', () => {
  const { campaign, id, step } = replicated();
  campaign.gains(id, 'confirm', 0.4, 0.5, 0.6, 0.4, 0.5, 0.6);
  const next = step();
  expect(next).toMatchObject({ kind: 'conclude', verdict: { kind: 'keep', evidence: { confirmPairs: 6 } } });
  if (next.kind !== 'conclude') return;
  const { confirmMeanGain = 0, confirmInterval, confirmP, shrunkenGain = 0 } = next.verdict.evidence;
  expect(confirmMeanGain).toBeCloseTo(0.5, 10);
  expect(confirmInterval?.low).toBeLessThan(0.5);
  expect(confirmInterval?.high).toBeGreaterThan(0.5);
  expect(confirmP).toBeLessThan(0.001);
  expect(shrunkenGain).toBeGreaterThan(0.4);
  expect(shrunkenGain).toBeLessThan(confirmMeanGain);
});

test('the numbers of the replication do not help: a gain that is not there on fresh seeds is a near miss', () => {
  const { campaign, id, step } = replicated();
  campaign.gains(id, 'confirm', 0, 0, 0, 0, 0, 0);
  expect(step()).toMatchObject({
    verdict: { kind: 'near-miss', evidence: { replicateMeanGain: 0.5, confirmMeanGain: 0 } },
  });
});

test('a gain that is sure but smaller than the smallest of interest is not kept', () => {
  const { campaign, id, step } = replicated();
  campaign.gains(id, 'confirm', 0.2, 0.2, 0.2, 0.2, 0.2, 0.2);
  expect(step({ ...RULES, minimumGain: 0.25 })).toMatchObject({ verdict: { kind: 'near-miss' } });
  expect(step()).toMatchObject({ verdict: { kind: 'keep' } });
});

test('a loss is never kept', () => {
  const { campaign, id, step } = replicated();
  campaign.gains(id, 'confirm', -1, -1, -1, -1, -1, -1);
  expect(step({ ...RULES, minimumGain: -5 })).toMatchObject({ verdict: { kind: 'near-miss' } });
});

test('the hidden split must gain too', () => {
  expect(withHidden(0.4, 0.5, 0.6, 0.4, 0.5, 0.6)).toMatchObject({ verdict: { kind: 'keep' } });
  const lost = withHidden(-0.1, -0.1, -0.1, -0.1, -0.1, -0.1);
  expect(lost).toMatchObject({ kind: 'conclude', verdict: { kind: 'near-miss' } });
  if (lost.kind === 'conclude') {
    expect(lost.verdict.reasons[0]).toContain('does not carry over to the hidden split');
    expect(lost.verdict.evidence.hiddenMeanGain).toBeCloseTo(-0.1, 10);
  }
  expect(withHidden(0, 0, 0, 0, 0, 0)).toMatchObject({ verdict: { kind: 'near-miss' } });
});

test('a hidden split that was not measured in every pair keeps nothing', () => {
  expect(withHidden(0.5, 0.5, 0.5, 0.5, 0.5, undefined)).toMatchObject({ verdict: { kind: 'near-miss' } });
  const never = withHidden(undefined, undefined, undefined, undefined, undefined, undefined);
  expect(never).toMatchObject({
    verdict: { kind: 'near-miss', reasons: [expect.stringContaining('was not measured')] },
  });
});

test('a reference that failed leaves it open: fewer pairs than were fixed is a choice of n', () => {
  const { campaign, id, step } = replicated();
  campaign.gains(id, 'confirm', 1, 1, 1, 1, 1);
  campaign.pair(id, 'confirm', { candidate: measured(9), reference: CRASHED });
  expect(step()).toMatchObject({ verdict: { kind: 'inconclusive', reasons: [expect.stringContaining('fixed')] } });
});

test('a candidate that fails or cheats once is not kept, with five perfect pairs beside it', () => {
  for (const [outcome, kind] of [
    [CRASHED, 'failed'],
    [CHEATED, 'suspected-hack'],
  ] as const) {
    const { campaign, id, step } = replicated();
    campaign.gains(id, 'confirm', 1, 1, 1, 1, 1);
    campaign.pair(id, 'confirm', { candidate: outcome, reference: measured(10) });
    expect(step()).toMatchObject({ verdict: { kind, stage: 'confirm', evidence: { replicatePairs: 3 } } });
  }
});

const TARGET: GateRules = { ...RULES, target: { value: 9.8, level: 0.01, direction: 'minimize' } };

/** Confirmation pairs with a gain of 0.5, whose candidates measure around `level`. */
function around(level: number, rules: GateRules, metrics: Readonly<Record<string, number>> = {}): GateStep {
  const { campaign, id, step } = replicated();
  for (const noise of [0.02, -0.02, 0.01, -0.01, 0.03, -0.03])
    campaign.pair(id, 'confirm', {
      candidate: measured(level + noise, metrics),
      reference: measured(level + 0.5 + noise),
    });
  return step(rules);
}

test('a target must be beaten by the candidate itself, beside its reference; both rules are named', () => {
  expect(around(9.5, TARGET)).toMatchObject({
    verdict: {
      kind: 'keep',
      evidence: {
        rules: [
          { rule: 'pairwise', holds: true },
          { rule: 'spread', holds: true },
          { rule: 'target', holds: true },
        ],
      },
    },
  });
  const missed = around(9.79, TARGET);
  expect(missed).toMatchObject({
    verdict: {
      kind: 'near-miss',
      reasons: [expect.stringContaining('the target was not beaten')],
      evidence: {
        rules: [
          { rule: 'pairwise', holds: true },
          { rule: 'spread', holds: true },
          { rule: 'target', holds: false },
        ],
      },
    },
  });
  // Without a target only the pairwise rule is asked.
  expect(around(9.79, RULES)).toMatchObject({
    verdict: { kind: 'keep', evidence: { rules: [{ rule: 'pairwise' }, { rule: 'spread' }] } },
  });
});

test('the target alone keeps nothing: a candidate below it that is no better than its reference', () => {
  const { campaign, id, step } = replicated();
  campaign.pair(id, 'confirm', { candidate: measured(5), reference: measured(5) });
  for (const value of [5.01, 4.99, 5, 5.02, 4.98])
    campaign.pair(id, 'confirm', { candidate: measured(value), reference: measured(5) });
  expect(step(TARGET)).toMatchObject({
    verdict: { kind: 'near-miss', reasons: [expect.stringContaining('confirmation')] },
  });
});

test('a target may be of another metric and direction; one that was not measured is not beaten', () => {
  const accuracy: GateRules = {
    ...RULES,
    target: { value: 0.9, level: 0.01, metric: 'accuracy', direction: 'maximize' },
  };
  expect(around(9.5, accuracy, { accuracy: 0.95 })).toMatchObject({ verdict: { kind: 'keep' } });
  expect(around(9.5, accuracy, { accuracy: 0.85 })).toMatchObject({ verdict: { kind: 'near-miss' } });
  expect(around(9.5, accuracy)).toMatchObject({ verdict: { kind: 'near-miss' } });
});

test('simulated: a candidate that only equals the target passes its rule as rarely as the level says', () => {
  const random = createRandom('target');
  const runs = 4000;
  let held = 0;
  for (let run = 0; run < runs; run += 1) {
    const pairs = Array.from({ length: 6 }, (_, pair) => ({
      pair,
      candidate: measured(3.28 + 0.0013 * random.normal()),
    }));
    if (targetRule(pairs, { value: 3.28, level: 0.01, direction: 'minimize' }).holds) held += 1;
  }
  expect(held / runs).toBeLessThan(0.01 + 3 * Math.sqrt((0.01 * 0.99) / runs));
  expect(held).toBeGreaterThan(10);
});
