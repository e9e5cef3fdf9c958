import { expect, test } from 'vitest';
import { commit, HandMadeCampaign } from '../../domain/hand-made-campaign.fixture.ts';
import type { Change, KnobValue } from '../../domain/hypothesis.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import { pointKey } from '../../search/knob-space.ts';
import { heldChanges } from '../../domain/champion-changes.ts';
import { ablate, isAblationDue } from './ablate.ts';
import { combine } from './combine.ts';
import type { Draft } from './operator.ts';
import { applyPatternOperator } from './pattern.ts';
import { replicate } from './replicate.ts';
import { draftOn, handMadeSpace, SEEDS } from './search.fixture.ts';
import { tune } from './tune.ts';

const pattern = (id: string): Change => ({ type: 'pattern', pattern: id, action: 'apply' });
const knobs = (values: Readonly<Record<string, KnobValue>>): Change => ({ type: 'knobs', values });

function concluded(
  campaign: HandMadeCampaign,
  kind: Parameters<HandMadeCampaign['conclude']>[1],
  made: Parameters<HandMadeCampaign['propose']>[0],
  evidence: Parameters<HandMadeCampaign['conclude']>[2] = {},
): ExperimentId {
  const id = campaign.propose(made);
  campaign.conclude(id, kind, evidence);
  return id;
}

const mergedOther = (draft: Draft | undefined): string | undefined =>
  draft?.change.type === 'merge' ? draft.change.otherExperiment : undefined;

function merge(campaign: HandMadeCampaign, other: ExperimentId): Change {
  const { candidate } = campaign.experiment(other);
  if (!candidate) throw new Error('nothing to merge');
  return { type: 'merge', other: candidate, otherExperiment: other };
}

test('pattern: one that was tried on this champion, or is under way on it, is never proposed again', async () => {
  const campaign = new HandMadeCampaign();
  concluded(campaign, 'discard', { change: pattern('rope') });
  campaign.propose({ change: pattern('ema') });
  for (const seed of SEEDS)
    expect((await draftOn(campaign, applyPatternOperator, { seed }))?.change).toEqual(pattern('relu2'));
  concluded(campaign, 'failed', { change: pattern('relu2') });
  expect(await draftOn(campaign, applyPatternOperator)).toBeUndefined();
});

test('pattern: on a new champion an old failure may be tried again, what the champion has may not', async () => {
  const campaign = new HandMadeCampaign();
  concluded(campaign, 'discard', { change: pattern('rope') });
  campaign.crown(campaign.propose({ change: pattern('ema') }));
  const space = handMadeSpace({ applied: ['ema'] });
  const seen = new Set<string>();
  for (const seed of SEEDS) {
    const change = (await draftOn(campaign, applyPatternOperator, { seed, space }))?.change;
    if (change?.type === 'pattern') seen.add(change.pattern);
  }
  expect([...seen].sort()).toEqual(['relu2', 'rope']);
});

test('pattern: what worked elsewhere is preferred to what did not', async () => {
  const campaign = new HandMadeCampaign();
  concluded(campaign, 'near-miss', { change: pattern('rope') }, { replicateMeanGain: 0.5 });
  concluded(campaign, 'discard', { change: pattern('relu2') }, { screenGain: -0.5 });
  campaign.crown(campaign.propose({ change: knobs({ WIDTH: 128 }) }));
  const firsts: Record<string, number> = { rope: 0, relu2: 0 };
  for (const seed of SEEDS) {
    const change = (await draftOn(campaign, applyPatternOperator, { seed }))?.change;
    if (change?.type === 'pattern') firsts[change.pattern] = (firsts[change.pattern] ?? 0) + 1;
  }
  expect(firsts['rope']).toBeGreaterThan(SEEDS.length / 2);
  expect(firsts['relu2']).toBe(0);
});

test('combine: a kept branch comes before a near miss, however large the near miss; then the larger gain', async () => {
  const campaign = new HandMadeCampaign();
  const near = concluded(campaign, 'near-miss', { change: pattern('ema') }, { confirmMeanGain: 9 });
  const small = concluded(campaign, 'keep', { change: pattern('rope') }, { confirmMeanGain: 0.1 });
  const large = concluded(campaign, 'keep', { change: pattern('relu2') }, { confirmMeanGain: 0.2 });
  campaign.crown(campaign.propose({ change: knobs({ WIDTH: 128 }) }));
  for (const expected of [large, small, near]) {
    const draft = await draftOn(campaign, combine);
    expect(mergedOther(draft)).toBe(expected);
    if (draft) concluded(campaign, 'discard', { operator: 'combine', change: draft.change });
  }
  expect(await draftOn(campaign, combine)).toBeUndefined();
});

test('combine: what is in the champion is never merged again, by its own line or by an earlier merge', async () => {
  const campaign = new HandMadeCampaign();
  const inner = concluded(campaign, 'keep', { change: pattern('rope') }, { confirmMeanGain: 1 });
  const branch = concluded(campaign, 'keep', { parent: inner, change: pattern('ema') }, { confirmMeanGain: 1 });
  campaign.crown(campaign.propose({ change: knobs({ WIDTH: 128 }) }));
  campaign.crown(campaign.propose({ operator: 'combine', change: merge(campaign, branch) }));
  campaign.crown(campaign.propose({ change: knobs({ WIDTH: 256 }) }));
  // The inner step came in with the branch that stood on it.
  expect(await draftOn(campaign, combine)).toBeUndefined();
});

test('combine: a branch whose one step was tried on the champion itself would only repeat it', async () => {
  const campaign = new HandMadeCampaign();
  concluded(campaign, 'near-miss', { change: pattern('rope') }, { confirmMeanGain: 1 });
  campaign.crown(campaign.propose({ change: knobs({ WIDTH: 128 }) }));
  concluded(campaign, 'discard', { change: pattern('rope') });
  expect(await draftOn(campaign, combine)).toBeUndefined();
});

test('combine: nothing discarded, failed or suspected is ever joined', async () => {
  const campaign = new HandMadeCampaign();
  for (const kind of ['discard', 'failed', 'suspected-hack', 'inconclusive'] as const) {
    concluded(campaign, kind, { change: knobs({ WIDTH: 32 }) }, { confirmMeanGain: 5 });
  }
  campaign.crown(campaign.propose({ change: pattern('rope') }));
  expect(await draftOn(campaign, combine)).toBeUndefined();
});

test('replicate: only near misses with evidence for them, against what is champion now, once each, the largest first', async () => {
  const campaign = new HandMadeCampaign();
  concluded(campaign, 'near-miss', {}, { replicateMeanGain: 9, eValue: 20 });
  campaign.crown(campaign.propose({}));
  concluded(campaign, 'near-miss', {}, { replicateMeanGain: 8, eValue: 0.9 });
  concluded(campaign, 'near-miss', {}, { replicateMeanGain: 8 });
  for (const kind of ['inconclusive', 'discard', 'keep'] as const) {
    concluded(campaign, kind, {}, { replicateMeanGain: 7, eValue: 9 });
  }
  const small = concluded(campaign, 'near-miss', {}, { replicateMeanGain: 0.1, eValue: 3 });
  const large = concluded(campaign, 'near-miss', {}, { replicateMeanGain: 0.2, eValue: 2 });
  for (const expected of [large, small]) {
    const draft = await draftOn(campaign, replicate);
    expect(draft).toMatchObject({ parent: expected, change: { type: 'none' } });
    const again = campaign.propose({ operator: 'replicate', parent: expected });
    expect(campaign.experiment(again).reference).toBe(campaign.experiment(campaign.state.champion).candidate);
    campaign.conclude(again, 'near-miss', { replicateMeanGain: 0.1, eValue: 3 });
  }
  expect(await draftOn(campaign, replicate)).toBeUndefined();
});

test('ablate: never the newest step, which was measured when it came in, and none twice', async () => {
  const campaign = new HandMadeCampaign();
  expect(await draftOn(campaign, ablate)).toBeUndefined();
  const steps: ExperimentId[] = [];
  for (const id of ['rope', 'relu2', 'ema']) {
    steps.push(campaign.propose({ change: pattern(id) }));
    campaign.crown(steps.at(-1) as ExperimentId, 0.1);
    if (steps.length === 1) expect(await draftOn(campaign, ablate)).toBeUndefined();
  }
  const seen = new Set<string>();
  for (const seed of SEEDS) {
    const change = (await draftOn(campaign, ablate, { seed }))?.change;
    if (change?.type === 'undo') seen.add(change.experiment);
  }
  expect([...seen].sort()).toEqual(steps.slice(0, 2).sort());
  for (const [index, step] of steps.slice(0, 2).entries()) {
    const undo: Change = { type: 'undo', experiment: step, change: pattern(['rope', 'relu2'][index] ?? '') };
    concluded(campaign, 'discard', { operator: 'ablate', change: undo });
  }
  expect(await draftOn(campaign, ablate)).toBeUndefined();
});

test('ablate: what was taken out is held no more, and the rest is looked at again in the new company', async () => {
  const campaign = new HandMadeCampaign();
  const [first, second] = ['rope', 'relu2', 'ema'].map((id) => {
    const step = campaign.propose({ change: pattern(id) });
    campaign.crown(step, 0.1);
    return step;
  });
  if (!first || !second) throw new Error('no steps');
  const removal = campaign.propose({
    operator: 'ablate',
    change: { type: 'undo', experiment: first, change: pattern('rope') },
  });
  campaign.crown(removal, 0);
  expect(heldChanges(campaign.state).map(({ experiment }) => experiment.proposal.change)).toEqual([
    pattern('relu2'),
    pattern('ema'),
  ]);
  const targets = new Set<string>();
  for (const seed of SEEDS) {
    const change = (await draftOn(campaign, ablate, { seed }))?.change;
    if (change?.type === 'undo') targets.add(change.experiment);
  }
  expect(targets.has(first)).toBe(false);
  expect(targets.has(second)).toBe(true);
});

test('ablate: a near miss that a second test kept is a change of the champion like any other', async () => {
  const campaign = new HandMadeCampaign();
  const near = concluded(campaign, 'near-miss', { change: pattern('rope') }, { replicateMeanGain: 0.1, eValue: 3 });
  campaign.crown(
    campaign.propose({
      operator: 'replicate',
      parent: near,
      candidate: campaign.experiment(near).candidate ?? commit('none'),
    }),
    0.2,
  );
  campaign.crown(campaign.propose({ change: pattern('ema') }));
  const [held] = heldChanges(campaign.state);
  expect(held).toMatchObject({ experiment: { id: near }, keptBy: { proposal: { operator: 'replicate' } } });
  expect((await draftOn(campaign, ablate))?.change).toMatchObject({ type: 'undo', experiment: near });
});

test('ablate: due after every third keep that claims a gain, until as many have been made', () => {
  const campaign = new HandMadeCampaign();
  for (let keeps = 1; keeps <= 7; keeps += 1) {
    campaign.crown(campaign.propose({ change: pattern(`p${keeps}`) }));
    expect(isAblationDue(campaign.state)).toBe(keeps >= 3);
  }
  for (let ablations = 1; ablations <= 6; ablations += 1) {
    concluded(campaign, 'discard', { operator: 'ablate' });
    expect(isAblationDue(campaign.state)).toBe(ablations < 6);
  }
  // A removal that is merely not worse is no keep of that kind.
  for (let round = 0; round < 3; round += 1) {
    const id = campaign.propose({ operator: 'ablate' });
    campaign.conclude(id, 'keep', { claim: 'not-worse', shrunkenGain: 0 });
  }
  expect(campaign.state.tests.rejections).toBe(7);
  expect(isAblationDue(campaign.state)).toBe(false);
});

test('tune: it moves off every point that was tried, failed or is under way, and says from what to what', async () => {
  const campaign = new HandMadeCampaign();
  const tried = new Set<string>();
  for (let round = 0; round < 25; round += 1) {
    const draft = await draftOn(campaign, tune, { seed: `round ${round}` });
    if (draft?.change.type !== 'knobs') throw new Error('nothing to tune');
    const point = pointKey(draft.change.values);
    expect(tried).not.toContain(point);
    tried.add(point);
    expect(draft.hypothesis.statement).toMatch(/from .+ to .+ improves loss/);
    const id = campaign.propose({ operator: 'tune', change: draft.change });
    if (round % 3 === 0) campaign.conclude(id, 'failed');
    else if (round % 3 === 1) campaign.conclude(id, 'discard', { screenGain: -0.1 });
  }
});

test('tune: a space whose few points are used up is left alone, as is one without knobs', async () => {
  const campaign = new HandMadeCampaign();
  const space = handMadeSpace({ knobs: [{ name: 'USE_BIAS', kind: 'boolean', current: true }] });
  expect((await draftOn(campaign, tune, { space }))?.change).toEqual(knobs({ USE_BIAS: false }));
  concluded(campaign, 'discard', { operator: 'tune', change: knobs({ USE_BIAS: false }) });
  expect(await draftOn(campaign, tune, { space })).toBeUndefined();
  expect(await draftOn(campaign, tune, { space: handMadeSpace({ knobs: [] }) })).toBeUndefined();
});
