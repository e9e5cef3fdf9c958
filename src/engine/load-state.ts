import { applyEvent, REDUCER_VERSION } from '../domain/reduce.ts';
import { initialState, type WorkingState } from '../domain/working-state.ts';
import { restoreState } from '../domain/snapshot.ts';
import { UserError } from '../errors.ts';
import type { Store } from '../store/store.ts';

export interface LoadedState {
  readonly state: WorkingState;
  /** Seq of the snapshot that was used; 0 when the whole log was folded. */
  readonly snapshotSeq: number;
}

/**
 * Folds the log into a state, from the newest usable snapshot or from the first event.
 *
 * @param options.rebuild ignore snapshots.
 * @throws UserError `campaign-empty` when the log does not begin with a campaign.
 */
export async function loadState(store: Store, options: { rebuild?: boolean } = {}): Promise<LoadedState> {
  const snapshot = options.rebuild ? undefined : await store.loadSnapshot(REDUCER_VERSION);
  let state: WorkingState | undefined;
  let snapshotSeq = 0;
  if (snapshot) {
    try {
      const restored = restoreState(snapshot.data);
      if (restored.seq === snapshot.seq && snapshot.seq <= (await store.lastSeq())) {
        state = restored;
        snapshotSeq = snapshot.seq;
      }
    } catch {
      // A damaged snapshot is only a lost shortcut: the log has everything.
      state = undefined;
    }
  }
  for await (const record of store.read({ after: snapshotSeq })) {
    if (!state && record.event.type === 'campaign.created') state = initialState(record.event, record.at);
    if (!state) break;
    applyEvent(state, record);
  }
  if (!state) {
    throw new UserError('campaign-empty', 'the event log holds no campaign', 'start one with: assay run <task>');
  }
  return { state, snapshotSeq };
}
