import { describe, expect, test } from 'vitest';
import type { AuditReport } from '../../domain/audit.ts';
import { HandMadeCampaign } from '../../domain/hand-made-campaign.fixture.ts';
import type { Stage, TrialFacts, TrialOutcome } from '../../domain/trial.ts';
import { openTrials } from '../../domain/state.ts';
import { createRandom, type Random } from '../../stats/random.ts';
import { mean } from '../../stats/summary.ts';
import { NUMBER_AUDITS } from '../catalogue/number-audits.ts';
import { auditNumbers } from './audit-numbers.ts';
import type { NumbersInput } from './number-audit.ts';

const SIGMA = 0.1;
const BUDGET = { limitSeconds: 2, graceSeconds: 1 };

interface Made {
  readonly stage?: Stage;
  readonly candidate: number;
  readonly reference: number;
  readonly hidden?: { readonly candidate: number; readonly reference: number };
  readonly facts?: TrialFacts;
}

function outcome(value: number, hidden: number | undefined, facts: TrialFacts = {}): TrialOutcome {
  const metrics = hidden === undefined ? {} : { hidden };
  return {
    status: 'succeeded',
    result: { value, metrics, checks: [] },
    facts: { wallSeconds: 2, budgetSeconds: 1.9, ...facts },
  };
}

/** The reports on an experiment with these pairs, by audit. */
function audited(
  pairs: readonly Made[],
  options: Partial<NumbersInput> & {
    history?: readonly number[];
    sigma?: number;
    holdout?: boolean;
    screensApart?: boolean;
  } = {},
): (id: string) => AuditReport {
  const { history = [], sigma = SIGMA, holdout = true, screensApart = false, ...rest } = options;
  const campaign = new HandMadeCampaign({
    task: { screensApart, ...(holdout ? { holdoutMetric: 'hidden' } : {}) },
    noise: { sigma, sigmaUsed: sigma },
  });
  for (const gain of history) {
    const before = campaign.propose();
    campaign.conclude(before, 'discard', { screenGain: gain });
  }
  const id = campaign.propose();
  for (const { stage = 'confirm', candidate, reference, hidden, facts } of pairs)
    campaign.pair(id, stage, {
      candidate: outcome(candidate, hidden?.candidate, facts),
      reference: outcome(reference, hidden?.reference),
    });
  const confirmMeanGain = pairs.length === 0 ? 0 : mean(pairs.map((pair) => pair.reference - pair.candidate));
  const reports = auditNumbers({
    state: campaign.state,
    experiment: campaign.experiment(id),
    trials: openTrials(campaign.state, id),
    verdict: { kind: 'keep', stage: 'confirm', reasons: ['by hand'], evidence: { confirmMeanGain } },
    budget: BUDGET,
    machine: { cores: 1 },
    ...rest,
  });
  return (audit) => {
    const report = reports.find((each) => each.audit === audit);
    if (!report) throw new Error(`${audit} is silent`);
    return report;
  };
}

/** Pairs as an honest change gives them: noise of its own beside noise that the seed brings. */
function honest(random: Random, gain: number, count = 10, noise = SIGMA): Made[] {
  return Array.from({ length: count }, (_, index) => {
    const shared = random.normal();
    const value = (level: number): number => level + noise * Math.SQRT1_2 * (shared + random.normal());
    const hidden = { candidate: value(20 - gain), reference: value(20) };
    return { stage: index < 4 ? 'replicate' : 'confirm', candidate: value(10 - gain), reference: value(10), hidden };
  });
}

test('every audit of the catalogue reports, with how much it looked at, also when there is nothing', () => {
  for (const pairs of [[], honest(createRandom('one'), 0.2, 1), honest(createRandom('many'), 0.2)]) {
    const report = audited(pairs);
    for (const { id, version } of NUMBER_AUDITS) {
      expect(report(id)).toMatchObject({ audit: id, version });
      expect(report(id).detail.length).toBeGreaterThan(10);
      if (pairs.length === 0) expect(report(id).finding).toBe('passed');
    }
  }
});

test('honest numbers: nothing fires in 400 experiments, and little is noted', () => {
  const random = createRandom('honest');
  let noted = 0;
  for (let run = 0; run < 400; run += 1) {
    const gain = random.pick([0, 0.05, 0.2, 1]);
    const report = audited(honest(random, gain), { history: Array.from({ length: 25 }, () => 0.2 * random.normal()) });
    for (const { id } of NUMBER_AUDITS) {
      expect(report(id).finding, `${id}: ${report(id).detail}`).not.toBe('fired');
      if (report(id).finding === 'noted') noted += 1;
    }
  }
  // A gain of ten sigma may well surprise; nothing else should.
  expect(noted).toBeLessThan(130);
});

describe('seed-ignored', () => {
  const random = createRandom('seeds');

  test('fires on values that are the same whatever the seed', () => {
    const made = honest(random, 0.2).map((pair) => ({ ...pair, candidate: 9.5 }));
    expect(audited(made)('seed-ignored')).toMatchObject({
      finding: 'fired',
      detail: expect.stringContaining('last bit'),
    });
  });

  test('notes values that were jittered a little to look alive: a better method may spread as little', () => {
    const made = honest(random, 0.2).map((pair) => ({ ...pair, candidate: 9.5 + 1e-4 * random.normal() }));
    expect(audited(made)('seed-ignored')).toMatchObject({
      finding: 'noted',
      detail: expect.stringMatching(/chi-square p = .*e-/),
    });
  });

  test('does not fire where the whole line has become less noisy, nor on a change that halves the noise', () => {
    expect(audited(honest(random, 0.2, 12, SIGMA / 20))('seed-ignored').finding).toBe('noted');
    const quieter = honest(random, 0.2, 12).map((pair, index) => ({
      ...pair,
      candidate: 9.8 + (SIGMA / 2) * Math.sin(7 * index),
    }));
    expect(audited(quieter)('seed-ignored').finding).not.toBe('fired');
  });

  test('says nothing where the task has no noise, or two values only', () => {
    const same = Array.from({ length: 8 }, () => ({ candidate: 1, reference: 2 }));
    expect(audited(same, { sigma: 0 })('seed-ignored').finding).toBe('passed');
    expect(audited(same.slice(0, 2))('seed-ignored').finding).toBe('passed');
  });
});

test('silent-knob-run notes a change that changes no value at all, and only that', () => {
  const random = createRandom('silent');
  const made = honest(random, 0).map((pair) => ({ ...pair, candidate: pair.reference }));
  expect(audited(made)('silent-knob-run').finding).toBe('noted');
  expect(audited([...made, ...honest(random, 0, 1)])('silent-knob-run').finding).toBe('passed');
});

describe('split-gap', () => {
  const random = createRandom('split');
  const fitted = (hiddenGain: number): Made[] =>
    honest(random, 0.5, 8).map((pair) => ({
      ...pair,
      hidden: { candidate: 20 - hiddenGain + 0.02 * random.normal(), reference: 20 + 0.02 * random.normal() },
    }));

  test('fires when only the visible split gained, and notes a gain that is smaller on the hidden one', () => {
    expect(audited(fitted(-0.1))('split-gap')).toMatchObject({
      finding: 'fired',
      detail: expect.stringContaining('8 pairs'),
    });
    expect(audited(fitted(0.1))('split-gap').finding).toBe('noted');
    expect(audited(honest(random, 0.5, 8))('split-gap').finding).toBe('passed');
  });

  test('a task without a hidden split is told so', () => {
    expect(audited(fitted(-0.1), { holdout: false })('split-gap')).toMatchObject({
      finding: 'passed',
      detail: 'the task has no hidden split',
    });
  });
});

describe('effort, throughput, budget and claims', () => {
  const random = createRandom('effort');
  const withFacts = (facts: TrialFacts, gain = 0.2): Made[] =>
    honest(random, gain, 6).map((pair) => ({ ...pair, facts }));

  test('a gain in a tenth of the time is noted; a loss is not, nor is a fair share', () => {
    expect(audited(withFacts({ budgetSeconds: 0.2 }, 1))('effort').finding).toBe('noted');
    expect(audited(withFacts({ budgetSeconds: 0.2 }, -1))('effort').finding).toBe('passed');
    expect(audited(withFacts({ budgetSeconds: 1.2 }, 1))('effort').finding).toBe('passed');
  });

  test('claims of more arithmetic than a core can do are noted', () => {
    const sane = { claim: { tokens: 65_536, parameters: 250_000 } };
    expect(audited(withFacts(sane))('throughput')).toMatchObject({
      finding: 'passed',
      detail: expect.stringContaining('6 runs claim'),
    });
    const absurd = { claim: { total_tokens_M: 499.6, num_params_M: 50.3 } };
    expect(audited(withFacts(absurd))('throughput').finding).toBe('noted');
    expect(audited(withFacts(absurd), { machine: { cores: 1, acceleratorFlops: 1e18 } })('throughput').finding).toBe(
      'passed',
    );
    expect(audited(withFacts({ claim: { tokens: 1e15 } }))('throughput').finding).toBe('passed');
  });

  test('the grace used in every run fires beside references that do not, in all but one not', () => {
    const edge = withFacts({ budgetSeconds: 2.4 });
    expect(audited(edge)('budget-edge').finding).toBe('fired');
    expect(audited([...edge, ...honest(random, 0.2, 1)])('budget-edge').finding).toBe('passed');
  });

  test('claims that are never what is measured are noted', () => {
    expect(audited(withFacts({ claim: { loss: 8 } }))('claims-drift').finding).toBe('noted');
    const right = honest(random, 0.2, 6).map((pair) => ({ ...pair, facts: { claim: { loss: pair.candidate } } }));
    expect(audited(right)('claims-drift').finding).toBe('passed');
    expect(audited([...right, ...withFacts({ claim: { loss: 8 } })])('claims-drift').finding).toBe('passed');
  });
});

test('surprise: a gain unlike all before it is noted once there is a history', () => {
  const random = createRandom('surprise');
  const history = Array.from({ length: 40 }, () => 0.1 * random.normal());
  expect(audited(honest(random, 3), { history })('surprise').finding).toBe('noted');
  expect(audited(honest(random, 0.2), { history })('surprise').finding).toBe('passed');
  expect(audited(honest(random, 3), { history: history.slice(0, 10) })('surprise').finding).toBe('passed');
});

test('gains and effort of screens that are apart are held against no whole trial', () => {
  // A screen that gained much, then whole trials that lost a little in hardly any time.
  const facts = { budgetSeconds: 0.1 };
  const pairs: Made[] = [
    { stage: 'screen', candidate: 10, reference: 20, facts },
    { stage: 'replicate', candidate: 10.1, reference: 10, facts },
    { stage: 'replicate', candidate: 10.2, reference: 10, facts },
  ];
  expect(audited(pairs)('effort').finding).toBe('noted');
  expect(audited(pairs, { screensApart: true })('effort').finding).toBe('passed');
  const history = Array.from({ length: 30 }, (_, index) => 0.01 * index);
  const large = honest(createRandom('large'), 5);
  expect(audited(large, { history })('surprise').finding).toBe('noted');
  expect(audited(large, { history, screensApart: true })('surprise').detail).toMatch(/^0 gains before it/);
});
