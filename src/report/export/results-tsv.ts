import { idNumber, type ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import { hasFallen, resultRow, type ResultRow } from '../results.ts';

const GIB = 2 ** 30;

/**
 * The experiments in the form of karpathy/autoresearch (program.md, "Logging results"): tab-separated, commit of 7 characters, metric
 * with 6 decimals, peak memory in GB with one, status keep, discard or crash; a crash has 0.000000 and 0.0. The metric's column bears
 * the task's own name. Where nothing was measured and nothing crashed, the cell is empty: a 0 would be a lie.
 *
 * @param peakMemoryBytes of each experiment's own trials; unknown ones are absent.
 */
export function resultsTsv(state: CampaignState, peakMemoryBytes: ReadonlyMap<ExperimentId, number>): string {
  const rows = [...state.experiments.values()]
    .filter((experiment) => experiment.verdict !== undefined)
    .map((experiment) => resultRow(state, experiment))
    // The champion measured again beside the start is no experiment of the search, nor is a guard.
    .filter((row) => row.role === 'hypothesis' || row.role === 'baseline')
    .toSorted((a, b) => (a.concludedAt ?? 0) - (b.concludedAt ?? 0) || idNumber(a.experiment) - idNumber(b.experiment));
  const header = ['commit', oneLine(state.task.metric), 'memory_gb', 'status', 'description'];
  return [header, ...rows.map((row) => cells(row, peakMemoryBytes.get(row.experiment)))]
    .map((line) => `${line.join('\t')}\n`)
    .join('');
}

function cells(row: ResultRow, memory: number | undefined): readonly string[] {
  const commit = row.candidate?.slice(0, 7) ?? '0000000';
  const isCrash = row.verdict === 'failed';
  const value = isCrash ? '0.000000' : (row.mean?.toFixed(6) ?? '');
  const gigabytes = isCrash ? '0.0' : memory === undefined ? '' : (memory / GIB).toFixed(1);
  // The form has no word for a keep that fell.
  const status = row.verdict === 'keep' && !hasFallen(row) ? 'keep' : isCrash ? 'crash' : 'discard';
  const fallen = row.verdict === 'keep' && hasFallen(row) ? 'retracted: ' : '';
  return [commit, value, gigabytes, status, `${fallen}${oneLine(row.statement)}`];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
