import { describe, expect, test } from 'vitest';
import { CHEATED, CRASHED, HandMadeCampaign, measured } from '../../domain/hand-made-campaign.fixture.ts';
import { createRandom } from '../../stats/random.ts';
import { nextStep } from './gate.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';
import type { GateStep } from './step.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0.1, ablationPairs: 6 };

/** The champion without a change beside the champion: gains of the removal. */
function ablated(...gains: readonly number[]): { campaign: HandMadeCampaign; step: (rules?: GateRules) => GateStep } {
  const campaign = new HandMadeCampaign({ noise: { sigma: 0.03, sigmaUsed: 0.03 } });
  const change = campaign.propose({ change: { type: 'knobs', values: { WIDTH: 32 } } });
  campaign.crown(change, 0.2);
  const id = campaign.propose({
    operator: 'ablate',
    change: { type: 'undo', experiment: change, change: { type: 'knobs', values: { WIDTH: 32 } } },
  });
  campaign.gains(id, 'replicate', ...gains);
  const step = (rules = RULES): GateStep =>
    nextStep({ state: campaign.state, experiment: campaign.experiment(id) }, rules);
  return { campaign, step };
}

describe('the ablation', () => {
  test('it asks for all its pairs at once, without a screen, and for no more', () => {
    expect(ablated().step()).toEqual({ kind: 'plan', stage: 'replicate', pairs: 6 });
    expect(ablated(0, 0.01, -0.01, 0, 0.02, -0.3).step().kind).toBe('conclude');
  });

  test('a change that carries its weight stays, with what it carries and how surely', () => {
    const step = ablated(-0.3, -0.32, -0.28, -0.3, -0.31, -0.29).step();
    expect(step).toMatchObject({ kind: 'conclude', verdict: { kind: 'discard', stage: 'replicate' } });
    if (step.kind !== 'conclude') return;
    const { carries } = step.verdict.evidence;
    expect(carries?.gain).toBeCloseTo(0.3, 10);
    expect(carries?.interval.low).toBeGreaterThan(0.2);
    expect(carries?.interval.high).toBeGreaterThan(0.3);
    expect(step.verdict.reasons[0]).toMatch(/carries \+0\.300 \(95 % interval \+0\.\d+ to \+0\.\d+, n = 6 pairs\)/);
  });

  test('one that carries less than the smallest gain of interest, surely, is taken out and no gain is claimed', () => {
    const step = ablated(0, 0.01, -0.01, 0.02, -0.02, 0).step();
    expect(step).toMatchObject({
      verdict: {
        kind: 'keep',
        evidence: { claim: 'not-worse', shrunkenGain: 0, rules: [{ rule: 'not-worse', holds: true }] },
      },
    });
  });

  test('not sure is not enough: the same mean with more spread stays', () => {
    expect(ablated(0.3, -0.3, 0.2, -0.2, 0.25, -0.25).step()).toMatchObject({ verdict: { kind: 'discard' } });
  });

  test('without a smallest gain of interest only what does harm is taken out', () => {
    const even = ablated(0, 0.01, -0.01, 0.02, -0.02, 0).step({ ...RULES, minimumGain: 0 });
    expect(even).toMatchObject({ verdict: { kind: 'discard' } });
    const better = ablated(0.4, 0.41, 0.39, 0.4, 0.42, 0.38).step({ ...RULES, minimumGain: 0 });
    expect(better).toMatchObject({ verdict: { kind: 'keep', evidence: { claim: 'not-worse', shrunkenGain: 0 } } });
  });

  test('a loss on hidden data keeps the change in', () => {
    const { campaign, step } = ablated();
    const id = [...campaign.state.open].at(-1);
    if (!id) throw new Error('nothing is open');
    for (let pair = 0; pair < 6; pair += 1)
      campaign.pair(id, 'replicate', {
        candidate: measured(10, { hidden: 21 }),
        reference: measured(10, { hidden: 20 }),
      });
    expect(step({ ...RULES, holdoutMetric: 'hidden' })).toMatchObject({ verdict: { kind: 'discard' } });
    expect(step()).toMatchObject({ verdict: { kind: 'keep' } });
  });

  test.each([
    ['candidate', { candidate: CRASHED, reference: measured(10) }, 'failed'],
    ['candidate that cheats', { candidate: CHEATED, reference: measured(10) }, 'suspected-hack'],
    ['reference', { candidate: measured(10), reference: CRASHED }, 'inconclusive'],
  ] as const)('a failed %s decides nothing in favour of the removal', (_, arms, kind) => {
    const { campaign, step } = ablated(0, 0, 0, 0, 0);
    const id = [...campaign.state.open].at(-1);
    if (!id) throw new Error('nothing is open');
    campaign.pair(id, 'replicate', arms);
    expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind } });
  });

  test('simulated: of changes that carry exactly the smallest gain of interest at most 2.5 % are taken out', () => {
    const random = createRandom('margin');
    let [removed, runs] = [0, 1500];
    for (let run = 0; run < runs; run += 1) {
      const gains = Array.from({ length: 6 }, () => -RULES.minimumGain + 0.05 * random.normal());
      const step = ablated(...gains).step();
      if (step.kind === 'conclude' && step.verdict.kind === 'keep') removed += 1;
    }
    expect(removed / runs).toBeLessThan(0.025 + 3 * Math.sqrt((0.025 * 0.975) / runs));
  });
});
