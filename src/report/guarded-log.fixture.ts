import type { CampaignState } from '../domain/state.ts';
import { guardedCampaign, type GuardedCampaignOptions } from '../engine/guards/guarded-campaign.fixture.ts';
import { loadState } from '../engine/load-state.ts';
import { inMemoryStore } from '../store/memory/memory-store.ts';
import type { EventRecord } from '../store/store.ts';

/** The log of a simulated campaign with guards, as its engine wrote it, and the state that it folds into. */
export async function guardedLog(
  options: GuardedCampaignOptions,
): Promise<{ readonly state: CampaignState; readonly records: readonly EventRecord[] }> {
  await using guarded = await guardedCampaign(options);
  // Guards that are broken on purpose end the engine; what it wrote is what is looked at.
  await guarded.campaign.run().catch(() => undefined);
  const records = await guarded.campaign.records();
  const store = inMemoryStore();
  await store.append(records.map(({ event }) => event));
  const { state } = await loadState(store);
  return { state, records };
}
