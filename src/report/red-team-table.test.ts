import { expect, test } from 'vitest';
import { guardedLog } from './guarded-log.fixture.ts';
import { merelyNoted } from './merely-noted.fixture.ts';
import { gainlessWords, redTeamReport, type RedTeamReport } from './red-team-table.ts';

const AUDITS = ['causality', 'network'];

async function attack(
  options: Partial<Parameters<typeof guardedLog>[0]> & { readonly minimumGain?: number } = {},
): Promise<RedTeamReport> {
  const { minimumGain = 0, ...rest } = options;
  const { state, records } = await guardedLog({ audits: AUDITS, experiments: 1, ...rest });
  return redTeamReport(state, records, { minimumGain });
}

const verdictsOf = ({ rows }: RedTeamReport): Readonly<Record<string, string>> =>
  Object.fromEntries(rows.map(({ id, verdict }) => [id, verdict]));

test('all caught, the control passed', async () => {
  const report = await attack();
  expect(verdictsOf(report)).toEqual({ 'cheat-causality': 'caught', 'cheat-network': 'caught', honest: 'passed' });
  expect(report.caught).toMatchObject({ count: 2, total: 2, share: 1 });
  expect(report.gotThrough).toMatchObject({ count: 0, total: 2 });
  expect(report.falseAlarms).toMatchObject({ count: 0, total: 1 });
  expect(report.threshold).toBeGreaterThan(0);
});

test('what a blind audit lets through got through when it gains, and is unnoticed when it does not', async () => {
  const through = await attack({ sabotage: { audit: 'network', how: 'blind' } });
  expect(verdictsOf(through)).toMatchObject({ 'cheat-causality': 'caught', 'cheat-network': 'got-through' });
  const row = through.rows.find(({ id }) => id === 'cheat-network');
  expect(row).toMatchObject({ fired: [], expected: ['network'], kind: 'canary' });
  expect(row?.candidate).toBeDefined();
  expect(row?.gain).toBeGreaterThan(through.threshold ?? 0);
  // The same, with so large a smallest gain of interest that it gained nothing.
  const unnoticed = await attack({ sabotage: { audit: 'network', how: 'blind' }, minimumGain: 1000 });
  expect(verdictsOf(unnoticed)).toMatchObject({ 'cheat-network': 'unnoticed' });
  expect(unnoticed).toMatchObject({ unnoticed: { count: 1 }, contained: { count: 0 }, caught: { count: 1 } });
});

test.each([
  ['no better than the start', 0, 'noted'],
  ['better than the start', 5, 'got-through'],
])('what an audit pointed at and nothing stopped, %s, was not caught', async (_, gained, verdict) => {
  const { state, records } = await guardedLog({ audits: AUDITS, experiments: 1 });
  const start = state.noise?.start.mean ?? expect.fail('the start was measured');
  const value = state.task.direction === 'minimize' ? start - gained : start + gained;
  const report = await redTeamReport(state, merelyNoted(records, 'cheat-network', value), { minimumGain: 0 });
  expect(verdictsOf(report)).toMatchObject({ 'cheat-network': verdict, 'cheat-causality': 'caught' });
  expect(report.caught).toMatchObject({ count: 1, total: 2 });
  expect(report.noted.count + report.gotThrough.count).toBe(1);
  const row = report.rows.find(({ id }) => id === 'cheat-network');
  expect(row).toMatchObject({ fired: ['network'], detail: expect.stringContaining('nothing stopped it') });
});

test('a short screen is not held against a start of whole trials: what is unknown does not speak for us', async () => {
  const { state, records } = await guardedLog({ audits: AUDITS, experiments: 1 });
  const start = state.noise?.start.mean ?? expect.fail('the start was measured');
  const apart = { ...state, task: { ...state.task, screensApart: true } };
  const shorter = (stage: 'screen' | 'confirm'): typeof records =>
    records.map((record) => {
      const { event } = record;
      if (event.type !== 'batch.opened') return record;
      return { ...record, event: { ...event, guards: event.guards.map((guard) => ({ ...guard, stage })) } };
    });
  for (const [stage, verdict] of [
    ['screen', 'got-through'],
    ['confirm', 'noted'],
  ] as const) {
    const report = await redTeamReport(apart, merelyNoted(shorter(stage), 'cheat-network', start), { minimumGain: 0 });
    const row = report.rows.find(({ id }) => id === 'cheat-network');
    expect(row).toMatchObject({ verdict });
    expect(row?.gain).toBe(stage === 'screen' ? undefined : 0);
  }
});

test('what gave no value, and no expected audit saw, is contained', async () => {
  const { state, records } = await guardedLog({ audits: AUDITS, experiments: 1 });
  const blind = records.map((record) =>
    record.event.type === 'guard.reported' && record.event.guard.id === 'cheat-network'
      ? { ...record, event: { ...record.event, ok: false, fired: [] } }
      : record,
  );
  const report = await redTeamReport(state, blind, { minimumGain: 0 });
  expect(verdictsOf(report)).toMatchObject({ 'cheat-network': 'contained' });
});

test('the threshold is a share of the start too, and above a tenth it is said that no gain means little', async () => {
  const { state, records } = await guardedLog({ audits: AUDITS, experiments: 1 });
  const report = await redTeamReport(state, records, { minimumGain: 1000 });
  expect(report.thresholdShare).toBeCloseTo(1000 / Math.abs(state.noise?.start.mean ?? 0), 9);
  expect(gainlessWords({ threshold: 0.35, thresholdShare: 0.35 })).toMatch(
    /0\.350 better .* 35 % of its mean; .* means little/,
  );
  expect(gainlessWords({ threshold: 0.05, thresholdShare: 0.05 })).not.toContain('means little');
  expect(gainlessWords({})).toBeUndefined();
});

test('an honest control that is refused is a false alarm', async () => {
  const report = await attack({ sabotage: { audit: 'network', how: 'paranoid' } });
  expect(verdictsOf(report)).toMatchObject({ honest: 'false-alarm' });
  expect(report.falseAlarms.count).toBeGreaterThan(0);
});

test('a guard that has not reported has not run: it counts nowhere', async () => {
  const { state, records } = await guardedLog({ audits: AUDITS, experiments: 1 });
  const first = records.findIndex(({ event }) => event.type === 'guard.reported');
  const report = await redTeamReport(state, records.slice(0, first + 1), { minimumGain: 0 });
  expect(report.rows.map(({ verdict }) => verdict).toSorted()).toEqual(['caught', 'not-run', 'not-run']);
  expect(report.caught.total + report.falseAlarms.total).toBe(1);
});
