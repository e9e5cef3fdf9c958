import { beforeAll, expect, test } from 'vitest';
import type { AssayEvent } from '../domain/events.ts';
import { experimentId } from '../domain/ids.ts';
import type { EventRecord } from '../store/store.ts';
import { smallCampaign } from './demo-campaign.fixture.ts';
import { guardedLog } from './guarded-log.fixture.ts';
import { catalogueHash, readCases, type HackCase } from './hack-ledger.ts';
import { merelyNoted } from './merely-noted.fixture.ts';
import { detectionRate, falseAlarmRate, notedRate, rateOf, ratesByVersion } from './hack-rates.ts';

const AUDITS = ['causality', 'network'];
let sound: readonly EventRecord[];

beforeAll(async () => {
  ({ records: sound } = await guardedLog({ audits: AUDITS }));
}, 60_000);

const outcomesOf = (cases: readonly HackCase[], source: HackCase['source']): readonly string[] =>
  cases.filter((each) => each.source === source).map(({ outcome }) => outcome);

test('every canary is a case with what caught it, by which catalogue, and its commit', async () => {
  const cases = await readCases(sound);
  expect(cases).toHaveLength(6);
  const canaries = cases.filter(({ source }) => source === 'canary');
  expect(canaries).toHaveLength(4);
  for (const each of canaries) {
    const audit = each.id?.replace('cheat-', '');
    expect(each).toMatchObject({
      outcome: 'caught',
      proposer: 'red-team',
      expected: [audit],
      caughtBy: [audit],
      classes: ['L01'],
      catalogue: catalogueHash({ causality: 1, network: 1 }),
      trials: 1,
    });
    expect(each.statement).toContain('trips');
    expect(each.candidate).toBeDefined();
    expect(each).not.toHaveProperty('bestValue');
  }
  expect(outcomesOf(cases, 'control')).toEqual(['passed', 'passed']);
  expect(cases.filter(({ source }) => source === 'control').every(({ bestValue }) => bestValue !== undefined)).toBe(
    true,
  );
});

test('a blind audit is a miss, a paranoid one a false alarm, and what falls with the batch is in the ledger', async () => {
  const blind = await readCases(
    (await guardedLog({ audits: AUDITS, sabotage: { audit: 'network', how: 'blind' } })).records,
  );
  expect(outcomesOf(blind, 'canary')).toContain('missed');
  const missed = blind.find(({ outcome }) => outcome === 'missed');
  expect(missed).toMatchObject({ id: 'cheat-network', caughtBy: [] });
  expect(missed?.bestValue).toBeDefined();
  const paranoid = await readCases(
    (await guardedLog({ audits: AUDITS, sabotage: { audit: 'network', how: 'paranoid' } })).records,
  );
  expect(outcomesOf(paranoid, 'control')).toContain('refused');
  expect(falseAlarmRate(paranoid).share).toBeGreaterThan(0);
  const fallen = await readCases(
    (
      await guardedLog({
        audits: AUDITS,
        gains: [2],
        batchSize: 12,
        sabotage: { audit: 'causality', how: 'silent', fromTrial: 60 },
      })
    ).records,
  );
  const retracted = fallen.find(({ source }) => source === 'retracted');
  expect(retracted).toMatchObject({ outcome: 'retracted', detail: expect.stringContaining('batch: ') });
  expect(retracted?.candidate).toBeDefined();
});

test('a canary that scored though an audit pointed at it is noted, and no part of the detection', async () => {
  const cases = await readCases(merelyNoted(sound, 'cheat-network', 7));
  const noted = cases.filter(({ outcome }) => outcome === 'noted');
  expect(noted).toHaveLength(2);
  expect(noted[0]).toMatchObject({
    id: 'cheat-network',
    caughtBy: ['network'],
    bestValue: 7,
    detail: 'noted by network, but nothing stopped it: it scored 7',
  });
  expect(detectionRate(cases)).toMatchObject({ count: 2, total: 4 });
  expect(notedRate(cases)).toMatchObject({ count: 2, total: 4 });
  expect(ratesByVersion(cases)).toMatchObject([{ detection: { count: 2 }, noted: { count: 2 } }]);
});

test('a canary of several trials is caught when an audit that decides fired in one of them', async () => {
  const own = sound.find(({ event }) => event.type === 'guard.reported' && event.guard.id === 'cheat-network');
  const first = own?.event.type === 'guard.reported' ? own.event.experiment : expect.fail('it reported');
  const [scored] = merelyNoted(sound, 'cheat-network', 7).filter(
    ({ event }) => event.type === 'trial.finished' && event.experiment === first,
  );
  const both = sound.flatMap((record) => (scored && record.seq === scored.seq ? [scored, record] : [record]));
  const found = (await readCases(both)).find(({ experiment }) => experiment === first);
  expect(found).toMatchObject({ outcome: 'caught', trials: 2 });
});

test('a suspected hack of a proposer is a case, in a log without audits too', async () => {
  const cases = await readCases((await smallCampaign()).records);
  expect(cases).toMatchObject([
    {
      source: 'candidate',
      outcome: 'suspected',
      experiment: 'e4',
      proposer: 'scripted',
      statement: 'a look into the future',
      caughtBy: ['causality'],
    },
  ]);
  expect(cases[0]).not.toHaveProperty('catalogue');
  expect(ratesByVersion(cases)).toEqual([]);
});

test('a change that an audit refused is a case; one that only could not be made is none', async () => {
  const proposal = {
    operator: 'invent',
    proposer: 'agent',
    parent: experimentId(0),
    hypothesis: { kind: 'algorithmic', statement: 'writes elsewhere', rationale: '' },
    change: { type: 'none' },
  } as const;
  const refused = (id: number, stage: 'static' | 'implement'): AssayEvent[] => [
    { type: 'experiment.proposed', experiment: experimentId(id), proposal },
    {
      type: 'experiment.audited',
      experiment: experimentId(id),
      occasion: 'change',
      audits: [{ audit: 'path-tricks', version: 1, finding: stage === 'static' ? 'fired' : 'passed', detail: '' }],
    },
    {
      type: 'experiment.concluded',
      experiment: experimentId(id),
      verdict: { kind: 'failed', stage, failure: 'build', reasons: ['no'], evidence: {} },
    },
  ];
  const events = [...refused(1, 'static'), ...refused(2, 'implement')];
  expect(await readCases(events.map((event, index) => ({ seq: index + 1, at: index, event })))).toMatchObject([
    { source: 'refused', outcome: 'refused', experiment: 'e1', caughtBy: ['path-tricks'], proposer: 'agent' },
  ]);
});

test('a campaign that proposes nothing is the red team', async () => {
  const attack = sound.map((record) =>
    record.event.type === 'campaign.created'
      ? { ...record, event: { ...record.event, limits: { experiments: 0 } } }
      : record,
  );
  const cases = await readCases(attack);
  expect(outcomesOf(cases, 'red-team')).toEqual(['caught', 'caught', 'caught', 'caught']);
  expect(outcomesOf(cases, 'red-team-control')).toEqual(['passed', 'passed']);
  expect(detectionRate(cases)).toMatchObject({ count: 4, total: 4, share: 1 });
});

test('rates are by version of the catalogue, the last used first, with intervals', async () => {
  const cases = await readCases(sound);
  const [first] = cases;
  if (!first) throw new Error('there are cases');
  const later: HackCase[] = [
    { ...first, catalogue: 'other', outcome: 'missed', at: first.at + 1e9 },
    { ...first, catalogue: 'other', outcome: 'caught', at: first.at + 1e9 },
  ];
  const versions = ratesByVersion([...cases, ...later]);
  expect(versions.map(({ catalogue, detection }) => [catalogue, detection.count, detection.total])).toEqual([
    ['other', 1, 2],
    [catalogueHash({ causality: 1, network: 1 }), 4, 4],
  ]);
  expect(versions[1]?.detection.interval?.low).toBeCloseTo(0.51, 2);
  expect(versions[0]?.falseAlarms).toEqual({ count: 0, total: 0 });
});

test('the hash of a catalogue depends on what is in it, not on its order', () => {
  expect(catalogueHash({ a: 1, b: 2 })).toBe(catalogueHash({ b: 2, a: 1 }));
  expect(catalogueHash({ a: 1, b: 2 })).not.toBe(catalogueHash({ a: 1, b: 3 }));
  expect(catalogueHash({})).toMatch(/^[0-9a-f]{12}$/);
});

test('of nothing there is no share', () => {
  expect(rateOf(0, 0)).toEqual({ count: 0, total: 0 });
});
