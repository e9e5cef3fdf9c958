import { expect, test } from 'vitest';
import { HandMadeCampaign } from '../domain/hand-made-campaign.fixture.ts';
import type { Change } from '../domain/hypothesis.ts';
import type { ExperimentId } from '../domain/ids.ts';
import { contributions } from './contributions.ts';
import { resultRow } from './results.ts';

const knobs = (width: number): Change => ({ type: 'knobs', values: { WIDTH: width } });

/** A champion of three changes; the second was found to carry nothing and taken out, the first was measured. */
function ablatedCampaign(): { campaign: HandMadeCampaign; steps: readonly ExperimentId[]; measured: ExperimentId } {
  const campaign = new HandMadeCampaign();
  const steps = [0.3, 0.2, 0.1].map((gain, index) => {
    const id = campaign.propose({ change: knobs(index) });
    campaign.crown(id, gain);
    return id;
  });
  const [first, second] = steps;
  if (!first || !second) throw new Error('no steps');
  const measured = campaign.propose({
    operator: 'ablate',
    change: { type: 'undo', experiment: first, change: knobs(0) },
  });
  campaign.conclude(measured, 'discard', {
    replicateMeanGain: -0.25,
    carries: { gain: 0.25, interval: { low: 0.2, high: 0.3 } },
  });
  const removal = campaign.propose({
    operator: 'ablate',
    change: { type: 'undo', experiment: second, change: knobs(1) },
  });
  const evidence = { claim: 'not-worse', carries: { gain: 0, interval: { low: -0.02, high: 0.02 } } } as const;
  campaign.conclude(removal, 'keep', { ...evidence, replicateMeanGain: 0, shrunkenGain: 0 });
  const { candidate } = campaign.experiment(removal);
  if (!candidate) throw new Error('no candidate');
  campaign.write({ type: 'champion.changed', experiment: removal, candidate, reason: 'by hand' });
  return { campaign, steps, measured };
}

test('each change with what it brought and what it carries, removed ones included', () => {
  const { campaign, steps, measured } = ablatedCampaign();
  expect(contributions(campaign.state)).toMatchObject([
    {
      experiment: steps[0],
      gain: 0.3,
      carries: { gain: 0.25, interval: { low: 0.2, high: 0.3 }, ablation: measured },
      // The champion has changed since.
      isPresentCompany: false,
      standing: 'held',
    },
    { experiment: steps[1], gain: 0.2, carries: { gain: 0 }, standing: 'removed' },
    { experiment: steps[2], gain: 0.1, standing: 'held' },
  ]);
  expect(contributions(campaign.state)[2]).not.toHaveProperty('carries');
});

test('what adds no line has no gain for each line, and the start holds nothing', () => {
  const { campaign } = ablatedCampaign();
  // Hand-made changes add one line and remove one.
  expect(contributions(campaign.state).every((row) => row.gainPerLine === undefined)).toBe(true);
  expect(contributions(new HandMadeCampaign().state)).toEqual([]);
});

test('an ablation under way is said', () => {
  const { campaign, steps } = ablatedCampaign();
  const [first] = steps;
  if (!first) throw new Error('no steps');
  campaign.propose({ operator: 'ablate', change: { type: 'undo', experiment: first, change: knobs(0) } });
  expect(contributions(campaign.state)[0]?.standing).toBe('under test');
});

test('the row of an ablation shows the gain of the removal, with its interval the right way round', () => {
  const { campaign, measured } = ablatedCampaign();
  expect(resultRow(campaign.state, campaign.experiment(measured))).toMatchObject({
    gain: -0.25,
    interval: { low: -0.3, high: -0.2 },
  });
});
