import { expect, test } from 'vitest';
import { CANCELLED, HandMadeCampaign } from '../domain/hand-made-campaign.fixture.ts';
import type { Stage } from '../domain/trial.ts';
import { planTrials } from './plan-trials.ts';
import { runnableTrials } from './schedule.ts';

function planned(...stages: readonly Stage[]): HandMadeCampaign {
  const campaign = new HandMadeCampaign();
  for (const stage of stages) {
    const id = campaign.propose();
    campaign.write(...planTrials(campaign.state, campaign.experiment(id), { stage, pairs: 1 }, () => 1));
  }
  return campaign;
}

test('what is closest to a verdict goes first, whatever was planned first', () => {
  const { state } = planned('screen', 'replicate', 'confirm', 'final');
  const stages = runnableTrials(state).map(({ plan }) => plan.stage);
  expect([...new Set(stages)]).toEqual(['final', 'confirm', 'replicate', 'screen']);
});

test('within a stage the oldest pair goes first, and its sides in the order in which they were planned', () => {
  const { state } = planned('replicate', 'replicate', 'replicate');
  const trials = runnableTrials(state).map(({ plan }) => Number(plan.trial.slice(1)));
  expect(trials).toEqual([1, 2, 3, 4, 5, 6]);
});

test('what runs is not started again, what was cancelled is', () => {
  const campaign = planned('screen');
  const [first] = runnableTrials(campaign.state);
  if (!first) throw new Error('nothing was planned');
  const { trial, experiment } = first.plan;
  campaign.write({ type: 'trial.submitted', trial, experiment, attempt: 1, token: `${trial}-1` });
  expect(runnableTrials(campaign.state).map(({ plan }) => plan.trial)).not.toContain(trial);
  campaign.write({ type: 'trial.finished', trial, experiment, attempt: 1, outcome: CANCELLED });
  expect(runnableTrials(campaign.state).map(({ plan }) => plan.trial)).toContain(trial);
});

test('asking for the order changes nothing', () => {
  const { state } = planned('screen', 'confirm');
  const before = [...state.trials.keys()];
  runnableTrials(state);
  expect([...state.trials.keys()]).toEqual(before);
});
