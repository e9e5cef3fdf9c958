import { activeMs } from '../engine/budget.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { loadState } from '../engine/load-state.ts';
import { UserError } from '../errors.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import type { Store } from '../store/store.ts';
import type { Used } from './limits.ts';

/** What a campaign has used up. Undefined: it was interrupted before its first event, and can be made again. */
export async function usedSoFar(folder: CampaignFolder): Promise<Used | undefined> {
  await using store = await openUnlessEmpty(folder.log);
  if (!store || (await store.lastSeq()) === 0) return undefined;
  const { state } = await loadState(store);
  const stoppedAt = state.engine?.stoppedAt ?? state.lastEventAt;
  return {
    experiments: state.experimentCount - state.measurementCount,
    minutes: activeMs(state, stoppedAt) / 60_000,
    limits: state.limits,
    isFinished: state.finished !== undefined,
  };
}

/** Nothing is written into an empty file. */
async function openUnlessEmpty(file: string): Promise<Store | undefined> {
  try {
    return await openSqliteStore(file);
  } catch (error) {
    if (error instanceof UserError && error.code === 'store-broken' && error.message.includes('it is empty'))
      return undefined;
    throw error;
  }
}
