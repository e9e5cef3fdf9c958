import { createHash } from 'node:crypto';
import type { GuardPlan } from '../domain/batch.ts';
import type { AssayEvent, EventOf } from '../domain/events.ts';
import type { CandidateId, ExperimentId } from '../domain/ids.ts';
import type { TrialOutcome } from '../domain/trial.ts';
import type { EventRecord } from '../store/store.ts';
import { showValue } from './numbers.ts';
import { withoutUndefined } from './results.ts';

/** Where a case came from. `red-team`: a campaign that proposes nothing and only attacks. */
export type CaseSource = 'canary' | 'control' | 'red-team' | 'red-team-control' | 'candidate' | 'refused' | 'retracted';

/**
 * What became of it. Of canaries and attacks: `caught` when it was stopped for the right reason; `noted` when an expected audit pointed at
 * it but nothing stopped it, so that it scored; `missed` otherwise. Of controls: passed or refused. Of others, why they are here.
 */
export type CaseOutcome = 'caught' | 'noted' | 'missed' | 'passed' | 'refused' | 'suspected' | 'retracted';

/** One thing that was tried, and what became of it. What is unknown is absent. */
export interface HackCase {
  readonly campaign: string;
  readonly task: string;
  readonly seq: number;
  readonly at: number;
  readonly source: CaseSource;
  readonly outcome: CaseOutcome;
  readonly experiment: ExperimentId;
  /** Of the exploit or control in the red team's collection. */
  readonly id?: string;
  readonly classes: readonly string[];
  /** What was tried, in a sentence. */
  readonly statement: string;
  readonly proposer: string;
  readonly candidate?: CandidateId;
  /** Audits of which one had to fire. */
  readonly expected: readonly string[];
  /** Audits that fired (of a canary also those that only noted it: `outcome` says whether it was stopped). */
  readonly caughtBy: readonly string[];
  readonly detail: string;
  readonly batch?: number;
  /** The catalogue in force, shortened to a hash; see `catalogueHash`. Absent: before the first batch. */
  readonly catalogue?: string;
  readonly assayVersion: string;
  readonly trials: number;
  /** Wall seconds of its trials. */
  readonly seconds?: number;
  /** The best value that one of its trials scored, in the metric's units. Absent: none succeeded. */
  readonly bestValue?: number;
}

/** Ids and versions of a catalogue as 12 hexadecimal digits: equal digits, equal audits. */
export function catalogueHash(catalogue: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(catalogue).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 12);
}

interface Known {
  statement: string;
  proposer: string;
  isGuard: boolean;
  batch?: number;
  candidate?: CandidateId;
  trials: number;
  seconds?: number;
  bestValue?: number;
  fired: Set<string>;
  /** In one of its trials an audit fired that decides. */
  isSuspected: boolean;
}

/** Turns the log of one campaign into its cases, one record at a time. Memory grows with open experiments, not with trials. */
export class LedgerReader {
  #campaign = '';
  #task = '';
  #direction: 'minimize' | 'maximize' = 'minimize';
  #assayVersion = 'unknown';
  #isRedTeam = false;
  #batch: number | undefined;
  readonly #catalogues = new Map<number, string>();
  readonly #experiments = new Map<ExperimentId, Known>();
  /** Only what a retraction may name later. */
  readonly #kept = new Map<ExperimentId, Known>();
  readonly #cases: HackCase[] = [];

  read(record: EventRecord): void {
    const { event } = record;
    switch (event.type) {
      case 'campaign.created':
        this.#campaign = event.campaign;
        this.#task = event.task.name;
        this.#direction = event.task.direction;
        this.#assayVersion = event.assayVersion;
        this.#isRedTeam = event.limits.experiments === 0;
        return;
      case 'engine.started':
        this.#assayVersion = event.assayVersion;
        return;
      case 'batch.opened':
        this.#batch = event.batch;
        this.#catalogues.set(event.batch, catalogueHash(event.catalogue));
        return;
      case 'experiment.proposed': {
        const { proposal } = event;
        this.#experiments.set(event.experiment, {
          statement: proposal.hypothesis.statement,
          proposer: proposal.proposer,
          isGuard: proposal.operator === 'guard',
          trials: 0,
          fired: new Set(),
          isSuspected: false,
          ...(this.#batch === undefined ? {} : { batch: this.#batch }),
        });
        return;
      }
      case 'experiment.implemented': {
        const known = this.#experiments.get(event.experiment);
        if (known) known.candidate = event.candidate;
        return;
      }
      case 'trial.finished':
        this.#readTrial(event);
        return;
      case 'experiment.audited': {
        const known = this.#experiments.get(event.experiment) ?? this.#kept.get(event.experiment);
        for (const { audit, finding } of event.audits) if (finding === 'fired') known?.fired.add(audit);
        return;
      }
      case 'guard.reported':
        this.#add(record, event.experiment, guardCase(event, this.#isRedTeam, this.#experiments.get(event.experiment)));
        return;
      case 'experiment.concluded':
        this.#readVerdict(record, event);
        return;
      case 'verdict.retracted': {
        const outcome = 'retracted' as const;
        const caughtBy = [...(this.#kept.get(event.experiment)?.fired ?? [])];
        const detail = `${event.cause}: ${event.reason}`;
        this.#add(record, event.experiment, {
          source: 'retracted',
          outcome,
          caughtBy,
          detail,
          classes: [],
          expected: [],
        });
        return;
      }
      default:
    }
  }

  get cases(): readonly HackCase[] {
    return this.#cases;
  }

  #readTrial({ experiment, outcome }: EventOf<'trial.finished'>): void {
    const known = this.#experiments.get(experiment);
    if (!known) return;
    known.trials += 1;
    const { wallSeconds, audits = [] } = outcome.facts;
    if (wallSeconds !== undefined) known.seconds = (known.seconds ?? 0) + wallSeconds;
    for (const id of firedIn(outcome, audits)) known.fired.add(id);
    if (outcome.status === 'failed' && outcome.suspected === true) known.isSuspected = true;
    // A guard has no reference: every value is its own.
    if (!known.isGuard || outcome.status !== 'succeeded') return;
    const { value } = outcome.result;
    const best = known.bestValue;
    const isBetter = best === undefined || (this.#direction === 'minimize' ? value < best : value > best);
    if (isBetter) known.bestValue = value;
  }

  #readVerdict(record: EventRecord, { experiment, verdict }: EventOf<'experiment.concluded'>): void {
    const known = this.#experiments.get(experiment);
    if (known && !known.isGuard && (verdict.kind === 'suspected-hack' || verdict.stage === 'static')) {
      // Refused before it became a candidate, or found out while it ran.
      const isRefused = known.candidate === undefined;
      this.#add(record, experiment, {
        source: isRefused ? 'refused' : 'candidate',
        outcome: isRefused ? 'refused' : 'suspected',
        caughtBy: [...known.fired],
        detail: verdict.reasons[0],
        classes: [],
        expected: [],
      });
    }
    this.#experiments.delete(experiment);
    if (known && verdict.kind === 'keep') this.#kept.set(experiment, known);
  }

  #add({ seq, at }: EventRecord, experiment: ExperimentId, facts: CaseFacts): void {
    const known = this.#experiments.get(experiment) ?? this.#kept.get(experiment);
    const batch = known?.batch;
    this.#cases.push(
      withoutUndefined<HackCase>({
        campaign: this.#campaign,
        task: this.#task,
        seq,
        at,
        experiment,
        statement: known?.statement ?? '',
        proposer: known?.proposer ?? 'unknown',
        candidate: known?.candidate,
        batch,
        catalogue: batch === undefined ? undefined : this.#catalogues.get(batch),
        assayVersion: this.#assayVersion,
        trials: known?.trials ?? 0,
        seconds: known?.seconds,
        bestValue: known?.bestValue,
        id: facts.id,
        ...facts,
      }),
    );
  }
}

type CaseFacts = Pick<HackCase, 'source' | 'outcome' | 'caughtBy' | 'detail' | 'classes' | 'expected'> & {
  readonly id?: string;
};

function guardCase(
  { guard, ok, fired, detail }: Pick<EventOf<'guard.reported'>, 'guard' | 'ok' | 'fired' | 'detail'>,
  isRedTeam: boolean,
  known: Known | undefined,
): CaseFacts {
  const { id, classes, expects } = guard;
  const facts = { id, classes, expected: expects, caughtBy: fired, detail };
  if (!isCanary(guard))
    return { ...facts, source: isRedTeam ? 'red-team-control' : 'control', outcome: ok ? 'passed' : 'refused' };
  const source = isRedTeam ? 'red-team' : 'canary';
  const noted = expects.filter((audit) => fired.includes(audit));
  const value = known?.isSuspected === true ? undefined : known?.bestValue;
  if (value === undefined || noted.length === 0) return { ...facts, source, outcome: ok ? 'caught' : 'missed' };
  const words = `noted by ${noted.join(', ')}, but nothing stopped it: it scored ${showValue(value)}`;
  return { ...facts, source, outcome: 'noted', detail: words };
}

function isCanary({ kind }: Pick<GuardPlan, 'kind'>): boolean {
  return kind === 'canary';
}

/** Old logs have no audits; their judge's checks say what was found. */
function firedIn(outcome: TrialOutcome, audits: readonly { audit: string; finding: string }[]): readonly string[] {
  const fired = audits.filter(({ finding }) => finding === 'fired').map(({ audit }) => audit);
  if (fired.length > 0 || outcome.status !== 'failed' || outcome.suspected !== true) return fired;
  return (outcome.checks ?? []).filter(({ ok }) => !ok).map(({ id }) => id);
}

/** Types of events that the ledger is made of: what `store.read({ types })` has to give. */
export const LEDGER_EVENTS: readonly AssayEvent['type'][] = [
  'batch.opened',
  'campaign.created',
  'engine.started',
  'experiment.audited',
  'experiment.concluded',
  'experiment.implemented',
  'experiment.proposed',
  'guard.reported',
  'trial.finished',
  'verdict.retracted',
];

/** The cases of one campaign, in the order in which they were decided. */
export async function readCases(
  records: AsyncIterable<EventRecord> | Iterable<EventRecord>,
): Promise<readonly HackCase[]> {
  const reader = new LedgerReader();
  for await (const record of records) reader.read(record);
  return reader.cases;
}
