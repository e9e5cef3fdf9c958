import type { EventRecord } from '../store/store.ts';
import type { ExperimentId } from '../domain/ids.ts';
import { experimentOf, type CampaignState, type Experiment } from '../domain/state.ts';
import type { GateStage, Verdict } from '../domain/verdict.ts';
import { count, showEValue, showGain, showInterval, showP, showValue } from './numbers.ts';
import { pairRows, stageGains, type PairRow } from './pair-rows.ts';
import { resultRow, roleOf, withoutUndefined, type ResultRow } from './results.ts';
import { sandboxSummary } from './summary.ts';
import { TrialReader, type TrialRow } from './trials.ts';

/** One stage of the gate, as it went for one experiment. */
export interface StageAccount {
  readonly stage: GateStage;
  readonly asked: string;
  /** Absent: nothing was measured. */
  readonly seen?: string;
  readonly outcome: string;
  readonly result: 'passed' | 'ended' | 'under way';
}

/** A verdict in numbers and in plain words. */
export interface Explanation {
  readonly row: ResultRow;
  /** The verdict in one sentence. */
  readonly headline: string;
  readonly rationale: string;
  readonly stages: readonly StageAccount[];
  /** Every reason of the verdict, most important first. */
  readonly reasons: readonly string[];
  readonly prediction?: string;
  /** What is to be quoted, and why it is less than what was measured. */
  readonly quote?: string;
  /** How often the data were looked at, and what that did to the error. */
  readonly looks: string;
  readonly sandbox: string;
  readonly cost: { readonly seconds: number; readonly trials: number; readonly attempts: number };
  readonly trials: readonly TrialRow[];
  readonly pairs: readonly PairRow[];
}

/** @param records every event about this experiment: `store.read({ experiment })`. */
export async function explainVerdict(
  state: CampaignState,
  id: ExperimentId,
  records: AsyncIterable<EventRecord> | Iterable<EventRecord>,
): Promise<Explanation> {
  const reader = new TrialReader();
  const trials: TrialRow[] = [];
  const passed = new Map<string, string>();
  let lastReplicatePlan = Number.NaN;
  let replicateLooks = 0;
  for await (const record of records) {
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
  return withoutUndefined<Explanation>({
    row,
    headline: headline(row, state),
    rationale: experiment.proposal.hypothesis.rationale,
    stages: stageAccounts({ state, experiment, passed, pairs, trials }),
    reasons: experiment.verdict?.reasons ?? [],
    prediction: predictionWords(row),
    quote: quoteWords(row),
    looks: looksWords(row, replicateLooks),
    sandbox: sandboxWords(trials, state),
    cost: { seconds: row.seconds, trials: new Set(trials.map(({ trial }) => trial)).size, attempts: trials.filter(({ attempt }) => attempt !== undefined).length },
    trials,
    pairs,
  });
}

function headline(row: ResultRow, state: CampaignState): string {
  const what = row.verdict === 'failed' ? `failed (${row.failure ?? 'crash'})` : row.verdict;
  if (row.role === 'baseline') return `${row.experiment} is the starting point: it is measured, not tested`;
  if (row.role === 'final') return `${row.experiment} measures the champion ${row.parent} beside the starting point: ${what}`;
  if (row.verdict === 'open') return `${row.experiment} is under way`;
  const champion = row.experiment === state.champion ? ' It is the champion.' : '';
  return `${row.experiment}: ${what}, decided at the stage '${row.stage}'.${champion}`;
}

interface Account {
  readonly state: CampaignState;
  readonly experiment: Experiment;
  readonly passed: ReadonlyMap<string, string>;
  readonly pairs: readonly PairRow[];
  readonly trials: readonly TrialRow[];
}

const ORDER: readonly GateStage[] = ['implement', 'static', 'screen', 'replicate', 'confirm'];

function stageAccounts(account: Account): readonly StageAccount[] {
  const { experiment, passed } = account;
  const { verdict } = experiment;
  if (roleOf(experiment) !== 'hypothesis') return [measurementAccount(account)];
  const stages: StageAccount[] = [];
  for (const stage of ORDER) {
    const isEnd = verdict?.stage === stage;
    const isPassed = stage === 'implement' ? experiment.candidate !== undefined && !isEnd : passed.has(stage);
    if (stage === 'static' && !isEnd && !isPassed) continue;
    const result = isEnd ? 'ended' : isPassed ? 'passed' : 'under way';
    const outcome = isEnd && verdict ? verdict.reasons[0] : (passed.get(stage) ?? (isPassed ? 'it became a candidate' : 'not decided yet'));
    stages.push(withoutUndefined<StageAccount>({ stage, asked: askedWords(stage, account), seen: seenWords(stage, account), outcome, result }));
    if (!isPassed) break;
  }
  return stages;
}

function measurementAccount({ experiment, pairs, trials }: Account): StageAccount {
  const { verdict, measured } = experiment;
  const isFinal = roleOf(experiment) === 'final';
  const seen = measured && `${count(measured.count, 'run')}, mean ${showValue(measured.mean)}`;
  return withoutUndefined<StageAccount>({
    stage: 'confirm',
    asked: isFinal
      ? `${count(pairs.length, 'pair')} with the starting point, on seeds that nothing was chosen by: how large is the gain?`
      : `${count(trials.length, 'run')} of the unchanged files: how much does the metric vary on this machine?`,
    seen,
    outcome: verdict?.reasons[0] ?? 'not decided yet',
    result: verdict ? 'ended' : 'under way',
  });
}

function askedWords(stage: GateStage, { experiment }: Account): string {
  const needed = experiment.verdict?.evidence.eValueNeeded ?? (experiment.test && 1 / experiment.test.level);
  const index = experiment.verdict?.evidence.testIndex ?? experiment.test?.index;
  switch (stage) {
    case 'implement':
      return 'does the change apply to its parent, within the files that may be edited?';
    case 'static':
      return 'is the change within the rules that can be checked without running it?';
    case 'screen':
      return 'one trial beside the parent on the same fresh seed: is a real gain likely enough to pay for more?';
    case 'replicate':
      return (
        `more pairs on fresh seeds: does the evidence against 'no gain' reach an e-value of ${showEValue(needed)}` +
        `${index === undefined ? '' : ` (test ${index} of the campaign)`}?`
      );
    case 'confirm':
      return 'a number of pairs that was fixed before, on seeds that the search never used: is the gain there again?';
    default:
      return stage satisfies never;
  }
}

function seenWords(stage: GateStage, { experiment, pairs, trials }: Account): string | undefined {
  const evidence: Verdict['evidence'] = experiment.verdict?.evidence ?? {};
  if (stage === 'implement') {
    const { filesChanged, linesAdded, linesRemoved } = experiment;
    return filesChanged === undefined ? undefined : `${count(filesChanged, 'file')} changed, +${linesAdded ?? 0} −${linesRemoved ?? 0} lines`;
  }
  const failed = trials.filter((trial) => trial.stage === stage && trial.status === 'failed');
  const failures = failed.length > 0 ? `${count(failed.length, 'trial')} failed (${[...new Set(failed.map((trial) => trial.failure))].join(', ')})` : undefined;
  if (stage === 'screen') {
    const own = trials.find((trial) => trial.stage === 'screen' && trial.arm === 'candidate' && trial.value !== undefined);
    const gain = evidence.screenGain === undefined ? '' : `, gain ${showGain(evidence.screenGain)} over its reference`;
    return own ? `${showValue(own.value)} with seed ${own.seed}${gain}${sigmaWords(evidence)}` : failures;
  }
  if (stage === 'replicate') {
    const gains = stageGains(pairs, 'replicate');
    if (gains.length === 0) return failures;
    const eValue = evidence.eValue === undefined ? '' : `, e-value ${showEValue(evidence.eValue)}`;
    return join(`${count(gains.length, 'pair')}, mean gain ${showGain(mean(gains))}${eValue}${sigmaWords(evidence)}`, failures);
  }
  if (stage === 'confirm') {
    const { confirmMeanGain, confirmInterval, confirmP, confirmPairs, hiddenMeanGain } = evidence;
    if (confirmMeanGain === undefined) return failures;
    const hidden = hiddenMeanGain === undefined ? '' : `; on hidden data ${showGain(hiddenMeanGain)}`;
    return join(
      `${count(confirmPairs ?? 0, 'pair')}, mean gain ${showGain(confirmMeanGain)} (95 % interval ${showInterval(confirmInterval)}), p ${showP(confirmP)}${hidden}`,
      failures,
    );
  }
  return undefined;
}

function sigmaWords({ sigma, sigmaSource }: Verdict['evidence']): string {
  if (sigma === undefined) return '';
  return `; one trial varies by ${showValue(Number(sigma.toPrecision(3)))}${sigmaSource === undefined ? '' : ` (from ${sigmaSource})`}`;
}

function predictionWords({ predicted, gain, predictionHeld }: ResultRow): string | undefined {
  if (!predicted) return undefined;
  const interval = showInterval(predicted);
  if (gain === undefined || predictionHeld === undefined) return `predicted a gain of ${interval}; nothing was measured`;
  const how = predictionHeld ? 'the prediction held' : gain < predicted.low ? 'the prediction was too high' : 'the prediction was too low';
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
  if (row.role !== 'hypothesis') return 'the number of runs was fixed before; looked at once';
  const screen = 'the screen was looked at once, and its numbers were not used again';
  if (looks === 0) return screen;
  const confirm = row.confirmGain === undefined ? '' : '; the confirmation was looked at once, when all its pairs were in';
  return `${screen}; the replication was looked at ${count(looks, 'time')}, which an e-value allows: it holds its error rate at any stopping time${confirm}`;
}

function sandboxWords(trials: readonly TrialRow[], state: CampaignState): string {
  const kinds = new Set(trials.flatMap((trial) => trial.sandbox ?? []));
  if (kinds.size === 0 && state.engine) kinds.add(state.engine.sandbox);
  return kinds.size === 0 ? 'unknown' : [...kinds].map((kind) => sandboxSummary(kind).words).join('; and ');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function join(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join('; ');
}
