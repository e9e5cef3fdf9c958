import { afterEach, describe, expect, test } from 'vitest';
import type { AssayEvent } from '../domain/events.ts';
import { candidateId, experimentId, trialId } from '../domain/ids.ts';
import type { EventRecord, Lease, LeaseAttempt, LeaseOwner, ReadOptions, Store } from './store.ts';

/** One log that can be opened several times, as by several processes. */
export interface ContractLog {
  open(clock?: () => number): Promise<Store>;
}

const ALICE: LeaseOwner = { id: 'alice', host: 'here', pid: 10, processStart: 1000 };
const BOB: LeaseOwner = { id: 'bob', host: 'here', pid: 20, processStart: 2000 };
const alive = (): boolean => true;
const dead = (): boolean => false;

/** What every adapter of the Store port must do. */
export function describeStoreContract(name: string, newLog: () => Promise<ContractLog>): void {
  describe(`${name} keeps the contract of a store`, () => {
    const opened: Store[] = [];

    afterEach(async () => {
      for (const store of opened.splice(0)) await store[Symbol.asyncDispose]();
    });

    async function openStore(log?: ContractLog, clock?: () => number): Promise<Store> {
      const store = await (log ?? (await newLog())).open(clock);
      opened.push(store);
      return store;
    }

    describe('the log', () => {
      test('is empty at first', async () => {
        const store = await openStore();
        expect(await store.lastSeq()).toBe(0);
        expect(await readAll(store)).toEqual([]);
      });

      test('numbers events 1, 2, 3 … over appends, and gives back what it was given', async () => {
        const store = await openStore();
        const first = await store.append([note('one')]);
        const second = await store.append([note('two'), note('three: "ü" \u0000 \u{1F4A9}')]);
        const records = await readAll(store);
        expect(records).toEqual([...first, ...second]);
        expect(records.map((record) => record.seq)).toEqual([1, 2, 3]);
        expect(records.map((record) => record.event)).toEqual([
          note('one'),
          note('two'),
          note('three: "ü" \u0000 \u{1F4A9}'),
        ]);
        expect(await store.lastSeq()).toBe(3);
      });

      test('appends nothing for no events', async () => {
        const store = await openStore();
        expect(await store.append([])).toEqual([]);
        expect(await store.lastSeq()).toBe(0);
      });

      test('does not change when the object that was appended is changed afterwards', async () => {
        const store = await openStore();
        const event = { ...note('before') };
        await store.append([event]);
        event.text = 'after';
        expect((await readAll(store)).map((record) => record.event)).toEqual([note('before')]);
      });

      test('never goes back in time, even if the clock does', async () => {
        let now = 5000;
        const store = await openStore(undefined, () => now);
        await store.append([note('one')]);
        now = 3000;
        await store.append([note('two')]);
        now = 6000;
        await store.append([note('three')]);
        expect((await readAll(store)).map((record) => record.at)).toEqual([5000, 5000, 6000]);
      });

      test('takes all events of an append or none', async () => {
        const store = await openStore();
        await store.append([note('one')]);
        const circular = note('circular') as AssayEvent & { self?: unknown };
        circular.self = circular;
        await expect(store.append([note('two'), circular, note('three')])).rejects.toThrow('circular');
        expect(texts(await readAll(store))).toEqual(['one']);
        await store.append([note('four')]);
        expect((await readAll(store)).map((record) => record.seq)).toEqual([1, 2]);
      });
    });

    describe('reading', () => {
      async function filled(): Promise<Store> {
        const store = await openStore();
        await store.append([note('one', 1), planned(2), note('three'), note('four', 2), planned(1), note('six', 1)]);
        return store;
      }

      test.each<[string, ReadOptions, number[]]>([
        ['starts after a number', { after: 4 }, [5, 6]],
        ['starts after the end', { after: 6 }, []],
        ['stops at the limit', { limit: 2 }, [1, 2]],
        ['gives nothing for a limit of 0', { limit: 0 }, []],
        ['goes by experiment, also where it is inside a plan', { experiment: experimentId(1) }, [1, 5, 6]],
        ['gives nothing for an unknown experiment', { experiment: experimentId(9) }, []],
        ['goes by type', { types: ['trial.planned'] }, [2, 5]],
        ['goes by several types, in order', { types: ['trial.planned', 'note.written'] }, [1, 2, 3, 4, 5, 6]],
        ['gives nothing for no types', { types: [] }, []],
        [
          'goes by types after a number up to a limit',
          { types: ['note.written', 'trial.planned'], after: 1, limit: 3 },
          [2, 3, 4],
        ],
        [
          'goes by experiment and type after a number',
          { experiment: experimentId(1), types: ['note.written'], after: 1 },
          [6],
        ],
        [
          'counts the limit after the filter',
          { experiment: experimentId(1), types: ['note.written'], limit: 2 },
          [1, 6],
        ],
      ])('%s', async (_, options, expected) => {
        const store = await filled();
        expect((await readAll(store, options)).map((record) => record.seq)).toEqual(expected);
      });

      test('sees the log as it was when the reading began', async () => {
        const store = await filled();
        const seen: number[] = [];
        for await (const record of store.read()) {
          seen.push(record.seq);
          await store.append([note('more')]);
        }
        expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
      });

      test('is complete over many events', async () => {
        const store = await openStore();
        await store.append(Array.from({ length: 2500 }, (_, index) => note(String(index), index % 3)));
        expect((await readAll(store)).map((record) => record.seq)).toEqual(
          Array.from({ length: 2500 }, (_, index) => index + 1),
        );
        const some = await readAll(store, {
          experiment: experimentId(1),
          types: ['note.written'],
          after: 3,
          limit: 700,
        });
        expect(some).toHaveLength(700);
        expect(some.every((record) => record.seq % 3 === 2)).toBe(true);
        expect(await readAll(store, { types: ['note.written', 'trial.planned'] })).toHaveLength(2500);
      });
    });

    test('two connections that append at once leave one log without a gap', async () => {
      const log = await newLog();
      const [left, right] = [await openStore(log), await openStore(log)];
      const work = async (store: Store, who: string): Promise<void> => {
        for (let index = 0; index < 50; index++)
          await store.append([note(`${who} ${index}`), note(`${who} ${index} again`)]);
      };
      await Promise.all([work(left, 'left'), work(right, 'right')]);
      const records = await readAll(left);
      expect(records.map((record) => record.seq)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
      expect(await readAll(right)).toEqual(records);
      const ofLeft = texts(records).filter((text) => text.startsWith('left'));
      expect(ofLeft).toEqual(Array.from({ length: 50 }, (_, index) => [`left ${index}`, `left ${index} again`]).flat());
    });

    describe('a lease', () => {
      test('is granted once, and refused while its owner lives', async () => {
        const log = await newLog();
        const [left, right] = [await openStore(log), await openStore(log)];
        expect(await left.leaseHolder('engine')).toBeUndefined();
        const lease = granted(await left.acquireLease('engine', ALICE, 60_000, alive));
        expect(lease).toEqual({ name: 'engine', owner: ALICE, epoch: 1 });
        expect(await right.acquireLease('engine', BOB, 60_000, alive)).toEqual({ granted: false, heldBy: ALICE });
        expect(await right.leaseHolder('engine')).toEqual(ALICE);
        expect(granted(await right.acquireLease('other', BOB, 60_000, alive)).epoch).toBe(1);
      });

      test('is given again to its owner with the same epoch', async () => {
        const store = await openStore();
        const first = granted(await store.acquireLease('engine', ALICE, 60_000, alive));
        expect(granted(await store.acquireLease('engine', ALICE, 60_000, alive))).toEqual(first);
      });

      test('is taken over at once from a dead owner, whose appends are then refused', async () => {
        const log = await newLog();
        const [left, right] = [await openStore(log), await openStore(log)];
        const old = granted(await left.acquireLease('engine', ALICE, 60_000, alive));
        await left.append([note('mine')], old);
        const asked: LeaseOwner[] = [];
        const attempt = await right.acquireLease('engine', BOB, 60_000, (owner) => {
          asked.push(owner);
          return dead();
        });
        expect(asked).toEqual([ALICE]);
        const fresh = granted(attempt);
        expect(fresh.epoch).toBe(old.epoch + 1);
        await expect(left.append([note('too late')], old)).rejects.toMatchObject({
          name: 'UserError',
          code: 'lease-lost',
        });
        expect(await left.renewLease(old, 60_000)).toBe(false);
        await left.releaseLease(old);
        expect(await right.leaseHolder('engine')).toEqual(BOB);
        await right.append([note('yours')], fresh);
        expect(texts(await readAll(left))).toEqual(['mine', 'yours']);
      });

      test('runs out, and is then anyone’s', async () => {
        let now = 1_000_000;
        const log = await newLog();
        const [left, right] = [await openStore(log, () => now), await openStore(log, () => now)];
        const old = granted(await left.acquireLease('engine', ALICE, 1000, alive));
        now += 900;
        expect(await left.renewLease(old, 1000)).toBe(true);
        now += 900;
        expect((await right.acquireLease('engine', BOB, 1000, alive)).granted).toBe(false);
        now += 101;
        expect(await right.leaseHolder('engine')).toBeUndefined();
        expect(granted(await right.acquireLease('engine', BOB, 1000, alive)).epoch).toBe(old.epoch + 1);
        expect(await left.renewLease(old, 1000)).toBe(false);
      });

      test('that ran out is still its owner’s while nobody took it', async () => {
        let now = 1_000_000;
        const store = await openStore(undefined, () => now);
        const lease = granted(await store.acquireLease('engine', ALICE, 1000, alive));
        now += 5000;
        await store.append([note('late, but nobody else wrote')], lease);
        expect(await store.renewLease(lease, 1000)).toBe(true);
        expect(await store.leaseHolder('engine')).toEqual(ALICE);
      });

      test('that was released is free, and its old epoch writes nothing any more', async () => {
        const store = await openStore();
        const old = granted(await store.acquireLease('engine', ALICE, 60_000, alive));
        await store.releaseLease(old);
        expect(await store.leaseHolder('engine')).toBeUndefined();
        await expect(store.append([note('released')], old)).rejects.toMatchObject({ code: 'lease-lost' });
        expect(granted(await store.acquireLease('engine', ALICE, 60_000, alive)).epoch).toBe(old.epoch + 1);
        expect(await store.lastSeq()).toBe(0);
      });

      test('that never was is lost', async () => {
        const store = await openStore();
        const invented: Lease = { name: 'engine', owner: ALICE, epoch: 1 };
        await expect(store.append([note('no')], invented)).rejects.toMatchObject({ code: 'lease-lost' });
      });
    });

    describe('a snapshot', () => {
      test('is found by its version, the newest one', async () => {
        const store = await openStore();
        expect(await store.loadSnapshot('v1')).toBeUndefined();
        await store.saveSnapshot({ seq: 10, version: 'v1', data: 'ten' });
        await store.saveSnapshot({ seq: 12, version: 'v2', data: 'other' });
        await store.saveSnapshot({ seq: 20, version: 'v1', data: 'twenty' });
        await store.saveSnapshot({ seq: 15, version: 'v1', data: 'late' });
        expect(await store.loadSnapshot('v1')).toEqual({ seq: 20, version: 'v1', data: 'twenty' });
        expect(await store.loadSnapshot('v2')).toEqual({ seq: 12, version: 'v2', data: 'other' });
        expect(await store.loadSnapshot('v3')).toBeUndefined();
      });
    });
  });
}

function note(text: string, experiment?: number): Extract<AssayEvent, { type: 'note.written' }> & { text: string } {
  const about = experiment === undefined ? {} : { experiment: experimentId(experiment) };
  return { type: 'note.written', kind: 'insight', text, ...about };
}

function planned(experiment: number): AssayEvent {
  const candidate = candidateId('ab'.repeat(20));
  return {
    type: 'trial.planned',
    plan: {
      trial: trialId(1),
      experiment: experimentId(experiment),
      candidate,
      stage: 'screen',
      arm: 'candidate',
      pair: 1,
      seed: 7,
    },
  };
}

function granted(attempt: LeaseAttempt): Lease {
  if (!attempt.granted) throw new Error(`the lease was refused: ${attempt.heldBy.id} holds it`);
  return attempt.lease;
}

function texts(records: readonly EventRecord[]): string[] {
  return records.map(({ event }) => (event.type === 'note.written' ? event.text : event.type));
}

async function readAll(store: Store, options?: ReadOptions): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  for await (const record of store.read(options)) records.push(record);
  return records;
}
