import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { CandidateRepository } from '../../candidate/candidate-repository.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import { describeError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { writeReport } from '../html/write-report.ts';
import { resultsDocument } from '../results.ts';
import { TrialReader, type TrialRow } from '../trials.ts';
import { writeAtomically } from '../write-atomically.ts';
import { resultsTsv } from './results-tsv.ts';
import { trialCsvLine, TRIALS_CSV_HEADER } from './trials-csv.ts';

export interface ExportInput {
  readonly state: CampaignState;
  readonly store: Pick<Store, 'read'>;
  readonly repository: Pick<CandidateRepository, 'exportPatch'>;
  /** Folder; made if it is missing. Files of an earlier export are replaced. */
  readonly out: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Exported {
  /** Names within `out`. */
  readonly files: readonly string[];
  readonly leftOut: readonly { readonly file: string; readonly reason: string }[];
}

/** Writes everything that others need to check and use a campaign. Reads the log only. */
export async function exportCampaign({ state, store, repository, out, now }: ExportInput): Promise<Exported> {
  const at = (file: string): string => path.join(out, file);
  const peakMemory = new Map<ExperimentId, number>();
  await writeAtomically(at('trials.csv'), csvLines(store, peakMemory));
  await writeAtomically(at('results.tsv'), resultsTsv(state, peakMemory));
  await writeAtomically(at('results.json'), `${JSON.stringify(resultsDocument(state), null, 2)}\n`);
  const files = ['results.tsv', 'results.json', 'trials.csv'];
  const leftOut: { file: string; reason: string }[] = [];
  const patch = await championPatch(state, repository);
  if (Buffer.isBuffer(patch)) {
    await writeAtomically(at('champion.patch'), patch);
    files.push('champion.patch');
  } else {
    // A patch of an earlier champion that was retracted must not stay.
    await rm(at('champion.patch'), { force: true });
    leftOut.push({ file: 'champion.patch', reason: patch });
  }
  await writeReport({ state, store, repository, file: at('report.html'), now });
  files.push('report.html');
  return { files, leftOut };
}

/** The patch, or why there is none. A repository that lost an object costs the patch, not the tables. */
async function championPatch(state: CampaignState, repository: ExportInput['repository']): Promise<Buffer | string> {
  const champion = state.experiments.get(state.champion)?.candidate;
  if (champion === undefined || champion === state.baseline) return 'the starting point is still the champion';
  try {
    const patch = await repository.exportPatch(state.baseline, champion);
    return patch.length > 0 ? patch : "the champion's files are those of the starting point";
  } catch (error) {
    return `the candidates' repository could not give it: ${describeError(error)}`;
  }
}

async function* csvLines(store: Pick<Store, 'read'>, peakMemory: Map<ExperimentId, number>): AsyncIterable<string> {
  yield TRIALS_CSV_HEADER;
  const guards = new Set<ExperimentId>();
  const lineOf = (row: TrialRow): string => trialCsvLine(row, guards.has(row.experiment) ? 'guard' : '');
  const reader = new TrialReader();
  const types = [
    'experiment.proposed',
    'trial.planned',
    'trial.submitted',
    'trial.finished',
    'trial.withdrawn',
  ] as const;
  for await (const record of store.read({ types })) {
    const { event } = record;
    if (event.type === 'experiment.proposed' && event.proposal.operator === 'guard') guards.add(event.experiment);
    const row = reader.read(record);
    if (!row) continue;
    if (row.arm === 'candidate' && row.peakMemoryBytes !== undefined) {
      peakMemory.set(row.experiment, Math.max(peakMemory.get(row.experiment) ?? 0, row.peakMemoryBytes));
    }
    yield lineOf(row);
  }
  for (const row of reader.rest()) yield lineOf(row);
}
