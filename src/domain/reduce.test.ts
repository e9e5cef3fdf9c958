import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { AssayEvent } from './events.ts';
import { CANCELLED, CRASHED, HandMadeCampaign, LOST, measured } from './hand-made-campaign.fixture.ts';
import { trialId, type ExperimentId } from './ids.ts';
import { applyEvent } from './reduce.ts';
import { initialState, type WorkingState } from './working-state.ts';
import { restoreState, serializeState } from './snapshot.ts';
import { MAX_ATTEMPTS, type TrialOutcome } from './trial.ts';
import { openTrials } from './state.ts';

type Record = HandMadeCampaign['records'][number];

function fold(records: readonly Record[], from?: WorkingState): WorkingState {
  let state = from;
  for (const record of records) {
    if (!state && record.event.type === 'campaign.created') state = initialState(record.event, record.at);
    if (!state) throw new Error('a log begins with a campaign');
    applyEvent(state, record);
  }
  if (!state) throw new Error('an empty log has no state');
  return state;
}

/** A campaign in which everything happens that can: each kind of event, verdict and outcome. */
function eventfulCampaign(): HandMadeCampaign {
  const campaign = new HandMadeCampaign({ noise: null, slots: 2, limits: { experiments: 50 } });
  campaign.write({ type: 'noise.measured', runs: 6, mean: 10, sigma: 0.1, sigmaUsed: 0.2, trialSeconds: 1 });
  for (let round = 0; round < 24; round += 1) {
    const id = campaign.propose({
      operator: (['tune', 'pattern', 'invent', 'combine'] as const)[round % 4] ?? 'tune',
      change: round % 3 === 0 ? { type: 'diff', diff: '--- a\n+++ b\n' } : { type: 'knobs', values: { LR: round } },
      tree: `tree ${round % 10}`,
    });
    const trial = trialId(campaign.state.trialCount + 1);
    const outcome = [measured(9), CRASHED, LOST, CANCELLED][round % 4];
    campaign.pair(id, 'screen', {
      ...(outcome ? { candidate: outcome } : {}),
      reference: round % 7 === 0 ? CRASHED : measured(10),
    });
    if (round % 5 === 0) campaign.write({ type: 'note.written', kind: 'insight', text: 'a thought', experiment: id });
    if (round % 4 === 2)
      campaign.write({ type: 'trial.submitted', trial, experiment: id, attempt: 2, token: `${trial}-2` });
    if (round % 6 === 1) continue;
    campaign.passScreen(id);
    campaign.gains(id, 'replicate', 0.5, 0.4, round / 10);
    campaign.passReplication(id);
    if (round % 3 === 0) campaign.crown(id, 0.4);
    else campaign.conclude(id, (['near-miss', 'discard', 'failed', 'suspected-hack'] as const)[round % 4] ?? 'discard');
    if (round === 10) campaign.write({ type: 'engine.stopped', reason: 'asked' });
    if (round === 11) campaign.write({ type: 'campaign.extended', limits: { minutes: 9 } });
    if (round === 12) campaign.write({ type: 'proposal.rejected', proposer: 'p', operator: 'tune', reason: 'seen' });
  }
  campaign.write({ type: 'campaign.finished', reason: 'over' });
  return campaign;
}

let eventful: HandMadeCampaign;
beforeAll(() => {
  eventful = eventfulCampaign();
});

test('a snapshot after any event, and the rest folded on top, give the same state as all events at once', () => {
  const { records } = eventful;
  const whole = fold(records);
  expect(whole).toEqual(eventful.state);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: records.length }), fc.integer({ min: 1, max: records.length }), (a, b) => {
      const [first, second] = a < b ? [a, b] : [b, a];
      const once = restoreState(serializeState(fold(records.slice(0, first))));
      const twice = restoreState(serializeState(fold(records.slice(first, second), once)));
      expect(fold(records.slice(second), twice)).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});

test('folding leaves the events as they were: the same records fold to the same state again', () => {
  const before = structuredClone(eventful.records);
  const first = fold(eventful.records);
  expect(eventful.records).toEqual(before);
  expect(fold(eventful.records)).toEqual(first);
});

test('what was kept in a snapshot is not shared with it', () => {
  const state = fold(eventful.records);
  const text = serializeState(state);
  state.experiments.clear();
  state.open.clear();
  expect(serializeState(restoreState(text))).toBe(text);
});

function trialWith(...outcomes: readonly TrialOutcome[]): { campaign: HandMadeCampaign; id: ExperimentId } {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.pair(id, 'replicate', { reference: measured(10) });
  const trial = trialId(campaign.state.trialCount);
  for (const [index, outcome] of outcomes.entries()) {
    const attempt = index + 1;
    if (index > 0)
      campaign.write({ type: 'trial.submitted', trial, experiment: id, attempt, token: `${trial}-${attempt}` });
    campaign.write({ type: 'trial.finished', trial, experiment: id, attempt, outcome });
  }
  return { campaign, id };
}

const lastTrial = ({ campaign, id }: ReturnType<typeof trialWith>) => openTrials(campaign.state, id).at(-1);

test('a lost attempt leaves the trial planned again, with nothing of the attempt but its number', () => {
  const trial = lastTrial(trialWith(LOST));
  expect(trial).toMatchObject({ state: 'planned', attempt: 1, lost: 1 });
  expect(trial?.outcome).toBeUndefined();
  expect(trial?.token).toBeUndefined();
});

test('the last of the lost attempts ends the trial, as lost', () => {
  const most = Array.from({ length: MAX_ATTEMPTS }, () => LOST);
  expect(lastTrial(trialWith(...most.slice(1)))?.state).toBe('planned');
  expect(lastTrial(trialWith(...most))).toMatchObject({ state: 'ended', outcome: { failure: 'lost' } });
});

test('a cancelled attempt does not use up one of those that may be lost, however often it happens', () => {
  const stopped = [CANCELLED, LOST, CANCELLED, CANCELLED, LOST, CANCELLED] as const;
  expect(lastTrial(trialWith(...stopped))).toMatchObject({ state: 'planned', lost: 2 });
  expect(lastTrial(trialWith(...stopped, LOST))).toMatchObject({ state: 'ended' });
  expect(lastTrial(trialWith(...stopped, measured(9)))).toMatchObject({
    state: 'ended',
    outcome: { status: 'succeeded' },
  });
});

test('a cancelled attempt uses up its number: the next one has a token that nothing was ever found under', () => {
  expect(lastTrial(trialWith(CANCELLED))).toMatchObject({ state: 'planned', attempt: 1 });
  expect(lastTrial(trialWith(CANCELLED, CANCELLED))).toMatchObject({ state: 'planned', attempt: 2 });
});

test('any other failure ends the trial at once', () => {
  expect(lastTrial(trialWith(CRASHED))).toMatchObject({ state: 'ended', attempt: 1, outcome: { failure: 'crash' } });
});

test('rejections count keeps of hypotheses only: no other verdict, and no measurement of the champion', () => {
  const campaign = new HandMadeCampaign();
  expect(campaign.state.tests.rejections).toBe(0);
  for (const kind of ['near-miss', 'inconclusive', 'discard', 'suspected-hack', 'failed'] as const) {
    const id = campaign.propose();
    campaign.passScreen(id);
    campaign.conclude(id, kind);
  }
  campaign.conclude(campaign.propose({ operator: 'baseline' }), 'keep');
  expect(campaign.state.tests).toEqual({ count: 5, rejections: 0 });
  const id = campaign.propose();
  campaign.passScreen(id);
  campaign.crown(id);
  expect(campaign.state.tests).toEqual({ count: 6, rejections: 1 });
  expect(campaign.state.verdictCounts.keep).toBe(1);
});

test('a shared reference that was never run is not waited for: its block counts as failed', () => {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  const { reference } = campaign.experiment(id);
  if (!reference) throw new Error('no reference');
  const plan = {
    trial: trialId(1),
    experiment: id,
    candidate: reference,
    stage: 'screen',
    arm: 'reference',
    pair: 1,
    seed: 7,
  } as const;
  const event: AssayEvent = { type: 'trial.planned', plan };
  campaign.write(event);
  expect(campaign.state.screenBlocks.get(1)?.value).toBeUndefined();
  campaign.conclude(id, 'inconclusive');
  expect(campaign.state.screenBlocks.get(1)?.value).toBeNull();
});

test('whole files and diffs are not held in memory, knobs and patterns are', () => {
  const changes = [...eventful.state.experiments.values()].map(({ proposal }) => proposal.change);
  expect(changes.filter((change) => change.type === 'diff').every((change) => change.diff === '')).toBe(true);
  expect(changes).toContainEqual({ type: 'knobs', values: { LR: 1 } });
});
