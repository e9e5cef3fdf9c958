import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import type { AssayEvent } from '../../domain/events.ts';
import { BASELINE_EXPERIMENT, experimentId } from '../../domain/ids.ts';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { holdEngineLease } from '../engine-lease.ts';
import { ensureBubblewrap } from '../../executor/local/ensure-bubblewrap.ts';
import { loadState } from '../load-state.ts';
import { openCleanRoom } from './clean-room.ts';
import { crash, keptCampaign, longer, noOperation, type KeptCampaign } from './kept-campaign.fixture.ts';
import { reproduce, type ReproductionReport } from './reproduce.ts';

const E1 = experimentId(1);
const E2 = experimentId(2);

beforeAll(() => ensureBubblewrap(), 120_000);

function run(
  campaign: KeptCampaign,
  options: Partial<Parameters<typeof reproduce>[0]> = {},
): Promise<ReproductionReport> {
  return reproduce({
    folder: campaign.folder,
    choose: () => E1,
    pairs: 3,
    slots: 1,
    signal: new AbortController().signal,
    ...options,
  });
}

async function newEvents(campaign: KeptCampaign, after: number): Promise<readonly AssayEvent[]> {
  return (await campaign.records()).slice(after).map(({ event }) => event);
}

const typesOf = (events: readonly AssayEvent[]): readonly string[] => events.map(({ type }) => type);

test('what helps holds, with nothing of the campaign but its log, its commits and its copy of the task', async () => {
  await using campaign = await keptCampaign([{ change: longer, claimedGain: 0.08 }]);
  const { folder } = campaign;
  for (const gone of [folder.attempts, folder.secret, folder.report]) await rm(gone, { recursive: true, force: true });
  const before = (await campaign.records()).length;
  const report = await run(campaign);
  expect(report).toMatchObject({ isRecorded: true, retracted: [], champion: 'e1', experiment: 'e1' });
  expect(report.reproduction).toMatchObject({ kind: 'holds', pairs: 3 });
  expect(report.trials.map(({ plan }) => `${plan.arm} ${plan.pair}`)).toEqual([
    'candidate 1',
    'reference 1',
    'reference 2',
    'candidate 2',
    'candidate 3',
    'reference 3',
  ]);
  const events = await newEvents(campaign, before);
  expect(typesOf(events)).toEqual(['engine.started', 'experiment.reproduced', 'engine.stopped']);
  expect(events[1]).toMatchObject({ experiment: 'e1', holds: true, pairs: 3 });
  for (const gone of [folder.attempts, folder.secret]) expect(existsSync(gone)).toBe(false);
}, 60_000);

test('seeds are new every time', async () => {
  await using campaign = await keptCampaign([{ change: longer }]);
  const seeds = async (): Promise<readonly number[]> =>
    (await run(campaign, { pairs: 2, dry: true })).trials.map(({ plan }) => plan.seed);
  const [first, second] = [await seeds(), await seeds()];
  expect(new Set([...first, ...second]).size).toBe(4);
}, 60_000);

test('a keep that is none falls with what is built on it, once', async () => {
  await using campaign = await keptCampaign([{ change: noOperation }, { change: longer, parent: E1 }]);
  const before = (await campaign.records()).length;
  const report = await run(campaign);
  expect(report.reproduction).toMatchObject({ kind: 'does-not-hold', gain: 0, isConsistent: false });
  expect(report.retracted).toMatchObject([{ experiment: 'e1', cause: 'reproduction', descendants: ['e2'] }]);
  expect(report.champion).toBe(BASELINE_EXPERIMENT);
  const events = await newEvents(campaign, before);
  expect(typesOf(events)).toEqual([
    'engine.started',
    'experiment.reproduced',
    'verdict.retracted',
    'champion.changed',
    'engine.stopped',
  ]);
  const again = await run(campaign);
  expect(again).toMatchObject({ retracted: [], champion: BASELINE_EXPERIMENT });
  expect(typesOf(await newEvents(campaign, before + 5))).toEqual([
    'engine.started',
    'experiment.reproduced',
    'engine.stopped',
  ]);
  await using store = await openSqliteStore(campaign.folder.log);
  const { state } = await loadState(store);
  expect(state.experiments.get(E1)?.retracted?.cause).toBe('reproduction');
  expect(state.experiments.get(E2)).toMatchObject({ builtOn: 'e1' });
  expect(state.retractions).toBe(1);
}, 60_000);

test('too few pairs do not make a keep fall whose claim they do not rule out', async () => {
  await using campaign = await keptCampaign([{ change: noOperation, claimedGain: 0.005 }]);
  const before = (await campaign.records()).length;
  const weak = await run(campaign, { pairs: 3 });
  expect(weak.reproduction).toMatchObject({
    kind: 'unclear',
    isConsistent: true,
    gain: 0,
    reasons: expect.arrayContaining([expect.stringContaining('3 of 6 pairs')]),
  });
  expect(weak).toMatchObject({ retracted: [], champion: 'e1' });
  const events = await newEvents(campaign, before);
  expect(typesOf(events)).toEqual(['engine.started', 'note.written', 'engine.stopped']);
  expect(events[1]).toMatchObject({ kind: 'warning', text: expect.stringContaining('came to nothing') });
  const full = await run(campaign, { pairs: 6 });
  expect(full).toMatchObject({ retracted: [{ experiment: 'e1' }], champion: BASELINE_EXPERIMENT });
}, 60_000);

test('a candidate that fails a run does not hold, and no gain is made up for it', async () => {
  await using campaign = await keptCampaign([{ change: crash }]);
  const before = (await campaign.records()).length;
  const report = await run(campaign, { pairs: 2 });
  expect(report.reproduction).toMatchObject({
    kind: 'does-not-hold',
    reasons: [expect.stringContaining('failed 2 of 2 runs')],
  });
  const [, reproduced] = await newEvents(campaign, before);
  expect(reproduced).toMatchObject({ type: 'experiment.reproduced', holds: false });
  for (const key of ['gain', 'interval', 'p']) expect(reproduced).not.toHaveProperty(key);
}, 60_000);

test('a reference that fails says nothing of the candidate: no verdict falls', async () => {
  await using campaign = await keptCampaign([{ change: crash }, { change: longer, parent: E1 }]);
  const before = (await campaign.records()).length;
  // e2 crashes too, since it holds e1: so e2 fails by itself. Its mended form does not.
  await using mended = await keptCampaign([
    { change: crash },
    { change: (program) => program.replace("raise SystemExit('no')\n    ", ''), parent: E1 },
  ]);
  const report = await run(mended, { choose: () => E2, pairs: 2 });
  expect(report.reproduction.kind).toBe('unclear');
  expect(report.retracted).toEqual([]);
  const last = (await mended.records()).map(({ event }) => event).findLast(({ type }) => type === 'note.written');
  expect(last).toMatchObject({ kind: 'warning', experiment: 'e2' });
  expect((await run(campaign, { choose: () => E2, pairs: 2 })).reproduction.kind).toBe('does-not-hold');
  expect((await campaign.records()).length).toBeGreaterThan(before);
}, 60_000);

test('while an engine works it is refused, but for a dry run, which leaves no trace', async () => {
  await using campaign = await keptCampaign([{ change: noOperation }]);
  const before = (await campaign.records()).length;
  await using store = await openSqliteStore(campaign.folder.log);
  await using held = await holdEngineLease(store, 'kept');
  expect(held.lost.aborted).toBe(false);
  await expect(run(campaign)).rejects.toMatchObject({ code: 'campaign-busy' });
  const report = await run(campaign, { dry: true, pairs: 2 });
  expect(report).toMatchObject({ isRecorded: false, reproduction: { kind: 'does-not-hold' } });
  expect((await campaign.records()).length).toBe(before);
}, 60_000);

test('files that are not those that were measured are found out before anything runs', async () => {
  await using campaign = await keptCampaign([{ change: longer, tree: '1'.repeat(40) }]);
  await expect(run(campaign)).rejects.toMatchObject({ code: 'repository-broken' });
});

test.each([
  ['the starting point', BASELINE_EXPERIMENT],
  ['what was not kept', experimentId(1)],
])('%s claims no gain', async (_, id) => {
  await using campaign = await keptCampaign([]);
  const { folder } = campaign;
  await using store = await openSqliteStore(folder.log);
  await store.append([
    {
      type: 'experiment.proposed',
      experiment: E1,
      proposal: {
        operator: 'invent',
        proposer: 'scripted',
        parent: BASELINE_EXPERIMENT,
        hypothesis: { kind: 'algorithmic', statement: '', rationale: '' },
        change: { type: 'none' },
      },
    },
  ]);
  await expect(run(campaign, { choose: () => id })).rejects.toMatchObject({ code: 'experiment-unfit' });
});

test('the clean room holds the commits that were asked for and no other, and is gone afterwards', async () => {
  await using campaign = await keptCampaign([{ change: longer }, { change: noOperation }]);
  const [baseline, first, second] = campaign.candidates;
  if (!baseline || !first || !second) throw new Error('the fixture makes three commits');
  await using store = await openSqliteStore(campaign.folder.log);
  const { state } = await loadState(store);
  let root: string;
  {
    await using room = await openCleanRoom({
      folder: campaign.folder,
      task: state.task,
      slots: 1,
      candidates: new Map([
        [baseline, undefined],
        [first, undefined],
      ]),
    });
    ({ root } = room);
    expect((await readdir(root)).toSorted()).toEqual(['attempts', 'candidates.git', 'task']);
    expect(room.remarks).toEqual([]);
    const { repository } = room.parts;
    expect((await repository.readFile(room.here(first), 'train.py'))?.toString()).toContain('STEPS = 800');
    // Not even the history of the commits came along.
    expect(await repository.parents(room.here(first))).toEqual([]);
    await expect(repository.show(second)).rejects.toThrow(second);
    expect(() => room.here(second)).toThrow('clean room');
  }
  expect(existsSync(root)).toBe(false);
}, 60_000);

test('the time that a reproduction takes is not on the clock of a campaign whose engine was killed', async () => {
  await using campaign = await keptCampaign([{ change: longer }], { killedEngine: true });
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await run(campaign, { pairs: 2 });
  await using store = await openSqliteStore(campaign.folder.log);
  const { state } = await loadState(store);
  expect(state.engine?.stoppedAt).toBeDefined();
  expect(state.activeMs).toBeLessThan(1000);
}, 60_000);
