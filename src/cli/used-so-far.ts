import { activeMs } from '../engine/budget.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { loadState } from '../engine/load-state.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';

/** What a campaign has used up. Undefined: it was interrupted before its first event, and can be made again. */
export async function usedSoFar(folder: CampaignFolder): Promise<{ experiments: number; minutes: number } | undefined> {
  await using store = await openSqliteStore(folder.log);
  if ((await store.lastSeq()) === 0) return undefined;
  const { state } = await loadState(store);
  const stoppedAt = state.engine?.stoppedAt ?? state.lastEventAt;
  return { experiments: state.experimentCount - state.measurementCount, minutes: activeMs(state, stoppedAt) / 60_000 };
}
