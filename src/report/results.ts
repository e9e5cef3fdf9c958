import type { FinalComparison } from '../domain/events.ts';
import type { HypothesisKind, Interval, Operator } from '../domain/hypothesis.ts';
import { BASELINE_EXPERIMENT, type CandidateId, type ExperimentId } from '../domain/ids.ts';
import { bestGainEstimate, wholeGainEstimate } from '../domain/reduce.ts';
import { measuresNoise, type CampaignState, type Experiment } from '../domain/state.ts';
import type { GateStage, Verdict, VerdictKind } from '../domain/verdict.ts';

/**
 * Why there is an experiment: to test a hypothesis, to measure the start, to measure the noise again on a machine that has drifted, to
 * measure the champion beside the start at the end, or to prove that the audits work.
 */
export type ExperimentRole = 'hypothesis' | 'baseline' | 'noise' | 'final' | 'guard';

/** One experiment in one flat row. Gains are in the metric's units, positive is better. What is unknown is absent. */
export interface ResultRow {
  readonly experiment: ExperimentId;
  readonly role: ExperimentRole;
  /** 'open': not concluded. */
  readonly verdict: VerdictKind | 'open';
  /** Where it ended. */
  readonly stage?: GateStage;
  readonly failure?: NonNullable<Verdict['failure']>;
  readonly kind: HypothesisKind;
  readonly operator: Operator;
  readonly proposer: string;
  readonly parent: ExperimentId;
  readonly statement: string;
  /** The first reason of the verdict. */
  readonly reason?: string;
  readonly candidate?: CandidateId;
  /** How many trials of the candidate gave a value, and their mean. Screens that are apart from whole trials are in neither. */
  readonly runs: number;
  readonly mean?: number;
  /** Pairs behind the gain that is quoted: of the confirmation, else of the replication, else 1 for the screen. */
  readonly n?: number;
  readonly screenGain?: number;
  readonly replicateGain?: number;
  readonly confirmGain?: number;
  /** 95 % interval of the confirmed gain. */
  readonly interval?: Interval;
  readonly p?: number;
  readonly eValue?: number;
  readonly eValueNeeded?: number;
  readonly testIndex?: number;
  /** Gain on data that no search stage scored. */
  readonly hiddenGain?: number;
  /** The gain to quote: the confirmed one, shrunk for selection. */
  readonly shrunkenGain?: number;
  /** The best estimate there is of the gain: confirmed, else replicated, else screened. */
  readonly gain?: number;
  readonly predicted?: Interval;
  /** Whether `gain` fell into `predicted`; absent without either, and where `gain` is of a screen that is apart from whole trials. */
  readonly predictionHeld?: boolean;
  /** Wall seconds of all its trials, its references included. */
  readonly seconds: number;
  readonly filesChanged?: number;
  readonly linesAdded?: number;
  readonly linesRemoved?: number;
  readonly champion: boolean;
  /** The batch that it was proposed in. */
  readonly batch?: number;
  /** Its keep does not stand any more. */
  readonly retracted?: NonNullable<Experiment['retracted']>;
  /** It holds the change of this retracted experiment. */
  readonly builtOn?: ExperimentId;
  readonly proposedAt: number;
  readonly concludedAt?: number;
}

/**
 * Every experiment, in order of its number.
 *
 * @param options.guards also canaries and honest controls, which test no hypothesis.
 */
export function resultRows(state: CampaignState, options: { readonly guards?: boolean } = {}): readonly ResultRow[] {
  return [...state.experiments.values()]
    .filter((experiment) => options.guards === true || roleOf(experiment) !== 'guard')
    .map((experiment) => resultRow(state, experiment));
}

export function resultRow(state: CampaignState, experiment: Experiment): ResultRow {
  const { proposal, verdict } = experiment;
  const evidence = verdict?.evidence ?? {};
  const gain = verdict && bestGainEstimate(verdict);
  const predicted = proposal.hypothesis.predictedGain;
  const whole = verdict && wholeGainEstimate(state, verdict);
  const n = evidence.confirmPairs ?? evidence.replicatePairs ?? (evidence.screenGain === undefined ? undefined : 1);
  return withoutUndefined<ResultRow>({
    experiment: experiment.id,
    role: roleOf(experiment),
    verdict: verdict?.kind ?? 'open',
    stage: verdict?.stage,
    failure: verdict?.failure,
    kind: proposal.hypothesis.kind,
    operator: proposal.operator,
    proposer: proposal.proposer,
    parent: proposal.parent,
    statement: proposal.hypothesis.statement,
    reason: verdict?.reasons[0],
    candidate: experiment.candidate,
    runs: experiment.measured?.count ?? 0,
    mean: experiment.measured?.mean,
    n,
    screenGain: evidence.screenGain,
    replicateGain: evidence.replicateMeanGain,
    confirmGain: evidence.confirmMeanGain,
    interval: evidence.confirmInterval ?? (evidence.carries && removalInterval(evidence.carries.interval)),
    p: evidence.confirmP,
    eValue: evidence.eValue,
    eValueNeeded: evidence.eValueNeeded ?? (experiment.test && 1 / experiment.test.level),
    testIndex: evidence.testIndex ?? experiment.test?.index,
    hiddenGain: evidence.hiddenMeanGain,
    shrunkenGain: evidence.shrunkenGain,
    gain,
    predicted,
    predictionHeld: predicted && whole !== undefined ? whole >= predicted.low && whole <= predicted.high : undefined,
    seconds: experiment.trialSeconds,
    filesChanged: experiment.filesChanged,
    linesAdded: experiment.linesAdded,
    linesRemoved: experiment.linesRemoved,
    champion: experiment.id === state.champion,
    batch: experiment.batch,
    retracted: experiment.retracted,
    builtOn: experiment.builtOn,
    proposedAt: experiment.proposedAt,
    concludedAt: experiment.concludedAt,
  });
}

/** Whether `gain` is that of a screen with a length of its own, so none of whole trials. */
export function isGainOfScreen(
  row: Pick<ResultRow, 'gain' | 'replicateGain' | 'confirmGain'>,
  screensApart: boolean,
): boolean {
  return screensApart && row.gain !== undefined && row.replicateGain === undefined && row.confirmGain === undefined;
}

/** What taking a change out gains is what the change carries, with its sign turned. */
function removalInterval({ low, high }: Interval): Interval {
  return { low: -high, high: -low };
}

export function roleOf(experiment: Experiment): ExperimentRole {
  const { operator } = experiment.proposal;
  if (experiment.id === BASELINE_EXPERIMENT) return 'baseline';
  if (measuresNoise(experiment)) return 'noise';
  return operator === 'baseline' ? 'final' : operator === 'guard' ? 'guard' : 'hypothesis';
}

/** Whether a keep is one that nothing was built on any more: it was retracted, or it holds what was. */
export function hasFallen({ retracted, builtOn }: Pick<ResultRow, 'retracted' | 'builtOn'>): boolean {
  return retracted !== undefined || builtOn !== undefined;
}

/** `keep`, `failed (crash)`, `keep (retracted)`, `keep (on retracted e3)`: the verdict and whether it stands, in few words. */
export function verdictWords(row: Pick<ResultRow, 'verdict' | 'failure' | 'retracted' | 'builtOn'>): string {
  const marks = [
    ...(row.failure === undefined ? [] : [row.failure]),
    ...(row.retracted ? ['retracted'] : []),
    ...(row.retracted || row.builtOn === undefined ? [] : [`on retracted ${row.builtOn}`]),
  ];
  return marks.length === 0 ? row.verdict : `${row.verdict} (${marks.join(', ')})`;
}

const RANK: Readonly<Record<ResultRow['verdict'], number>> = {
  keep: 0,
  'near-miss': 1,
  inconclusive: 2,
  open: 3,
  discard: 4,
  'suspected-hack': 5,
  failed: 6,
};
/** A keep that fell is worth less than an honest discard. */
const FALLEN_RANK = 4.5;
const ROLE_RANK: Readonly<Record<ExperimentRole, number>> = {
  hypothesis: 0,
  baseline: 10,
  noise: 10,
  final: 10,
  guard: 20,
};

/** Best first: by verdict, then by gain. Keeps that fell stand below discards; rows that test no hypothesis come last. */
export function rankRows(rows: readonly ResultRow[]): readonly ResultRow[] {
  const rank = (row: ResultRow): number =>
    row.role !== 'hypothesis'
      ? ROLE_RANK[row.role]
      : row.verdict === 'keep' && hasFallen(row)
        ? FALLEN_RANK
        : RANK[row.verdict];
  const worst = Number.NEGATIVE_INFINITY;
  return rows.toSorted(
    (a, b) => rank(a) - rank(b) || (b.shrunkenGain ?? b.gain ?? worst) - (a.shrunkenGain ?? a.gain ?? worst) || 0,
  );
}

/** Optional keys that are undefined are left out, as `exactOptionalPropertyTypes` asks. */
export function withoutUndefined<T>(value: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}

/** The final comparison, unless the champion that it measured has fallen since. */
export function standingComparison({ champion, finished }: CampaignState): FinalComparison | undefined {
  const comparison = finished?.comparison;
  return comparison?.champion === champion ? comparison : undefined;
}

/** What `assay results --json` prints and results.json holds. Fields are added, never changed: `schema` says which shape it is. */
export function resultsDocument(state: CampaignState, experiments: readonly ResultRow[] = resultRows(state)): object {
  const { campaign, task, noise, champion } = state;
  const total = [...state.experiments.values()].filter((experiment) => roleOf(experiment) !== 'guard').length;
  return {
    schema: 'assay.results.v1',
    campaign,
    task,
    noise,
    champion,
    comparison: standingComparison(state),
    /** Without guards, of which `experiments` has some only when they were asked for. */
    total,
    experiments,
  };
}
