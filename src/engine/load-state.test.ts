import { beforeAll, expect, test } from 'vitest';
import type { AssayEvent } from '../domain/events.ts';
import { HandMadeCampaign } from '../domain/hand-made-campaign.fixture.ts';
import { REDUCER_VERSION } from '../domain/reduce.ts';
import { serializeState } from '../domain/snapshot.ts';
import { inMemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { loadState } from './load-state.ts';

let events: readonly AssayEvent[];

beforeAll(() => {
  const campaign = new HandMadeCampaign();
  for (let round = 0; round < 5; round += 1) {
    const id = campaign.propose({ change: { type: 'knobs', values: { LR: round } } });
    campaign.passScreen(id);
    campaign.gains(id, 'replicate', 0.1, 0.2);
    if (round < 4) campaign.crown(id, 0.1);
  }
  events = campaign.records.map(({ event }) => event);
});

/** A log with a snapshot in its middle, whose data may be bent. */
async function withSnapshot(bend: (data: string) => string = (data) => data, seq?: number): Promise<Store> {
  const store = inMemoryStore({ clock: () => 5 });
  await store.append(events.slice(0, 30));
  const { state } = await loadState(store);
  await store.saveSnapshot({ seq: seq ?? state.seq, version: REDUCER_VERSION, data: bend(serializeState(state)) });
  await store.append(events.slice(30));
  return store;
}

test('from a snapshot and from the first event comes the same state', async () => {
  const store = await withSnapshot();
  const quick = await loadState(store);
  const slow = await loadState(store, { rebuild: true });
  expect(quick.snapshotSeq).toBe(30);
  expect(slow.snapshotSeq).toBe(0);
  expect(quick.state).toEqual(slow.state);
  expect(quick.state.seq).toBe(events.length);
});

test.each([
  ['cut off', (data: string) => data.slice(0, -20)],
  ['empty', () => ''],
  ['null', () => 'null'],
  ['another object', () => '{}'],
  ['a number', () => '7'],
  ['a state of another place in the log', (data: string) => data.replace('"seq":30', '"seq":29')],
])('a damaged snapshot (%s) is ignored: the log has everything', async (_name, bend) => {
  const store = await withSnapshot(bend);
  const { state, snapshotSeq } = await loadState(store);
  expect(snapshotSeq).toBe(0);
  expect(state).toEqual((await loadState(store, { rebuild: true })).state);
});

test('a snapshot from beyond the end of the log (a backup was put back) is ignored', async () => {
  const store = await withSnapshot((data) => data.replace('"seq":30', '"seq":5000'), 5000);
  const { state, snapshotSeq } = await loadState(store);
  expect(snapshotSeq).toBe(0);
  expect(state.seq).toBe(events.length);
});

test('a snapshot of another version of the reducer is ignored', async () => {
  const store = inMemoryStore();
  await store.append(events);
  await store.saveSnapshot({ seq: 3, version: 'older', data: '{"seq":3}' });
  expect((await loadState(store)).state.seq).toBe(events.length);
});

test('an empty log is no campaign, and says so', async () => {
  await expect(loadState(inMemoryStore())).rejects.toMatchObject({ code: 'campaign-empty' });
});
