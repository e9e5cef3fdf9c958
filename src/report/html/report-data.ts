import type { CandidateRepository } from '../../candidate/candidate-repository.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import type { Store } from '../../store/store.ts';
import { readHistory, type CampaignHistory } from '../history.ts';
import { decimalsFor } from '../numbers.ts';
import { rankRows, resultRows, type ResultRow } from '../results.ts';
import { campaignSummary, type CampaignSummary } from '../summary.ts';

/** Everything that the page is made of. */
export interface ReportData {
  readonly summary: CampaignSummary;
  readonly history: CampaignHistory;
  /** Every experiment, in order of its number. */
  readonly rows: readonly ResultRow[];
  readonly rowOf: ReadonlyMap<ExperimentId, ResultRow>;
  /** What each experiment changed on its parent; only as many as the page has room for. */
  readonly patches: ReadonlyMap<ExperimentId, Patch>;
  /** Decimals of the metric and of gains. */
  readonly decimals: number | undefined;
  readonly now: number;
}

export interface Patch {
  readonly text: string;
  readonly isCut: boolean;
}

export interface ReportInput {
  readonly state: CampaignState;
  readonly store: Pick<Store, 'read'>;
  /** Without it the page has no diffs. */
  readonly repository?: Pick<CandidateRepository, 'exportPatch'>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const PATCH_CHARACTERS = 16_000;
const ALL_PATCHES_CHARACTERS = 1_500_000;
const MOST_PATCHES = 400;

export async function collectReport({ state, store, repository, now }: ReportInput): Promise<ReportData> {
  const rows = resultRows(state);
  const history = await readHistory(store.read());
  return {
    // Of the log alone: whether an engine is alive now is for `assay status` to say.
    summary: campaignSummary(state, state.lastEventAt),
    history,
    rows,
    rowOf: new Map(rows.map((row) => [row.experiment, row])),
    patches: repository ? await collectPatches(state, rows, repository) : new Map(),
    decimals: decimalsFor(state.noise?.sigma),
    now,
  };
}

/** The best first, until the page is full. */
async function collectPatches(
  state: CampaignState,
  rows: readonly ResultRow[],
  repository: Pick<CandidateRepository, 'exportPatch'>,
): Promise<ReadonlyMap<ExperimentId, Patch>> {
  const patches = new Map<ExperimentId, Patch>();
  let room = ALL_PATCHES_CHARACTERS;
  for (const row of rankRows(rows)) {
    if (room <= 0 || patches.size >= MOST_PATCHES) break;
    const parent = state.experiments.get(row.parent)?.candidate;
    if (row.role !== 'hypothesis' || row.candidate === undefined || parent === undefined) continue;
    // A repository that lost an object costs a diff, not the report.
    const patch = await repository.exportPatch(parent, row.candidate).catch(() => undefined);
    if (!patch || patch.length === 0) continue;
    const whole = patch.toString();
    const text = whole.slice(0, PATCH_CHARACTERS);
    patches.set(row.experiment, { text, isCut: text.length < whole.length });
    room -= text.length;
  }
  return patches;
}

/** The value to plot: of the confirmation, on seeds that nothing was chosen by, else the mean of all its runs. */
export function plottedValue(data: Pick<ReportData, 'history'>, row: ResultRow): number | undefined {
  return data.history.confirmed.get(row.experiment)?.mean ?? row.mean;
}
