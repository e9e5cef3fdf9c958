import path from 'node:path';
import { openCandidateRepository } from '../candidate/candidate-repository.ts';
import type { CampaignState } from '../domain/state.ts';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { writeReport } from '../report/html/write-report.ts';
import type { Store } from '../store/store.ts';

/** Writes the campaign's HTML report into its folder. @returns its path. */
export async function writeCampaignReport(folder: CampaignFolder, state: CampaignState, store: Store): Promise<string> {
  await using repository = await openCandidateRepository(folder.candidates);
  return writeReport({ state, store, repository, now: Date.now(), file: path.join(folder.report, 'report.html') });
}
