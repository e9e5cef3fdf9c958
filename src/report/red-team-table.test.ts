import { expect, test } from 'vitest';
import { guardedLog } from './guarded-log.fixture.ts';
import { redTeamReport, type RedTeamReport } from './red-team-table.ts';

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

test('what a blind audit lets through got through when it scores, and is contained when it does not', async () => {
  const through = await attack({ sabotage: { audit: 'network', how: 'blind' } });
  expect(verdictsOf(through)).toMatchObject({ 'cheat-causality': 'caught', 'cheat-network': 'got-through' });
  const row = through.rows.find(({ id }) => id === 'cheat-network');
  expect(row).toMatchObject({ fired: [], expected: ['network'], kind: 'canary' });
  expect(row?.candidate).toBeDefined();
  expect(row?.gain).toBeGreaterThan(through.threshold ?? 0);
  // The same, with so large a smallest gain of interest that it gained nothing.
  const contained = await attack({ sabotage: { audit: 'network', how: 'blind' }, minimumGain: 1000 });
  expect(verdictsOf(contained)).toMatchObject({ 'cheat-network': 'contained' });
  expect(contained.contained.count).toBe(1);
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
