import type { EventRecord } from '../store/store.ts';
import type { ExperimentId } from '../domain/ids.ts';
import { profileContext, type ProfileContext } from '../domain/profile-context.ts';
import { experimentOf, type CampaignState } from '../domain/state.ts';
import { count, showGain, showInterval } from './numbers.ts';
import { pairRows, type PairRow } from './pair-rows.ts';
import { experimentAudits, reproductionWords, type ExperimentAudits } from './audits.ts';
import { resultRow, verdictWords, withoutUndefined, type ResultRow } from './results.ts';
import { sandboxSummary } from './summary.ts';
import { TrialReader, type TrialRow } from './trials.ts';
import { stageAccounts, type StageAccount } from './why-stages.ts';

/** A verdict in numbers and in plain words. */
export interface Explanation {
  readonly row: ResultRow;
  /** The verdict in one sentence. */
  readonly headline: string;
  readonly rationale: string;
  readonly stages: readonly StageAccount[];
  /** Every reason of the verdict, most important first. */
  readonly reasons: readonly string[];
  /** Why its keep does not stand any more. */
  readonly fall?: string;
  /** Its rebuilds from the commit, oldest first. */
  readonly reproductions: readonly string[];
  readonly prediction?: string;
  /** Where its time goes, or its nearest profiled ancestor's: a claim of the candidate. */
  readonly profile?: ProfileContext;
  /** What is to be quoted, and why it is less than what was measured. */
  readonly quote?: string;
  /** How often the data were looked at, and what that did to the error. */
  readonly looks: string;
  readonly sandbox: string;
  readonly cost: { readonly seconds: number; readonly trials: number; readonly attempts: number };
  readonly trials: readonly TrialRow[];
  readonly pairs: readonly PairRow[];
  readonly audits: ExperimentAudits;
}

/** @param records every event about this experiment: `store.read({ experiment })`. */
export async function explainVerdict(
  state: CampaignState,
  id: ExperimentId,
  records: AsyncIterable<EventRecord> | Iterable<EventRecord>,
): Promise<Explanation> {
  const reader = new TrialReader();
  const all: EventRecord[] = [];
  const trials: TrialRow[] = [];
  const passed = new Map<string, string>();
  let lastReplicatePlan = Number.NaN;
  let replicateLooks = 0;
  for await (const record of records) {
    all.push(record);
    const row = reader.read(record);
    if (row) trials.push(row);
    const { event, seq } = record;
    if (event.type === 'stage.passed') passed.set(event.stage, event.reason);
    if (event.type === 'trial.planned' && event.plan.stage === 'replicate') {
      // Pairs planned in one batch stand next to each other in the log; each batch was followed by one look.
      if (seq !== lastReplicatePlan + 1) replicateLooks += 1;
      lastReplicatePlan = seq;
    }
  }
  trials.push(...reader.rest());
  const experiment = experimentOf(state, id);
  const row = resultRow(state, experiment);
  const pairs = pairRows(trials, state.task.direction);
  const audits = await experimentAudits(all);
  return withoutUndefined<Explanation>({
    row,
    headline: headline(row, state),
    rationale: experiment.proposal.hypothesis.rationale,
    stages: stageAccounts({ state, experiment, passed, pairs, trials }),
    reasons: experiment.verdict?.reasons ?? [],
    fall: fallWords(row, state),
    reproductions: audits.reproductions.map((one) => reproductionWords(one)),
    prediction: predictionWords(row),
    profile: profileContext(state, id),
    quote: quoteWords(row),
    looks: looksWords(row, replicateLooks),
    sandbox: sandboxWords(trials, state),
    cost: {
      seconds: row.seconds,
      trials: new Set(trials.map(({ trial }) => trial)).size,
      attempts: trials.filter(({ attempt }) => attempt !== undefined).length,
    },
    trials,
    pairs,
    audits,
  });
}

function headline(row: ResultRow, state: CampaignState): string {
  const what = verdictWords(row);
  if (row.role === 'baseline') return `${row.experiment} is the starting point: it is measured, not tested`;
  if (row.role === 'noise') return `${row.experiment} measures the noise again, on a machine that has drifted`;
  if (row.role === 'final')
    return `${row.experiment} measures the champion ${row.parent} beside the starting point: ${what}`;
  if (row.role === 'guard') return `${row.experiment} is a guard, not a hypothesis: it proves that the audits work`;
  if (row.verdict === 'open') return `${row.experiment} is under way`;
  const champion = row.experiment === state.champion ? ' It is the champion.' : '';
  return `${row.experiment}: ${what}, decided at the stage '${row.stage}'.${champion}`;
}

function fallWords({ experiment, verdict, retracted, builtOn }: ResultRow, state: CampaignState): string | undefined {
  if (retracted) return `${experiment} was retracted (${retracted.cause}): ${retracted.reason}`;
  if (builtOn === undefined) return undefined;
  const reason = state.experiments.get(builtOn)?.retracted?.reason ?? 'it fell';
  return `${verdict === 'keep' ? 'nothing may be built on it any more: ' : ''}it holds the change of ${builtOn}, which was retracted: ${reason}`;
}

function predictionWords({ predicted, gain, predictionHeld }: ResultRow): string | undefined {
  if (!predicted) return undefined;
  const interval = showInterval(predicted);
  if (gain === undefined) return `predicted a gain of ${interval}; nothing was measured`;
  if (predictionHeld === undefined)
    return `predicted a gain of ${interval}; it was only screened, and screens here say nothing of whole trials`;
  const how = predictionHeld
    ? 'the prediction held'
    : gain < predicted.low
      ? 'the prediction was too high'
      : 'the prediction was too low';
  return `predicted a gain of ${interval}, measured ${showGain(gain)}: ${how}`;
}

function quoteWords({ shrunkenGain, confirmGain }: ResultRow): string | undefined {
  if (shrunkenGain === undefined || confirmGain === undefined) return undefined;
  return (
    `the gain to quote is ${showGain(shrunkenGain)}: what was confirmed (${showGain(confirmGain)}) shrunk a little, ` +
    'because what is chosen for being good looks better than it is'
  );
}

function looksWords(row: ResultRow, looks: number): string {
  if (row.role !== 'hypothesis' || row.operator === 'ablate')
    return 'the number of runs was fixed before; looked at once';
  const screen = 'the screen was looked at once, and its numbers were not used again';
  if (looks === 0) return screen;
  const confirm =
    row.confirmGain === undefined ? '' : '; the confirmation was looked at once, when all its pairs were in';
  return `${screen}; the replication was looked at ${count(looks, 'time')}, which an e-value allows: it holds its error rate at any stopping time${confirm}`;
}

function sandboxWords(trials: readonly TrialRow[], state: CampaignState): string {
  const kinds = new Set(trials.flatMap((trial) => trial.sandbox ?? []));
  if (kinds.size === 0 && state.engine) kinds.add(state.engine.sandbox);
  return kinds.size === 0 ? 'unknown' : [...kinds].map((kind) => sandboxSummary(kind).words).join('; and ');
}
