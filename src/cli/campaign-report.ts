import type { CampaignState } from '../domain/state.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import type { Store } from '../store/store.ts';

/** Writes the campaign's HTML report. @returns its path. */
export async function writeCampaignReport(folder: CampaignFolder, state: CampaignState, store: Store): Promise<string> {
  const { writeReport } = await import('../report/html/write-report.ts');
  return writeReport(folder, state, store);
}
