import type { CampaignFolder } from '../engine/campaign-folder.ts';
import type { Store } from '../store/store.ts';

/** The log of a campaign without its state: enough to print it, at once whatever its length. */
export interface OpenLog extends AsyncDisposable {
  readonly folder: CampaignFolder;
  readonly store: Store;
}

/** @throws UserError `campaign-missing`, `store-…`. */
export async function openLog(directory: string, name?: string): Promise<OpenLog> {
  const [{ findCampaign }, { openSqliteStore }] = await Promise.all([
    import('../engine/campaign-folder.ts'),
    import('../store/sqlite/open-sqlite-store.ts'),
  ]);
  const folder = await findCampaign(directory, name);
  const store = await openSqliteStore(folder.log);
  return { folder, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}
