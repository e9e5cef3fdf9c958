import { hostname } from 'node:os';
import type { AssayEvent } from '../../domain/events.ts';
import type { CampaignState } from '../../domain/state.ts';
import type { Executor } from '../../executor/executor.ts';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import type { CampaignFolder } from '../campaign-folder.ts';
import { CampaignLog } from '../campaign-log.ts';
import { holdEngineLease } from '../engine-lease.ts';
import { loadState } from '../load-state.ts';
import { assayVersion } from '../version.ts';

/** A campaign that somebody looks at again while no engine works on it. */
export interface Visit extends AsyncDisposable {
  readonly state: CampaignState;
  readonly store: Pick<Store, 'read'>;
  /** Aborts when an engine took over. Never without a lease. */
  readonly lost: AbortSignal;
  /**
   * Writes what was found as one atomic batch, framed by who found it. The frame takes no time on the clock of the campaign's budget,
   * and closes an engine that was killed at its last event.
   *
   * @param what the command, for people who read the log.
   * @throws Error when nothing may be written: a bug of ours.
   */
  write(events: readonly AssayEvent[], by: Pick<Executor, 'slots' | 'sandbox' | 'device'>, what: string): Promise<void>;
}

/**
 * @param options.readOnly nothing will be written, so it may be done beside a running engine.
 * @throws UserError `campaign-busy` while an engine works on it.
 */
export async function visitCampaign(
  folder: CampaignFolder,
  options: { readonly readOnly?: boolean } = {},
): Promise<Visit> {
  await using opened = new AsyncDisposableStack();
  const store = opened.use(await openSqliteStore(folder.log));
  if (options.readOnly === true) {
    const { state } = await loadState(store);
    const kept = opened.move();
    return {
      state,
      store,
      lost: new AbortController().signal,
      write: () => Promise.reject(new Error('this visit may not write')),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  }
  const held = opened.use(await holdEngineLease(store, folder.name));
  // Under the lease: what is read now is what will be written to.
  const { state, snapshotSeq } = await loadState(store);
  const log = new CampaignLog({ store, lease: held.lease, state, snapshotSeq });
  const kept = opened.move();
  return {
    state: log.state,
    store,
    lost: held.lost,
    write: (events, { slots, sandbox, device }, what) =>
      log.append([
        {
          type: 'engine.started',
          pid: process.pid,
          host: hostname(),
          slots: slots.length,
          sandbox,
          device,
          assayVersion: assayVersion(),
        },
        ...events,
        { type: 'engine.stopped', reason: 'asked', detail: what },
      ]),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
