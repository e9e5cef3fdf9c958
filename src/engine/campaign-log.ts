import type { AssayEvent } from '../domain/events.ts';
import { applyEvent, REDUCER_VERSION } from '../domain/reduce.ts';
import type { WorkingState } from '../domain/working-state.ts';
import { serializeState } from '../domain/snapshot.ts';
import type { CampaignState } from '../domain/state.ts';
import type { EventRecord, Lease, Store } from '../store/store.ts';

/** Called after an event is in the log and in the state. Must not throw. */
export type EventObserver = (record: EventRecord, state: CampaignState) => void;

/** A snapshot is written when the log has grown by this factor since the last: the total cost stays proportional to the log. */
const SNAPSHOT_GROWTH = 1.5;
const SNAPSHOT_MINIMUM = 5_000;

/** The one way into the log: what is appended is folded into the state at once, in the same order. */
export class CampaignLog {
  readonly state: CampaignState;
  readonly #working: WorkingState;
  readonly #store: Store;
  readonly #lease: Lease;
  readonly #observe: EventObserver;
  #snapshotSeq: number;

  constructor(parts: {
    store: Store;
    lease: Lease;
    state: WorkingState;
    observe?: EventObserver;
    snapshotSeq?: number;
  }) {
    this.state = parts.state;
    this.#working = parts.state;
    this.#store = parts.store;
    this.#lease = parts.lease;
    this.#observe = parts.observe ?? (() => {});
    this.#snapshotSeq = parts.snapshotSeq ?? 0;
  }

  /** All or none; durable when it resolves. */
  async append(events: readonly AssayEvent[]): Promise<void> {
    if (events.length === 0) return;
    for (const record of await this.#store.append(events, this.#lease)) {
      applyEvent(this.#working, record);
      this.#observe(record, this.state);
    }
  }

  /** Only a shortcut for the next start; see Store.saveSnapshot. */
  async snapshotIfDue(): Promise<void> {
    const { seq } = this.#working;
    if (seq < Math.max(SNAPSHOT_MINIMUM, this.#snapshotSeq * SNAPSHOT_GROWTH)) return;
    this.#snapshotSeq = seq;
    await this.#store.saveSnapshot({ seq, version: REDUCER_VERSION, data: serializeState(this.#working) });
  }
}
