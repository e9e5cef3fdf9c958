import type { AssayEvent } from '../../domain/events.ts';
import { experimentOf } from '../experiment-of.ts';
import { leaseLost } from '../lease-lost.ts';
import type { EventRecord, Lease, LeaseAttempt, LeaseOwner, ReadOptions, Snapshot, Store } from '../store.ts';

interface HeldLease {
  readonly epoch: number;
  readonly owner: LeaseOwner | undefined;
  readonly expiresAt: number;
}

/** What stands in for the file: several stores opened on one log see the same events. Gone with the process. */
export class MemoryLog {
  readonly records: EventRecord[] = [];
  readonly leases = new Map<string, HeldLease>();
  readonly snapshots = new Map<string, Snapshot>();
}

export interface MemoryStoreOptions {
  readonly log?: MemoryLog;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/** For tests and dry runs. Passes the same contract as the stores that last. */
export function inMemoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options.log ?? new MemoryLog(), options.clock ?? Date.now);
}

class MemoryStore implements Store {
  readonly #log: MemoryLog;
  readonly #clock: () => number;

  constructor(log: MemoryLog, clock: () => number) {
    this.#log = log;
    this.#clock = clock;
  }

  async append(events: readonly AssayEvent[], lease?: Lease): Promise<readonly EventRecord[]> {
    const { records } = this.#log;
    if (lease !== undefined && !this.#isCurrent(lease)) throw leaseLost(lease, this.#holder(lease.name));
    const at = Math.max(this.#clock(), records.at(-1)?.at ?? 0);
    // A copy by way of JSON, as in a file: the caller's object may change afterwards, and what JSON drops is dropped here too.
    const added = events.map((event, index) => ({
      seq: records.length + index + 1,
      at,
      event: JSON.parse(JSON.stringify(event)) as AssayEvent,
    }));
    records.push(...added);
    return added;
  }

  async *read(options: ReadOptions = {}): AsyncIterable<EventRecord> {
    const { records } = this.#log;
    const end = records.length;
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    for (let index = Math.max(0, options.after ?? 0); index < end && left > 0; index++) {
      const record = records[index];
      if (record === undefined) return;
      if (options.experiment !== undefined && experimentOf(record.event) !== options.experiment) continue;
      if (options.types !== undefined && !options.types.includes(record.event.type)) continue;
      left--;
      yield record;
    }
  }

  async lastSeq(): Promise<number> {
    return this.#log.records.length;
  }

  async acquireLease(
    name: string,
    owner: LeaseOwner,
    ttlMs: number,
    isAlive: (owner: LeaseOwner) => boolean,
  ): Promise<LeaseAttempt> {
    const now = this.#clock();
    const held = this.#log.leases.get(name);
    const isOwn = held?.owner?.id === owner.id;
    if (held?.owner !== undefined && !isOwn && held.expiresAt > now && isAlive(held.owner)) {
      return { granted: false, heldBy: held.owner };
    }
    const epoch = isOwn ? (held?.epoch ?? 1) : (held?.epoch ?? 0) + 1;
    this.#log.leases.set(name, { epoch, owner, expiresAt: now + ttlMs });
    return { granted: true, lease: { name, owner, epoch } };
  }

  async leaseHolder(name: string): Promise<LeaseOwner | undefined> {
    return this.#holder(name);
  }

  async renewLease(lease: Lease, ttlMs: number): Promise<boolean> {
    if (!this.#isCurrent(lease)) return false;
    this.#log.leases.set(lease.name, { epoch: lease.epoch, owner: lease.owner, expiresAt: this.#clock() + ttlMs });
    return true;
  }

  async releaseLease(lease: Lease): Promise<void> {
    if (!this.#isCurrent(lease)) return;
    this.#log.leases.set(lease.name, { epoch: lease.epoch, owner: undefined, expiresAt: 0 });
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    const old = this.#log.snapshots.get(snapshot.version);
    if (old === undefined || old.seq <= snapshot.seq) this.#log.snapshots.set(snapshot.version, { ...snapshot });
  }

  async loadSnapshot(version: string): Promise<Snapshot | undefined> {
    return this.#log.snapshots.get(version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing to release: the log belongs to whoever made it.
  }

  #isCurrent(lease: Lease): boolean {
    const held = this.#log.leases.get(lease.name);
    return held?.owner !== undefined && held.epoch === lease.epoch && held.owner.id === lease.owner.id;
  }

  #holder(name: string): LeaseOwner | undefined {
    const held = this.#log.leases.get(name);
    return held !== undefined && held.expiresAt > this.#clock() ? held.owner : undefined;
  }
}
