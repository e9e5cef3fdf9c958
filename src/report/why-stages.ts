import type { CampaignState, Experiment } from '../domain/state.ts';
import type { GateStage, Verdict } from '../domain/verdict.ts';
import { count, showEValue, showGain, showInterval, showP, showValue } from './numbers.ts';
import { stageGains, type PairRow } from './pair-rows.ts';
import { roleOf, withoutUndefined } from './results.ts';
import type { TrialRow } from './trials.ts';

/** One stage of the gate, as it went for one experiment. */
export interface StageAccount {
  readonly stage: GateStage;
  readonly asked: string;
  /** Absent: nothing was measured. */
  readonly seen?: string;
  readonly outcome: string;
  readonly result: 'passed' | 'ended' | 'under way';
}

/** What the words about stages are made of. */
export interface Account {
  readonly state: CampaignState;
  readonly experiment: Experiment;
  readonly passed: ReadonlyMap<string, string>;
  readonly pairs: readonly PairRow[];
  readonly trials: readonly TrialRow[];
}

const ORDER: readonly GateStage[] = ['implement', 'static', 'screen', 'replicate', 'confirm'];

/** A fixed number of pairs, looked at once: nothing to screen and nothing to confirm. */
const ABLATION_ORDER: readonly GateStage[] = ['implement', 'static', 'replicate'];

/** The stages that an experiment went through, in order. */
export function stageAccounts(account: Account): readonly StageAccount[] {
  const { experiment, passed } = account;
  const { verdict } = experiment;
  if (roleOf(experiment) !== 'hypothesis') return [measurementAccount(account)];
  const stages: StageAccount[] = [];
  for (const stage of experiment.proposal.operator === 'ablate' ? ABLATION_ORDER : ORDER) {
    const isEnd = verdict?.stage === stage;
    const isPassed =
      stage === 'implement'
        ? (experiment.candidate !== undefined || verdict?.stage === 'static') && !isEnd
        : passed.has(stage);
    if (stage === 'static' && !isEnd && !isPassed) continue;
    const result = isEnd ? 'ended' : isPassed ? 'passed' : 'under way';
    const outcome =
      isEnd && verdict
        ? verdict.reasons[0]
        : (passed.get(stage) ?? (isPassed ? 'it could be made' : 'not decided yet'));
    stages.push(
      withoutUndefined<StageAccount>({
        stage,
        asked: askedWords(stage, account),
        seen: seenWords(stage, account),
        outcome,
        result,
      }),
    );
    if (!isPassed) break;
  }
  return stages;
}

function measurementAccount({ experiment, pairs, trials }: Account): StageAccount {
  const { verdict, measured } = experiment;
  const role = roleOf(experiment);
  const isGuard = role === 'guard';
  const seen = measured && `${count(measured.count, 'run')}, mean ${showValue(measured.mean)}`;
  return withoutUndefined<StageAccount>({
    stage: isGuard ? (verdict?.stage ?? 'screen') : 'confirm',
    asked: isGuard
      ? `${count(trials.length, 'run')}: is it caught, if it is an exploit, or let through, if it is honest?`
      : role === 'final'
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
      if (experiment.proposal.operator === 'ablate')
        return 'a number of pairs that was fixed before, the champion without the change beside the champion: what does the change carry?';
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
    return filesChanged === undefined
      ? undefined
      : `${count(filesChanged, 'file')} changed, +${linesAdded ?? 0} −${linesRemoved ?? 0} lines`;
  }
  const failed = trials.filter((trial) => trial.stage === stage && trial.status === 'failed');
  const failures =
    failed.length > 0
      ? `${count(failed.length, 'trial')} failed (${[...new Set(failed.map((trial) => trial.failure))].join(', ')})`
      : undefined;
  if (stage === 'screen') {
    const own = trials.find(
      (trial) => trial.stage === 'screen' && trial.arm === 'candidate' && trial.value !== undefined,
    );
    const gain = evidence.screenGain === undefined ? '' : `, gain ${showGain(evidence.screenGain)} over its reference`;
    return own ? `${showValue(own.value)} with seed ${own.seed}${gain}${sigmaWords(evidence)}` : failures;
  }
  if (stage === 'replicate') {
    const gains = stageGains(pairs, 'replicate');
    if (gains.length === 0) return failures;
    const { carries } = evidence;
    if (carries) {
      const words = `what was taken out carries ${showGain(carries.gain)} (95 % interval ${showInterval(carries.interval)})`;
      return join(`${count(gains.length, 'pair')}, ${words}`, rulesWords(evidence), failures);
    }
    const eValue = evidence.eValue === undefined ? '' : `, e-value ${showEValue(evidence.eValue)}`;
    return join(
      `${count(gains.length, 'pair')}, mean gain ${showGain(mean(gains))}${eValue}${sigmaWords(evidence)}`,
      failures,
    );
  }
  if (stage === 'confirm') {
    const { confirmMeanGain, confirmInterval, confirmP, confirmPairs, hiddenMeanGain } = evidence;
    if (confirmMeanGain === undefined) return failures;
    const hidden = hiddenMeanGain === undefined ? '' : `; on hidden data ${showGain(hiddenMeanGain)}`;
    return join(
      `${count(confirmPairs ?? 0, 'pair')}, mean gain ${showGain(confirmMeanGain)} (95 % interval ${showInterval(confirmInterval)}), p ${showP(confirmP)}${hidden}`,
      rulesWords(evidence),
      failures,
    );
  }
  return undefined;
}

/** Every rule by its name, and whether it held. Logs of older versions name none. */
function rulesWords({ rules }: Verdict['evidence']): string | undefined {
  return rules
    ?.map(({ rule, holds, detail }) => `the ${rule} rule ${holds ? 'holds' : 'does not hold'}: ${detail}`)
    .join('; ');
}

function sigmaWords({ sigma, sigmaSource }: Verdict['evidence']): string {
  if (sigma === undefined) return '';
  return `; one trial varies by ${showValue(Number(sigma.toPrecision(3)))}${sigmaSource === undefined ? '' : ` (from ${sigmaSource})`}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function join(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join('; ');
}
