import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AssayEvent } from '../../domain/events.ts';
import { experimentOf } from '../experiment-of.ts';
import { leaseLost } from '../lease-lost.ts';
import type { EventRecord, Lease, LeaseAttempt, LeaseOwner, ReadOptions, Snapshot, Store } from '../store.ts';
import { readEvents } from './read-events.ts';
import * as sql from './schema.sql.ts';
import { asUserError, broken } from './sqlite-errors.ts';
import { inTransaction } from './transaction.ts';
import type { WalSync } from './wal-sync.ts';

interface LeaseRow {
  readonly epoch: number;
  readonly owner: LeaseOwner | undefined;
  readonly expiresAt: number;
}

/** One connection. Made by `openSqliteStore`, which has checked the file and its schema. */
export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #clock: () => number;
  readonly #walSync: WalSync;
  readonly #insertEvent: StatementSync;
  readonly #lastEvent: StatementSync;
  readonly #readLease: StatementSync;
  readonly #writeLease: StatementSync;

  constructor(database: DatabaseSync, file: string, clock: () => number, walSync: WalSync) {
    this.#database = database;
    this.#file = file;
    this.#clock = clock;
    this.#walSync = walSync;
    this.#insertEvent = database.prepare(sql.INSERT_EVENT);
    this.#lastEvent = database.prepare(sql.LAST_EVENT);
    this.#readLease = database.prepare(sql.READ_LEASE);
    this.#writeLease = database.prepare(sql.WRITE_LEASE);
  }

  async append(events: readonly AssayEvent[], lease?: Lease): Promise<readonly EventRecord[]> {
    return this.#run(() => {
      this.#walSync.throwIfFailed();
      const records = inTransaction(this.#database, () => {
        if (lease !== undefined) this.#checkLease(lease);
        const last = this.#last();
        const at = Math.max(Math.floor(this.#clock()), last.at);
        return events.map((event, index) => {
          const seq = last.seq + index + 1;
          const data = JSON.stringify(event);
          this.#insertEvent.run(seq, at, event.type, experimentOf(event) ?? null, data);
          // What is read later, not the caller's object: the two differ where JSON drops something.
          return { seq, at, event: JSON.parse(data) as AssayEvent };
        });
      });
      this.#walSync.schedule();
      return records;
    });
  }

  async *read(options: ReadOptions = {}): AsyncIterable<EventRecord> {
    const end = await this.lastSeq();
    const records = readEvents(this.#database, this.#file, end, options);
    while (true) {
      const next = this.#run(() => records.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  async lastSeq(): Promise<number> {
    return this.#run(() => this.#last().seq);
  }

  async acquireLease(
    name: string,
    owner: LeaseOwner,
    ttlMs: number,
    isAlive: (owner: LeaseOwner) => boolean,
  ): Promise<LeaseAttempt> {
    return this.#run(() =>
      inTransaction(this.#database, () => {
        const now = Math.floor(this.#clock());
        const held = this.#lease(name);
        const isOwn = held?.owner?.id === owner.id;
        if (held?.owner !== undefined && !isOwn && held.expiresAt > now && isAlive(held.owner)) {
          return { granted: false, heldBy: held.owner };
        }
        const epoch = isOwn ? (held?.epoch ?? 1) : (held?.epoch ?? 0) + 1;
        this.#writeLease.run(name, epoch, JSON.stringify(owner), now + Math.ceil(ttlMs));
        return { granted: true, lease: { name, owner, epoch } };
      }),
    );
  }

  async leaseHolder(name: string): Promise<LeaseOwner | undefined> {
    return this.#run(() => this.#holder(name));
  }

  async renewLease(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.#run(() =>
      inTransaction(this.#database, () => {
        if (!this.#isCurrent(lease)) return false;
        const expiresAt = Math.floor(this.#clock()) + Math.ceil(ttlMs);
        this.#writeLease.run(lease.name, lease.epoch, JSON.stringify(lease.owner), expiresAt);
        return true;
      }),
    );
  }

  async releaseLease(lease: Lease): Promise<void> {
    this.#run(() =>
      inTransaction(this.#database, () => {
        if (this.#isCurrent(lease)) this.#writeLease.run(lease.name, lease.epoch, null, 0);
      }),
    );
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    this.#run(() => this.#database.prepare(sql.WRITE_SNAPSHOT).run(snapshot.version, snapshot.seq, snapshot.data));
  }

  async loadSnapshot(version: string): Promise<Snapshot | undefined> {
    const row = this.#run(() => this.#database.prepare(sql.READ_SNAPSHOT).get(version));
    return row === undefined ? undefined : ({ ...row } as unknown as Snapshot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#walSync.stop();
    // The last connection to close moves the write-ahead log into the database and syncs it.
    if (this.#database.isOpen) this.#database.close();
  }

  #run<Value>(work: () => Value): Value {
    try {
      return work();
    } catch (error) {
      throw asUserError(error, this.#file);
    }
  }

  #last(): { seq: number; at: number } {
    const row = this.#lastEvent.get();
    return row === undefined ? { seq: 0, at: 0 } : { seq: Number(row['seq']), at: Number(row['at']) };
  }

  #lease(name: string): LeaseRow | undefined {
    const row = this.#readLease.get(name);
    if (row === undefined) return undefined;
    const owner = row['owner'];
    return {
      epoch: Number(row['epoch']),
      owner: typeof owner === 'string' ? this.#parseOwner(owner) : undefined,
      expiresAt: Number(row['expires_at']),
    };
  }

  #parseOwner(text: string): LeaseOwner {
    try {
      return JSON.parse(text) as LeaseOwner;
    } catch (error) {
      throw broken(this.#file, 'the owner of a lease is not JSON', error);
    }
  }

  #isCurrent(lease: Lease): boolean {
    const held = this.#lease(lease.name);
    return held?.owner !== undefined && held.epoch === lease.epoch && held.owner.id === lease.owner.id;
  }

  #holder(name: string): LeaseOwner | undefined {
    const held = this.#lease(name);
    return held !== undefined && held.expiresAt > this.#clock() ? held.owner : undefined;
  }

  #checkLease(lease: Lease): void {
    if (!this.#isCurrent(lease)) throw leaseLost(lease, this.#holder(lease.name));
  }
}
