import { expect, test } from 'vitest';
import type { AssayEvent } from '../domain/events.ts';
import { CRASHED, HandMadeCampaign, measured } from '../domain/hand-made-campaign.fixture.ts';
import { BASELINE_EXPERIMENT, type ExperimentId } from '../domain/ids.ts';
import type { Stage, TrialOutcome, TrialPlan } from '../domain/trial.ts';
import { planTrials } from './plan-trials.ts';

const seedOf = (stage: Stage, pair: number): number => 1000 * pair + stage.length;

function plan(campaign: HandMadeCampaign, id: ExperimentId, stage: Stage, pairs: number): readonly TrialPlan[] {
  const events = planTrials(campaign.state, campaign.experiment(id), { stage, pairs }, seedOf);
  campaign.write(...events);
  return events.map((event: AssayEvent) => {
    if (event.type !== 'trial.planned') throw new Error(`${event.type} was planned`);
    return event.plan;
  });
}

function finish(campaign: HandMadeCampaign, { trial, experiment }: TrialPlan, outcome: TrialOutcome): void {
  campaign.write({ type: 'trial.submitted', trial, experiment, attempt: 1, token: `${trial}-1` });
  campaign.write({ type: 'trial.finished', trial, experiment, attempt: 1, outcome });
}

const orderOf = (plans: readonly TrialPlan[]): string =>
  plans.map(({ arm }) => (arm === 'candidate' ? 'A' : 'B')).join('');

test('both sides of a pair share a seed that no other pair has, each with its own candidate', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  const plans = plan(campaign, id, 'replicate', 4);
  const { candidate, reference } = campaign.experiment(id);
  expect(new Set(plans.map(({ seed }) => seed)).size).toBe(4);
  for (const pair of new Set(plans.map((each) => each.pair))) {
    const sides = plans.filter((each) => each.pair === pair);
    expect(new Set(sides.map(({ seed }) => seed)).size).toBe(1);
    expect(sides.find(({ arm }) => arm === 'candidate')?.candidate).toBe(candidate);
    expect(sides.find(({ arm }) => arm === 'reference')?.candidate).toBe(reference);
  }
  expect(new Set(plans.map(({ trial }) => trial)).size).toBe(8);
});

test('candidate and reference take turns in going first: ABBA', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  expect(orderOf(plan(campaign, id, 'confirm', 6))).toMatch(/^(ABBAABBAABBA|BAABBAABBAAB)$/);
});

test('they take turns also when pairs are added one by one and other experiments add theirs in between', () => {
  const campaign = new HandMadeCampaign();
  const [one, two] = [campaign.propose(), campaign.propose()];
  const orders = { one: '', two: '' };
  for (let round = 0; round < 4; round += 1) {
    orders.one += orderOf(plan(campaign, one, 'replicate', 1));
    orders.two += orderOf(plan(campaign, two, 'replicate', 1));
  }
  expect(orders.one).toMatch(/^(ABBAABBA|BAABBAAB)$/);
  expect(orders.two).toMatch(/^(ABBAABBA|BAABBAAB)$/);
  expect(orders.one).not.toBe(orders.two);
});

test('the starting point is measured alone, each run on a seed of its own', () => {
  const campaign = new HandMadeCampaign({ noise: null });
  const plans = plan(campaign, BASELINE_EXPERIMENT, 'baseline', 5);
  expect(plans.map(({ arm }) => arm)).toEqual(Array.from({ length: 5 }, () => 'candidate'));
  expect(new Set(plans.map(({ seed }) => seed)).size).toBe(5);
});

test('four screens share one run of their reference and its seed; the fifth gets a new one', () => {
  const campaign = new HandMadeCampaign();
  const plans = Array.from({ length: 9 }, () => plan(campaign, campaign.propose(), 'screen', 1));
  expect(plans.map(orderOf)).toEqual(['BA', 'A', 'A', 'A', 'BA', 'A', 'A', 'A', 'BA']);
  const seeds = plans.map((trials) => new Set(trials.map(({ seed }) => seed)));
  expect(new Set(plans.slice(0, 4).flatMap((trials) => trials.map(({ seed }) => seed))).size).toBe(1);
  expect(seeds[4]).not.toEqual(seeds[0]);
});

test('a block whose reference failed is not joined, one that is still running or measured is', () => {
  const campaign = new HandMadeCampaign();
  const [reference] = plan(campaign, campaign.propose(), 'screen', 1);
  if (!reference) throw new Error('no reference was planned');
  expect(orderOf(plan(campaign, campaign.propose(), 'screen', 1))).toBe('A');
  finish(campaign, reference, CRASHED);
  const second = plan(campaign, campaign.propose(), 'screen', 1);
  expect(orderOf(second)).toBe('BA');
  if (second[0]) finish(campaign, second[0], measured(10));
  expect(orderOf(plan(campaign, campaign.propose(), 'screen', 1))).toBe('A');
});

test('a block whose reference will never run, since its experiment was concluded, is not joined', () => {
  const campaign = new HandMadeCampaign();
  const owner = campaign.propose();
  plan(campaign, owner, 'screen', 1);
  campaign.conclude(owner, 'inconclusive');
  expect(orderOf(plan(campaign, campaign.propose(), 'screen', 1))).toBe('BA');
});

test('screens of different references share nothing', () => {
  const campaign = new HandMadeCampaign();
  const [first] = plan(campaign, campaign.propose(), 'screen', 1);
  campaign.crown(campaign.propose());
  const [other] = plan(campaign, campaign.propose(), 'screen', 1);
  expect(other?.arm).toBe('reference');
  expect(other?.seed).not.toBe(first?.seed);
});
