import { beforeAll, expect, test } from 'vitest';
import { experimentId, trialId } from '../domain/ids.ts';
import { experimentOf } from '../store/experiment-of.ts';
import type { EventRecord } from '../store/store.ts';
import type { SimulatedCampaign } from './campaign.fixture.ts';
import { smallCampaign } from './demo-campaign.fixture.ts';
import { readHistory } from './history.ts';
import { pairRows } from './pair-rows.ts';
import { rankRows, resultRows, type ResultRow } from './results.ts';
import { summaryLines } from './summary-lines.ts';
import { campaignSummary } from './summary.ts';
import { lineageTree, treeLines, treeRows } from './tree.ts';
import { TrialReader, type TrialRow } from './trials.ts';
import { explainVerdict } from './why.ts';

let campaign: SimulatedCampaign;
let rows: readonly ResultRow[];

beforeAll(async () => {
  campaign = await smallCampaign();
  rows = resultRows(campaign.state);
});

const about = (id: string): readonly EventRecord[] =>
  campaign.records.filter(({ event }) => experimentOf(event) === id);
const row = (id: string): ResultRow => rows.find(({ experiment }) => experiment === id) ?? expect.fail(`no row ${id}`);

test('every experiment has a row, and the kept ones carry the whole evidence', () => {
  expect(rows.map(({ experiment }) => experiment)).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7']);
  const kept = row('e1');
  expect(kept).toMatchObject({
    verdict: 'keep',
    role: 'hypothesis',
    operator: 'tune',
    parent: 'e0',
    n: 6,
    predictionHeld: true,
    champion: false,
  });
  expect(kept.confirmGain).toBeGreaterThan(0);
  expect(kept.shrunkenGain).toBeLessThan(kept.confirmGain ?? 0);
  expect(kept.interval?.low).toBeLessThan(kept.confirmGain ?? 0);
  expect(kept.p).toBeLessThan(0.05);
  expect(row('e6')).toMatchObject({ champion: true, predictionHeld: false });
  expect(row('e7').role).toBe('final');
});

test('what was not measured is absent, not zero', () => {
  const crash = row('e3');
  expect(crash).toMatchObject({ verdict: 'failed', failure: 'crash', runs: 0 });
  for (const key of ['mean', 'gain', 'n', 'p', 'shrunkenGain', 'predictionHeld']) expect(crash).not.toHaveProperty(key);
  expect(row('e5')).not.toHaveProperty('candidate');
});

test('ranking puts keeps first, by gain, and failures last', () => {
  const order = rankRows(rows).map(({ experiment }) => experiment);
  expect(order.slice(0, 2)).toEqual(['e1', 'e6']);
  expect(order.slice(-2).toSorted()).toEqual(['e0', 'e7']);
});

test('the summary counts hypotheses only, and says how the champion compares', () => {
  const summary = campaignSummary(campaign.state, campaign.state.lastEventAt);
  expect(summary.experiments).toBe(6);
  expect(summary.verdicts).toMatchObject({ keep: 2, failed: 2, 'suspected-hack': 1, discard: 1 });
  expect(summary.champion).toMatchObject({ experiment: 'e6', isNew: true, steps: ['e1', 'e6'] });
  expect(summary.champion.estimatedGain).toBeCloseTo((row('e1').shrunkenGain ?? 0) + (row('e6').shrunkenGain ?? 0), 12);
  expect(summary.comparison?.pairs).toBe(6);
  expect(summary.sandbox?.isStrong).toBe(true);
  expect(summary.tests).toMatchObject({ count: 2, rejections: 2 });
  expect(summary.stages.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  const text = summaryLines(summary)
    .map((line) => line.join(' '))
    .join('\n');
  expect(text).toContain('e6 against the start');
  expect(text).toContain('1 of 3 intervals held');
});

test('an engine that still runs adds to the time worked', async () => {
  const { state } = await smallCampaign({ unfinished: true });
  const early = campaignSummary(state, state.lastEventAt);
  const late = campaignSummary(state, state.lastEventAt + 60_000);
  expect(late.activeMs - early.activeMs).toBe(60_000);
  expect(late.finished).toBeUndefined();
  expect(late.open).toBe(1);
});

test('the tree shows the path to the champion and counts the leaves that it leaves out', () => {
  const root = lineageTree(campaign.state) ?? expect.fail('no tree');
  const text = treeLines(root)
    .map(({ branch, node, note }) => branch + (node ? node.row.experiment : note))
    .join('\n');
  expect(text).toContain('e0\n└─ e1');
  expect(text).toMatch(/e1\n {3}├─ e6/);
  expect(text).toContain('1 suspected-hack');
  const all = treeRows(lineageTree(campaign.state, { all: true }) ?? expect.fail('no tree'));
  expect(all).toHaveLength(8);
  expect(all.filter(({ onPathToChampion }) => onPathToChampion).map(({ experiment }) => experiment)).toEqual([
    'e0',
    'e1',
    'e6',
  ]);
});

test('why tells every stage of a keep in numbers', async () => {
  const why = await explainVerdict(campaign.state, experimentId(1), about('e1'));
  expect(why.stages.map(({ stage, result }) => `${stage} ${result}`)).toEqual([
    'implement passed',
    'screen passed',
    'replicate passed',
    'confirm ended',
  ]);
  expect(why.stages[2]?.asked).toContain('test 1 of the campaign');
  expect(why.stages[3]?.seen).toContain('6 pairs');
  expect(why.prediction).toContain('held');
  expect(why.looks).toMatch(/looked at \d+ times?/);
  expect(why.sandbox).toContain('bubblewrap');
  expect(why.cost.trials).toBe(why.trials.length);
  expect(why.pairs.filter(({ stage }) => stage === 'confirm')).toHaveLength(6);
});

test('why stops at the stage where an experiment ended', async () => {
  const hack = await explainVerdict(campaign.state, experimentId(4), about('e4'));
  expect(hack.stages.at(-1)).toMatchObject({ stage: 'screen', result: 'ended' });
  expect(hack.reasons.join(' ')).toContain('causality');
  const conflict = await explainVerdict(campaign.state, experimentId(5), about('e5'));
  expect(conflict.stages.map(({ stage }) => stage)).toEqual(['implement']);
  expect(conflict.headline).toContain('failed (conflict)');
  const baseline = await explainVerdict(campaign.state, experimentId(0), about('e0'));
  expect(baseline.headline).toContain('measured, not tested');
});

test('every attempt is a trial row, and a lost one is made again', () => {
  const plan = {
    trial: trialId(1),
    experiment: experimentId(1),
    candidate: campaign.state.baseline,
    stage: 'confirm',
    arm: 'candidate',
    pair: 1,
    seed: 7,
  } as const;
  const ids = { trial: plan.trial, experiment: plan.experiment };
  const events: EventRecord['event'][] = [
    { type: 'trial.planned', plan },
    { type: 'trial.submitted', ...ids, attempt: 1, token: 't1-1' },
    {
      type: 'trial.finished',
      ...ids,
      attempt: 1,
      outcome: { status: 'failed', failure: 'lost', reason: 'gone', facts: {} },
    },
    { type: 'trial.submitted', ...ids, attempt: 2, token: 't1-2' },
    {
      type: 'trial.finished',
      ...ids,
      attempt: 2,
      outcome: { status: 'succeeded', result: { value: 1, metrics: {}, checks: [] }, facts: {} },
    },
    { type: 'trial.planned', plan: { ...plan, trial: trialId(2), arm: 'reference' } },
  ];
  const reader = new TrialReader();
  const trials: TrialRow[] = events.flatMap((event, index) => reader.read({ seq: index + 1, at: index, event }) ?? []);
  expect(trials.map(({ attempt, status, value }) => ({ attempt, status, value }))).toEqual([
    { attempt: 1, status: 'failed', value: undefined },
    { attempt: 2, status: 'succeeded', value: 1 },
  ]);
  expect(reader.rest()).toMatchObject([{ trial: 't2', status: 'planned' }]);
  expect(pairRows([...trials, ...reader.rest()], 'minimize')).toMatchObject([
    { candidate: 1, note: 'candidate lost, reference planned' },
  ]);
});

test('working time leaves out the pause between two engines, also when the first was killed', async () => {
  const [created, started] = campaign.records;
  if (!created || !started) throw new Error('a campaign begins with two events');
  const step = {
    type: 'champion.changed',
    experiment: experimentId(1),
    candidate: campaign.state.baseline,
    reason: '',
  } as const;
  const history = await readHistory([
    { ...created, at: 0 },
    { ...started, at: 0 },
    { seq: 3, at: 10_000, event: { type: 'note.written', kind: 'insight', text: '' } },
    { ...started, seq: 4, at: 1_000_000 },
    { seq: 5, at: 1_005_000, event: step },
  ]);
  expect(history.championSteps).toEqual([{ experiment: 'e1', workedMs: 15_000, concluded: 0 }]);
});
