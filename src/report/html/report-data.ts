import type { CandidateRepository } from '../../candidate/candidate-repository.ts';
import type { EventOf } from '../../domain/events.ts';
import type { ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import { contributions, type Contribution } from '../contributions.ts';
import type { Store } from '../../store/store.ts';
import { LedgerReader, type HackCase } from '../hack-ledger.ts';
import { HistoryReader, type CampaignHistory } from '../history.ts';
import { decimalsFor } from '../numbers.ts';
import { rankRows, resultRows, type ResultRow } from '../results.ts';
import { campaignSummary, type CampaignSummary } from '../summary.ts';

/** Everything that the page is made of. */
export interface ReportData {
  readonly summary: CampaignSummary;
  readonly history: CampaignHistory;
  /** What was tried by other means than the task asks for, and what became of the guards. */
  readonly cases: readonly HackCase[];
  /** Rebuilds of kept experiments, oldest first. */
  readonly reproductions: readonly EventOf<'experiment.reproduced'>[];
  /** Every experiment but guards, in order of its number. */
  readonly rows: readonly ResultRow[];
  readonly rowOf: ReadonlyMap<ExperimentId, ResultRow>;
  readonly contributions: readonly Contribution[];
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
  const history = new HistoryReader();
  const ledger = new LedgerReader();
  const reproductions: EventOf<'experiment.reproduced'>[] = [];
  for await (const record of store.read()) {
    history.read(record);
    ledger.read(record);
    if (record.event.type === 'experiment.reproduced') reproductions.push(record.event);
  }
  return {
    // Of the log alone: whether an engine is alive now is for `assay status` to say.
    summary: campaignSummary(state, state.lastEventAt),
    history: history.result(),
    cases: ledger.cases,
    reproductions,
    rows,
    contributions: contributions(state),
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
