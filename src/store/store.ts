import type { AssayEvent, EventType } from '../domain/events.ts';
import type { ExperimentId } from '../domain/ids.ts';

/** An event with its place in the log. */
export interface EventRecord {
  /** 1, 2, 3, … without a gap. */
  readonly seq: number;
  /** Milliseconds since 1970, by the clock of the process that appended it. Never goes back within a log. */
  readonly at: number;
  readonly event: AssayEvent;
}

export interface ReadOptions {
  /** Only records with a greater seq. Default 0: from the start. */
  readonly after?: number;
  readonly limit?: number;
  /** Only events about this experiment. */
  readonly experiment?: ExperimentId;
  readonly types?: readonly EventType[];
}

/** Who holds a lease: enough to tell, on the same machine, whether it still lives. */
export interface LeaseOwner {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Start time of the process in clock ticks (/proc/PID/stat field 22): a pid alone does not identify a process. */
  readonly processStart: number;
}

export interface Lease {
  readonly name: string;
  readonly owner: LeaseOwner;
  /** Grows with each change of owner. An append with an older epoch is refused: a paused engine that wakes up can't write. */
  readonly epoch: number;
}

export type LeaseAttempt =
  | { readonly granted: true; readonly lease: Lease }
  | { readonly granted: false; readonly heldBy: LeaseOwner };

export interface Snapshot {
  readonly seq: number;
  /** Version of the reducer that made it; a snapshot of another version is not used. */
  readonly version: string;
  readonly data: string;
}

/**
 * The event log of one campaign. Append-only: nothing is ever changed or removed. Everything else is derived.
 *
 * Appends are atomic (all events or none) and durable when the promise resolves: a killed process loses none.
 */
export interface Store extends AsyncDisposable {
  /**
   * @param lease the engine's lease; leave out only before an engine exists (creating a campaign).
   * @throws UserError `lease-lost` if the lease is no longer the current one; `disk-full`; `store-read-only`; `store-broken`.
   */
  append(events: readonly AssayEvent[], lease?: Lease): Promise<readonly EventRecord[]>;
  /** In order of seq. */
  read(options?: ReadOptions): AsyncIterable<EventRecord>;
  /** 0 for an empty log. */
  lastSeq(): Promise<number>;
  /**
   * Takes over at once from an owner for whom `isAlive` says no, and from any owner whose lease has run out.
   *
   * @param ttlMs how long the lease lasts without renewal, in milliseconds.
   */
  acquireLease(
    name: string,
    owner: LeaseOwner,
    ttlMs: number,
    isAlive: (owner: LeaseOwner) => boolean,
  ): Promise<LeaseAttempt>;
  /** Who holds the lease now, if anyone. */
  leaseHolder(name: string): Promise<LeaseOwner | undefined>;
  /** @returns false if the lease was lost. */
  renewLease(lease: Lease, ttlMs: number): Promise<boolean>;
  releaseLease(lease: Lease): Promise<void>;
  /** Only a shortcut for start-up: deleting every snapshot changes nothing but time. */
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** The newest snapshot of this version. */
  loadSnapshot(version: string): Promise<Snapshot | undefined>;
}
