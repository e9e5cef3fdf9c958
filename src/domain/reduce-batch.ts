import { isSound, type Batch } from './batch.ts';
import type { EventOf } from './events.ts';
import { isMeasurement } from './hypothesis.ts';
import type { ExperimentId } from './ids.ts';
import type { WorkingState } from './working-state.ts';

type BatchEvent = EventOf<'batch.opened' | 'guard.reported' | 'batch.voided' | 'batch.closed'>;

/** Folds what happens to batches and their guards. */
export function applyBatchEvent(state: WorkingState, event: BatchEvent, at: number): void {
  switch (event.type) {
    case 'batch.opened': {
      const { batch: number, guards, unguarded } = event;
      const opened: Batch = {
        number,
        guards,
        sound: [],
        experiments: 0,
        openedAt: at,
        closed: false,
        ...(unguarded === undefined ? {} : { unguarded }),
      };
      forgetDecidedBatches(state);
      put(state, opened);
      state.batch = opened;
      return;
    }
    case 'guard.reported': {
      const batch = state.batches.get(event.batch);
      const { guards } = state;
      state.guards = { ...guards, reported: guards.reported + 1, failed: guards.failed + (event.ok ? 0 : 1) };
      if (!batch || !event.ok) return;
      const next = { ...batch, sound: [...batch.sound, event.experiment] };
      put(state, next);
      if (isSound(next)) state.guards = { ...state.guards, voidsInARow: 0 };
      return;
    }
    case 'batch.voided': {
      const batch = state.batches.get(event.batch);
      if (!batch || batch.voided !== undefined) return;
      const { guards } = state;
      const { voidedBatches, voidsInARow } = guards;
      state.guards = { ...guards, voidedBatches: voidedBatches + 1, voidsInARow: voidsInARow + 1 };
      put(state, { ...batch, voided: event.reason });
      return;
    }
    case 'batch.closed': {
      const batch = state.batches.get(event.batch);
      if (batch) put(state, { ...batch, closed: true });
      return;
    }
    default:
      event satisfies never;
  }
}

/** A new experiment is guarded by the batch that is open; a guard belongs to it too, but is not one of those it guards. */
export function joinBatch(state: WorkingState, id: ExperimentId): void {
  const { batch } = state;
  const experiment = state.experiments.get(id);
  if (!batch || !experiment) return;
  if (!isMeasurement(experiment.proposal.operator)) put(state, { ...batch, experiments: batch.experiments + 1 });
  state.experiments.set(id, { ...experiment, batch: batch.number });
}

function put(state: WorkingState, batch: Batch): void {
  state.batches.set(batch.number, batch);
  if (state.batch?.number === batch.number) state.batch = batch;
}

/** Batches that no open experiment belongs to need not be in memory: all that was decided in them is in the log. */
function forgetDecidedBatches(state: WorkingState): void {
  const needed = new Set([...state.open].map((id) => state.experiments.get(id)?.batch));
  for (const number of state.batches.keys()) if (!needed.has(number)) state.batches.delete(number);
}
