import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { loadState } from '../engine/load-state.ts';
import { rankRows, resultRows } from '../report/results.ts';
import { summaryLines } from '../report/summary-lines.ts';
import { campaignSummary } from '../report/summary.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { labelled } from './labelled-lines.ts';
import type { Output } from './output.ts';
import { printRows } from './results.ts';
import { writeCampaignReport } from './campaign-report.ts';

/** What came of a run: the table of what was kept and discarded, the summary, the report, and how to go on. */
export async function printEnding(folder: CampaignFolder, output: Output): Promise<void> {
  await using store = await openSqliteStore(folder.log);
  const { state } = await loadState(store);
  output.print('');
  await printRows(output, rankRows(resultRows(state)), state);
  output.print('');
  output.print(labelled(summaryLines(campaignSummary(state, Date.now())), output));
  const report = await writeCampaignReport(folder, state, store);
  output.print('');
  output.print(`report    ${report}`);
  const more = state.finished ? ' --experiments +25' : '';
  output.print(`go on     assay resume ${folder.name}${more}`);
}
