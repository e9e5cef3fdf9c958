import type { AssayEvent } from '../../domain/events.ts';
import { isStanding, type CampaignState } from '../../domain/state.ts';
import { retractionEvents } from './retract.ts';

/**
 * Nothing that was decided in a batch counts: its keeps are retracted; what is open in it is concluded without a verdict as soon as
 * nothing of it runs (see advance.ts). Empty if it is void already.
 */
export function voidBatch(state: CampaignState, number: number, reason: string): readonly AssayEvent[] {
  const batch = state.batches.get(number);
  if (batch?.voided !== undefined) return [];
  const kept = [...state.experiments.values()].filter((one) => one.batch === number && isStanding(one));
  return [
    { type: 'batch.voided', batch: number, reason },
    ...retractionEvents(state, {
      experiments: kept.map(({ id }) => id),
      cause: 'batch',
      reason: `its batch ${number} is void: ${reason}`,
    }),
  ];
}
