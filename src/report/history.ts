import type { ExperimentId } from '../domain/ids.ts';
import type { EventRecord } from '../store/store.ts';
import { TrialReader } from './trials.ts';

/** What a report needs of the log beyond the state: when things happened, on the clock of the engines' working time. */
export interface CampaignHistory {
  readonly assayVersion: string;
  /** Each change of champion, oldest first. */
  readonly championSteps: readonly {
    readonly experiment: ExperimentId;
    /** The champion before it fell: the search went back to what still stood. */
    readonly afterFallOf?: ExperimentId;
    readonly workedMs: number;
    readonly concluded: number;
  }[];
  /** Working time at which each experiment ended, and how many had ended then. Guards are not counted. */
  readonly concluded: ReadonlyMap<ExperimentId, { readonly workedMs: number; readonly order: number }>;
  /** Values of the candidate on the seeds of its confirmation, which nothing was chosen by. */
  readonly confirmed: ReadonlyMap<ExperimentId, { readonly n: number; readonly mean: number }>;
  readonly sandboxes: readonly string[];
  readonly devices: readonly string[];
}

/** Folds the log once. Memory grows with experiments, not with trials. */
export class HistoryReader {
  readonly #trials = new TrialReader();
  readonly #championSteps: CampaignHistory['championSteps'][number][] = [];
  readonly #guards = new Set<ExperimentId>();
  readonly #fallen = new Set<ExperimentId>();
  readonly #concluded = new Map<ExperimentId, { workedMs: number; order: number }>();
  readonly #confirmed = new Map<ExperimentId, { n: number; mean: number }>();
  readonly #sandboxes = new Set<string>();
  readonly #devices = new Set<string>();
  #assayVersion = 'unknown';
  #worked = 0;
  #startedAt: number | undefined;
  #previousAt = 0;

  read(record: EventRecord): void {
    const { event, at } = record;
    const workedMs = this.#worked + (this.#startedAt === undefined ? 0 : Math.max(0, at - this.#startedAt));
    switch (event.type) {
      case 'campaign.created':
        this.#assayVersion = event.assayVersion;
        break;
      case 'engine.started':
        // A killed engine wrote no last word: it worked at least until its last event.
        if (this.#startedAt !== undefined) this.#worked += Math.max(0, this.#previousAt - this.#startedAt);
        this.#startedAt = at;
        this.#sandboxes.add(event.sandbox);
        this.#devices.add(event.device);
        this.#assayVersion = event.assayVersion;
        break;
      case 'engine.stopped':
        this.#worked = workedMs;
        this.#startedAt = undefined;
        break;
      case 'experiment.proposed':
        if (event.proposal.operator === 'guard') this.#guards.add(event.experiment);
        break;
      case 'verdict.retracted':
        for (const id of [event.experiment, ...event.descendants]) this.#fallen.add(id);
        break;
      case 'experiment.concluded':
        if (this.#guards.has(event.experiment)) break;
        this.#concluded.set(event.experiment, { workedMs, order: this.#concluded.size });
        break;
      case 'champion.changed': {
        const before = this.#championSteps.at(-1)?.experiment;
        const afterFallOf = before !== undefined && this.#fallen.has(before) ? { afterFallOf: before } : {};
        const { experiment } = event;
        this.#championSteps.push({ experiment, workedMs, concluded: this.#concluded.size, ...afterFallOf });
        break;
      }
      default:
        this.#readTrial(record);
    }
    this.#previousAt = at;
  }

  result(): CampaignHistory {
    return {
      assayVersion: this.#assayVersion,
      championSteps: this.#championSteps,
      concluded: this.#concluded,
      confirmed: this.#confirmed,
      sandboxes: [...this.#sandboxes],
      devices: [...this.#devices],
    };
  }

  #readTrial(record: EventRecord): void {
    const row = this.#trials.read(record);
    if (row?.stage !== 'confirm' || row.arm !== 'candidate' || row.value === undefined) return;
    if (this.#guards.has(row.experiment)) return;
    const before = this.#confirmed.get(row.experiment) ?? { n: 0, mean: 0 };
    const n = before.n + 1;
    this.#confirmed.set(row.experiment, { n, mean: before.mean + (row.value - before.mean) / n });
  }
}

export async function readHistory(
  records: AsyncIterable<EventRecord> | Iterable<EventRecord>,
): Promise<CampaignHistory> {
  const reader = new HistoryReader();
  for await (const record of records) reader.read(record);
  return reader.result();
}
