import { beforeAll, expect, test } from 'vitest';
import { catalogueVersions, idsThatRun } from '../../audit/catalogue/catalogue.ts';
import { BASELINE_EXPERIMENT, experimentId } from '../../domain/ids.ts';
import { ensureBubblewrap } from '../../executor/local/ensure-bubblewrap.ts';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { holdEngineLease } from '../engine-lease.ts';
import { loadState } from '../load-state.ts';
import { crash, keptCampaign, longer, noOperation, type KeptCampaign } from '../reproduce/kept-campaign.fixture.ts';
import type { Auditors } from './audit-again.ts';
import { foundations, standingKeeps } from './choose-keeps.ts';
import { reaudit, type ReauditReport } from './reaudit.ts';

const E1 = experimentId(1);

beforeAll(() => ensureBubblewrap(), 120_000);

/** Every audit of the numbers looks and finds nothing. */
const quiet: Auditors['auditNumbers'] = () =>
  idsThatRun('experiment').map((audit) => ({
    audit,
    version: catalogueVersions()[audit] ?? 0,
    finding: 'passed',
    detail: 'looked',
  }));

/** Every audit of the change looks, and one of them fires. */
function firing(id: string): Auditors['auditChange'] {
  return async () =>
    idsThatRun('change').map((audit) => ({
      audit,
      version: 1,
      finding: audit === id ? 'fired' : 'passed',
      detail: 'looks like train.py',
    }));
}

function run(campaign: KeptCampaign, options: Partial<Parameters<typeof reaudit>[0]> = {}): Promise<ReauditReport> {
  return reaudit({
    folder: campaign.folder,
    slots: 1,
    signal: new AbortController().signal,
    ...options,
    auditors: { auditNumbers: quiet, ...options.auditors },
  });
}

test('the champion and what it is built on are looked at, and then no more until an audit changes', async () => {
  await using campaign = await keptCampaign([
    { change: longer },
    { change: noOperation },
    { change: (program) => program.replace('DEGREE = 3', 'DEGREE = 4'), parent: E1 },
  ]);
  const first = await run(campaign);
  expect(first.experiments.map(({ experiment }) => experiment)).toEqual(['e1', 'e3']);
  for (const { reports, fired, problem, trials, changeMs, before } of first.experiments) {
    expect({ fired, problem }).toEqual({ fired: [], problem: undefined });
    expect(before).toEqual({});
    expect(trials.map(({ plan }) => plan.stage)).toEqual(['screen', 'confirm']);
    expect(changeMs).toBeGreaterThan(0);
    const looked = reports.map(({ audit }) => audit);
    expect(looked).toEqual(expect.arrayContaining([...idsThatRun('change'), 'process-census', 'network']));
  }
  expect(first).toMatchObject({ isRecorded: true, champion: 'e3' });
  const second = await run(campaign);
  expect(second).toMatchObject({ experiments: [], upToDate: ['e1', 'e3'], isRecorded: false });
  const audited = (await campaign.records()).flatMap(({ event }) => (event.type === 'experiment.audited' ? event : []));
  expect(audited.map(({ experiment, occasion }) => [experiment, occasion])).toEqual([
    ['e1', 'again'],
    ['e3', 'again'],
  ]);
}, 60_000);

test('what an audit finds out falls with what is built on it', async () => {
  await using campaign = await keptCampaign([{ change: longer }, { change: noOperation, parent: E1 }]);
  const report = await run(campaign, { choose: () => E1, auditors: { auditChange: firing('path-tricks') } });
  expect(report.experiments[0]?.fired.map(({ audit }) => audit)).toEqual(['path-tricks']);
  expect(report.champion).toBe(BASELINE_EXPERIMENT);
  await using store = await openSqliteStore(campaign.folder.log);
  const { state } = await loadState(store);
  expect(state.experiments.get(E1)?.retracted).toMatchObject({
    cause: 'audit',
    reason: expect.stringContaining('path-tricks: looks like train.py'),
  });
  expect(state.experiments.get(experimentId(2))?.builtOn).toBe('e1');
  expect(standingKeeps(state)).toEqual([]);
}, 60_000);

test('what only triage finds does not make it fall', async () => {
  await using campaign = await keptCampaign([{ change: longer }]);
  const report = await run(campaign, { auditors: { auditChange: firing('forbidden-names') } });
  expect(report.experiments[0]).toMatchObject({ fired: [] });
  expect(report.experiments[0]?.reports.filter(({ finding }) => finding === 'fired')).toHaveLength(1);
  expect(report.champion).toBe('e1');
}, 60_000);

test('an audit that is silent has not looked: it is said, it stays due, and nothing falls', async () => {
  await using campaign = await keptCampaign([{ change: longer }]);
  const report = await run(campaign, { auditors: { auditChange: async () => [] } });
  expect(report.experiments[0]).toMatchObject({ problem: expect.stringContaining('silent: '), fired: [] });
  expect(report.champion).toBe('e1');
  const again = await run(campaign);
  expect(again.experiments[0]?.reports.map(({ audit }) => audit)).toEqual(
    expect.arrayContaining([...idsThatRun('change')]),
  );
}, 60_000);

test('a trial that comes to nothing leaves its audits due', async () => {
  await using campaign = await keptCampaign([{ change: crash }]);
  const report = await run(campaign);
  expect(report.experiments[0]).toMatchObject({ problem: expect.stringContaining('its trial at'), fired: [] });
  const audited = (await campaign.records()).flatMap(({ event }) => (event.type === 'experiment.audited' ? event : []));
  expect(audited[0]?.audits.map(({ audit }) => audit)).not.toContain('network');
}, 60_000);

test('while an engine works nothing may be written', async () => {
  await using campaign = await keptCampaign([{ change: longer }]);
  await using store = await openSqliteStore(campaign.folder.log);
  await using held = await holdEngineLease(store, 'kept');
  expect(held.lost.aborted).toBe(false);
  const before = await store.lastSeq();
  await expect(run(campaign)).rejects.toMatchObject({ code: 'campaign-busy' });
  expect((await run(campaign, { dry: true })).experiments).toHaveLength(1);
  expect(await store.lastSeq()).toBe(before);
}, 60_000);

test('nothing that was kept: nothing to do', async () => {
  await using campaign = await keptCampaign([]);
  expect(await run(campaign)).toMatchObject({ experiments: [], upToDate: [], champion: BASELINE_EXPERIMENT });
});

test('what a champion is built on includes what was merged into it, and not what was kept beside it', async () => {
  const { smallCampaign } = await import('../../report/demo-campaign.fixture.ts');
  const { state } = await smallCampaign();
  const { candidate } = state.experiments.get(experimentId(1)) ?? {};
  const merge = { type: 'merge', other: candidate ?? state.baseline, otherExperiment: experimentId(1) } as const;
  const champion = state.experiments.get(experimentId(6));
  if (!champion) throw new Error('e6 is the champion');
  const merged = { ...champion, proposal: { ...champion.proposal, parent: BASELINE_EXPERIMENT, change: merge } };
  const changed = { ...state, experiments: new Map([...state.experiments, [champion.id, merged] as const]) };
  expect(foundations(changed, champion.id)).toEqual(['e1', 'e6']);
  expect(foundations(state, experimentId(1))).toEqual(['e1']);
  expect(foundations(state, BASELINE_EXPERIMENT)).toEqual([]);
});
