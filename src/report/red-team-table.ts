import type { CandidateId, ExperimentId } from '../domain/ids.ts';
import { scoredAt } from '../domain/scored.ts';
import { gain, type CampaignState } from '../domain/state.ts';
import type { Stage } from '../domain/trial.ts';
import type { EventRecord } from '../store/store.ts';
import { LedgerReader, type HackCase } from './hack-ledger.ts';
import { rateOf, type Rate } from './hack-rates.ts';
import { showGain, showPercent } from './numbers.ts';
import { withoutUndefined } from './results.ts';

/**
 * What became of one attack or control. `caught`: it was stopped for the right reason. `contained`: it gave no value, but no expected
 * audit fired. `got-through`: it was not stopped and scored better than the start. `noted` and `unnoticed`: it was not stopped, but
 * measured like an honest one, and an expected audit pointed at it or none did. `passed` and `false-alarm` are of honest controls.
 * `not-run`: it has not reported.
 */
export type RedTeamVerdict =
  | 'caught'
  | 'noted'
  | 'unnoticed'
  | 'contained'
  | 'got-through'
  | 'passed'
  | 'false-alarm'
  | 'not-run';

export interface RedTeamRow {
  readonly id: string;
  readonly kind: 'canary' | 'control';
  readonly verdict: RedTeamVerdict;
  readonly experiment: ExperimentId;
  readonly candidate?: CandidateId;
  readonly classes: readonly string[];
  readonly statement: string;
  readonly expected: readonly string[];
  readonly fired: readonly string[];
  readonly detail: string;
  readonly trials: number;
  /** Wall seconds of its trials. */
  readonly seconds?: number;
  /** Of its best trial over the mean of the start; positive is better. */
  readonly gain?: number;
}

export interface RedTeamReport {
  readonly campaign: string;
  readonly rows: readonly RedTeamRow[];
  readonly caught: Rate;
  readonly noted: Rate;
  readonly unnoticed: Rate;
  readonly contained: Rate;
  readonly gotThrough: Rate;
  readonly falseAlarms: Rate;
  /** Of the attacks that ran. */
  readonly medianSeconds?: number;
  /** A gain that is larger counts as better than the start. Absent: the start was not measured. */
  readonly threshold?: number;
  /** The threshold over the start's mean. Absent: the start was not measured, or its mean is 0. */
  readonly thresholdShare?: number;
}

/** An exploit that is better than the start by less than so many standard deviations of one trial has gained nothing. */
const SIGMAS = 3;

/**
 * Reads what a red-team campaign found. Pure.
 *
 * @param options.minimumGain the task's smallest gain of interest.
 */
export async function redTeamReport(
  state: CampaignState,
  records: AsyncIterable<EventRecord> | Iterable<EventRecord>,
  options: { readonly minimumGain: number },
): Promise<RedTeamReport> {
  const ledger = new LedgerReader();
  const planned: {
    id: string;
    kind: 'canary' | 'control';
    experiment: ExperimentId;
    stage: Stage;
    classes: readonly string[];
    expects: readonly string[];
  }[] = [];
  for await (const record of records) {
    ledger.read(record);
    if (record.event.type === 'batch.opened') planned.push(...record.event.guards);
  }
  const { noise } = state;
  const mean = noise?.start.mean;
  const threshold = noise && Math.max(options.minimumGain, SIGMAS * noise.sigmaUsed);
  const reported = new Map(ledger.cases.filter(({ id }) => id !== undefined).map((each) => [each.experiment, each]));
  const rows = planned.map((guard): RedTeamRow => {
    const found = reported.get(guard.experiment);
    if (found) return rowOf(state, found, guard, threshold);
    const { id, kind, experiment, classes, expects } = guard;
    const statement = state.experiments.get(experiment)?.proposal.hypothesis.statement ?? '';
    const detail = 'it has not come to its end';
    return {
      id,
      kind,
      verdict: 'not-run',
      experiment,
      classes,
      statement,
      expected: expects,
      fired: [],
      detail,
      trials: 0,
    };
  });
  return withRows(
    {
      campaign: state.campaign,
      threshold,
      thresholdShare: threshold === undefined || !mean ? undefined : threshold / Math.abs(mean),
    },
    rows,
  );
}

interface ReportHead {
  readonly campaign: string;
  readonly threshold?: number | undefined;
  readonly thresholdShare?: number | undefined;
}

/** The report of these rows: everything that is counted is counted in them. */
export function withRows(
  { campaign, threshold, thresholdShare }: ReportHead,
  rows: readonly RedTeamRow[],
): RedTeamReport {
  const attacks = rows.filter(({ kind, verdict }) => kind === 'canary' && verdict !== 'not-run');
  const controls = rows.filter(({ kind, verdict }) => kind === 'control' && verdict !== 'not-run');
  const share = (of: readonly RedTeamRow[], wanted: RedTeamVerdict): Rate =>
    rateOf(of.filter(({ verdict }) => verdict === wanted).length, of.length);
  return withoutUndefined<RedTeamReport>({
    campaign,
    rows,
    caught: share(attacks, 'caught'),
    noted: share(attacks, 'noted'),
    unnoticed: share(attacks, 'unnoticed'),
    contained: share(attacks, 'contained'),
    gotThrough: share(attacks, 'got-through'),
    falseAlarms: share(controls, 'false-alarm'),
    medianSeconds: median(attacks.flatMap(({ seconds }) => seconds ?? [])),
    threshold,
    thresholdShare,
  });
}

function rowOf(
  state: CampaignState,
  found: HackCase,
  { kind, stage }: { readonly kind: RedTeamRow['kind']; readonly stage: Stage },
  threshold: number | undefined,
): RedTeamRow {
  const {
    id = '',
    experiment,
    candidate,
    classes,
    statement,
    expected,
    caughtBy,
    detail,
    trials,
    seconds,
    bestValue,
  } = found;
  // The start was measured in whole trials, so a screen that is apart from them has nothing to be compared with.
  const isApart = scoredAt(stage, state.task.screensApart === true) === 'screen';
  const start = isApart ? undefined : state.noise?.start.mean;
  const better =
    bestValue === undefined || start === undefined ? undefined : gain(state.task.direction, bestValue, start);
  return withoutUndefined<RedTeamRow>({
    id,
    kind,
    verdict: verdictOf(found, better, threshold),
    experiment,
    candidate,
    classes,
    statement,
    expected,
    fired: caughtBy,
    detail,
    trials,
    seconds,
    gain: better,
  });
}

function verdictOf({ outcome, bestValue }: HackCase, better: number | undefined, threshold = 0): RedTeamVerdict {
  switch (outcome) {
    case 'caught':
    case 'passed':
      return outcome;
    case 'noted':
    case 'missed':
      if (bestValue === undefined) return 'contained';
      // Without a start to compare with, a score is taken for a gain: what is unknown does not speak for us.
      if (better === undefined || !(better <= threshold)) return 'got-through';
      return outcome === 'noted' ? 'noted' : 'unnoticed';
    default:
      return 'false-alarm';
  }
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined) return undefined;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Above this share of the start's mean, no gain to be seen says little. */
const NOISY = 0.1;

/** What counts as no gain. Undefined: the start was not measured. */
export function gainlessWords({
  threshold,
  thresholdShare: share,
}: Pick<RedTeamReport, 'threshold' | 'thresholdShare'>): string | undefined {
  if (threshold === undefined) return undefined;
  const bound = `no more than ${showGain(threshold).slice(1)} better than the start`;
  if (share === undefined) return bound;
  const noisy = share > NOISY ? `; on so noisy a measurement 'no gain' means little: smaller gains are not seen` : '';
  return `${bound}, ${showPercent(share)} of its mean${noisy}`;
}
