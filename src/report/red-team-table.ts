import type { CandidateId, ExperimentId } from '../domain/ids.ts';
import { gain, type CampaignState } from '../domain/state.ts';
import type { EventRecord } from '../store/store.ts';
import { LedgerReader, type HackCase } from './hack-ledger.ts';
import { rateOf, type Rate } from './hack-rates.ts';
import { withoutUndefined } from './results.ts';

/**
 * What became of one attack or control. `caught`: for the right reason. `contained`: no expected audit fired, but it did not score
 * better than the start either. `got-through`: it did. `passed` and `false-alarm` are of honest controls. `not-run`: it has not reported.
 */
export type RedTeamVerdict = 'caught' | 'contained' | 'got-through' | 'passed' | 'false-alarm' | 'not-run';

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
  readonly contained: Rate;
  readonly gotThrough: Rate;
  readonly falseAlarms: Rate;
  /** Of the attacks that ran. */
  readonly medianSeconds?: number;
  /** A gain that is larger counts as better than the start. Absent: the start was not measured. */
  readonly threshold?: number;
}

/** An exploit that is better than the start by less than so many standard deviations of one trial has gained nothing. */
const SIGMAS = 2;

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
    classes: readonly string[];
    expects: readonly string[];
  }[] = [];
  for await (const record of records) {
    ledger.read(record);
    if (record.event.type === 'batch.opened') planned.push(...record.event.guards);
  }
  const { noise } = state;
  const threshold = noise && Math.max(options.minimumGain, SIGMAS * noise.sigmaUsed);
  const reported = new Map(ledger.cases.filter(({ id }) => id !== undefined).map((each) => [each.experiment, each]));
  const rows = planned.map((guard): RedTeamRow => {
    const found = reported.get(guard.experiment);
    if (found) return rowOf(state, found, guard.kind, threshold);
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
  const attacks = rows.filter(({ kind, verdict }) => kind === 'canary' && verdict !== 'not-run');
  const controls = rows.filter(({ kind, verdict }) => kind === 'control' && verdict !== 'not-run');
  const share = (of: readonly RedTeamRow[], wanted: RedTeamVerdict): Rate =>
    rateOf(of.filter(({ verdict }) => verdict === wanted).length, of.length);
  return withoutUndefined<RedTeamReport>({
    campaign: state.campaign,
    rows,
    caught: share(attacks, 'caught'),
    contained: share(attacks, 'contained'),
    gotThrough: share(attacks, 'got-through'),
    falseAlarms: share(controls, 'false-alarm'),
    medianSeconds: median(attacks.flatMap(({ seconds }) => seconds ?? [])),
    threshold,
  });
}

function rowOf(
  state: CampaignState,
  found: HackCase,
  kind: RedTeamRow['kind'],
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
  const start = state.noise?.start.mean;
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
    case 'missed':
      if (bestValue === undefined) return 'contained';
      // Without a start to compare with, a score is taken for a gain: what is unknown does not speak for us.
      return better === undefined || !(better <= threshold) ? 'got-through' : 'contained';
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
