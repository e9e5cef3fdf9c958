import { beforeAll, expect, test } from 'vitest';
import type { CampaignState } from '../domain/state.ts';
import { experimentId } from '../domain/ids.ts';
import { inMemoryStore } from '../store/memory/memory-store.ts';
import { experimentOf } from '../store/experiment-of.ts';
import type { EventRecord } from '../store/store.ts';
import { experimentAudits } from './audits.ts';
import { exportCampaign } from './export/export-campaign.ts';
import { guardedLog } from './guarded-log.fixture.ts';
import { readHistory } from './history.ts';
import { renderReport } from './html/page.ts';
import { collectReport } from './html/report-data.ts';
import { rankRows, resultRows, resultsDocument, roleOf, verdictWords, type ResultRow } from './results.ts';
import { summaryLines } from './summary-lines.ts';
import { campaignSummary } from './summary.ts';
import { lineageTree, treeRows } from './tree.ts';
import { explainVerdict } from './why.ts';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Log {
  readonly state: CampaignState;
  readonly records: readonly EventRecord[];
}

const AUDITS = ['causality', 'network'];
/** Sound throughout. */
let sound: Log;
/** A guard falls silent when something has been kept already. */
let fallen: Log;

beforeAll(async () => {
  sound = await guardedLog({ audits: AUDITS });
  fallen = await guardedLog({
    audits: AUDITS,
    gains: [2],
    experiments: 12,
    batchSize: 12,
    sabotage: { audit: 'causality', how: 'silent', fromTrial: 60 },
  });
}, 60_000);

const guardsOf = ({ state }: Log): readonly string[] =>
  [...state.experiments.values()].filter((one) => roleOf(one) === 'guard').map(({ id }) => id);

function firstRetracted({ state }: Log): string {
  const found = [...state.experiments.values()].find(({ retracted }) => retracted);
  return found?.id ?? expect.fail('nothing was retracted');
}

async function pageOf({ state, records }: Log): Promise<string> {
  const store = inMemoryStore();
  await store.append(records.map(({ event }) => event));
  return renderReport(await collectReport({ state, store, now: 0 })).replaceAll(/\s+/g, ' ');
}

test('guards are in no table, tree, history or count, unless they are asked for', async () => {
  const { state, records } = sound;
  const guards = guardsOf(sound);
  expect(guards.length).toBeGreaterThan(3);
  const shown = resultRows(state).map(({ experiment }) => experiment as string);
  expect(shown.filter((id) => guards.includes(id))).toEqual([]);
  expect(resultRows(state, { guards: true })).toHaveLength(shown.length + guards.length);
  const all = rankRows(resultRows(state, { guards: true })).map(({ experiment }) => experiment as string);
  expect(all.slice(-guards.length).toSorted()).toEqual([...guards].toSorted());
  expect(resultsDocument(state)).toMatchObject({ total: shown.length });
  const treeOf = (options: { guards?: boolean }): readonly string[] =>
    treeRows(lineageTree(state, { all: true, ...options }) ?? expect.fail('no tree')).map(
      ({ experiment }) => experiment,
    );
  expect(treeOf({}).filter((id) => guards.includes(id))).toEqual([]);
  expect(treeOf({ guards: true }).filter((id) => guards.includes(id))).toHaveLength(guards.length);
  const history = await readHistory(records);
  expect([...history.concluded.keys()].filter((id) => guards.includes(id))).toEqual([]);
  expect([...history.concluded.values()].map(({ order }) => order)).toEqual(
    [...history.concluded.keys()].map((_, index) => index),
  );
  expect(campaignSummary(state, state.lastEventAt).experiments).toBe(12);
  const page = await pageOf(sound);
  for (const id of guards) expect(page).not.toContain(`id="${id}"`);
});

test('a guard says what it is when it is asked for', async () => {
  const [id = ''] = guardsOf(sound);
  const own = sound.records.filter(({ event }) => experimentOf(event) === id);
  const why = await explainVerdict(sound.state, experimentId(Number(id.slice(1))), own);
  expect(why.headline).toContain('is a guard, not a hypothesis');
  expect(why.stages[0]?.asked).toContain('is it caught');
  expect(why.audits.guard).toMatchObject({ ok: true, guard: { kind: 'canary' } });
});

test('the summary says what the guards cost and whether their batches are sound', () => {
  const summary = campaignSummary(sound.state, sound.state.lastEventAt);
  expect(summary.guards).toMatchObject({ failed: 0, batches: { total: 2, sound: 2, void: 0, open: 0 } });
  expect(summary.guards.reported).toBe(6);
  expect(summary.retractions).toBe(0);
  const { keeps, trials, seconds } = summary.perKeep ?? expect.fail('nothing was kept');
  expect(trials * keeps).toBeCloseTo(summary.trials, 6);
  expect(seconds * keeps).toBeCloseTo(
    summary.stages.reduce((sum, stage) => sum + stage.seconds, 0),
    6,
  );
  expect(summary.stages.find(({ stage }) => stage === 'guard')?.seconds).toBeGreaterThan(0);
  const text = summaryLines(summary).map((line) => line.join(' '));
  expect(text).toContainEqual(expect.stringContaining('2 batches (2 sound), 6 guards reported, all of them right'));
});

test('what fell is marked everywhere, and ranks below what was honestly discarded', async () => {
  const { state, records } = fallen;
  const id = firstRetracted(fallen);
  const row = resultRows(state).find(({ experiment }) => experiment === id) ?? expect.fail('no row');
  expect(row).toMatchObject({ verdict: 'keep', retracted: { cause: 'batch' }, champion: false });
  expect(verdictWords(row)).toBe('keep (retracted)');
  const rows = resultRows(sound.state).map((one) =>
    one.role === 'hypothesis' && one.verdict === 'keep' ? { ...one, retracted: row.retracted } : one,
  ) as readonly ResultRow[];
  const ranked = rankRows(rows).filter(({ role }) => role === 'hypothesis');
  expect(['discard', 'inconclusive']).toContain(ranked[0]?.verdict);
  expect(ranked.at(-1)).toMatchObject({ verdict: 'keep', retracted: { cause: 'batch' } });
  const summary = campaignSummary(state, state.lastEventAt);
  expect(summary.champion).toMatchObject({ experiment: 'e0', isNew: false });
  expect(summary.retractions).toBeGreaterThan(0);
  expect(summary).not.toHaveProperty('perKeep');
  expect(summaryLines(summary).map(([label]) => label)).toContain('retracted');
  const own = records.filter(({ event }) => experimentOf(event) === id);
  const why = await explainVerdict(state, experimentId(Number(id.slice(1))), own);
  expect(why.headline).toContain('keep (retracted)');
  expect(why.fall).toContain('silent guards');
  const tree = treeRows(lineageTree(state, { all: true }) ?? expect.fail('no tree'));
  expect(tree.find(({ experiment }) => experiment === id)).toMatchObject({ retracted: { cause: 'batch' } });
  const history = await readHistory(records);
  expect(history.championSteps.at(-1)).toMatchObject({ experiment: 'e0', afterFallOf: expect.stringMatching(/^e\d/) });
  const page = await pageOf(fallen);
  expect(page).toContain('Kept, but fallen since');
  expect(page).toContain('Retracted (batch)');
  expect(page).toContain('class="mark fallen"');
  expect(page).toContain('keep (retracted)');
});

test('a comparison of a champion that fell is not shown as that of the present one', () => {
  const { state } = sound;
  const comparison = state.finished?.comparison;
  if (!comparison) throw new Error('the campaign was finished with a comparison');
  expect(campaignSummary(state, 0).comparison).toEqual(comparison);
  const other = { ...state, champion: experimentId(0) };
  expect(campaignSummary(other, 0)).not.toHaveProperty('comparison');
  expect(resultsDocument(other)).toMatchObject({ comparison: undefined });
});

test('an export has guards only where every trial is listed, and says so there', async () => {
  const { state, records } = fallen;
  const out = await mkdtemp(path.join(tmpdir(), 'assay-export-'));
  try {
    const store = inMemoryStore();
    await store.append(records.map(({ event }) => event));
    await exportCampaign({ state, store, repository: { exportPatch: async () => Buffer.from('') }, out, now: 0 });
    const tsv = await readFile(path.join(out, 'results.tsv'), 'utf8');
    expect(tsv).not.toContain('canary');
    expect(tsv).toMatch(/\tdiscard\tretracted: /);
    expect(tsv).not.toMatch(/\tkeep\tretracted: /);
    const id = firstRetracted(fallen);
    const json = JSON.parse(await readFile(path.join(out, 'results.json'), 'utf8')) as {
      experiments: { experiment: string; retracted?: unknown }[];
    };
    expect(json.experiments.find(({ experiment }) => experiment === id)).toHaveProperty('retracted');
    const guards = guardsOf(fallen);
    const lines = (await readFile(path.join(out, 'trials.csv'), 'utf8')).trim().split('\r\n');
    expect(lines[0]).toMatch(/,role$/);
    for (const line of lines.slice(1)) {
      const isGuard = guards.includes(line.split(',', 1)[0] ?? '');
      expect(line.endsWith(',guard')).toBe(isGuard);
    }
  } finally {
    await rm(out, { recursive: true, force: true });
  }
});

test('audits of trials are gathered by audit, the gravest words first; those of the reference are not its own', async () => {
  const [guard = ''] = guardsOf(sound);
  const audits = await experimentAudits(sound.records.filter(({ event }) => experimentOf(event) === guard));
  expect(audits.trials.map(({ audit, fired }) => ({ audit, fired }))).toEqual([
    { audit: 'causality', fired: 1 },
    { audit: 'network', fired: 0 },
  ]);
  expect(audits.trials[0]).toMatchObject({ detail: 'it cheats', versions: [1] });
  const kept = [...sound.state.experiments.values()].find(
    ({ verdict, proposal }) => verdict?.kind === 'keep' && proposal.operator !== 'baseline',
  );
  const own = await experimentAudits(sound.records.filter(({ event }) => experimentOf(event) === kept?.id));
  const candidates = sound.records.filter(
    ({ event }) =>
      event.type === 'trial.planned' && event.plan.experiment === kept?.id && event.plan.arm === 'candidate',
  );
  expect(own.trials[0]?.passed).toBe(candidates.length);
});

test('a log without any of this reads as it did', async () => {
  const { smallCampaign } = await import('./demo-campaign.fixture.ts');
  const { state, records } = await smallCampaign();
  const summary = campaignSummary(state, state.lastEventAt);
  expect(summary.guards.batches.total).toBe(0);
  expect(summaryLines(summary).map(([label]) => label)).not.toContain('guards');
  expect(await experimentAudits(records)).toEqual({
    change: [],
    trials: [],
    trialsAudited: {},
    looks: [],
    reproductions: [],
  });
});
