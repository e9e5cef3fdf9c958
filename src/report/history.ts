import type { ExperimentId } from '../domain/ids.ts';
import type { EventRecord } from '../store/store.ts';
import { TrialReader } from './trials.ts';

/** What a report needs of the log beyond the state: when things happened, on the clock of the engines' working time. */
export interface CampaignHistory {
  readonly assayVersion: string;
  /** Each change of champion, oldest first. */
  readonly championSteps: readonly {
    readonly experiment: ExperimentId;
    readonly workedMs: number;
    readonly concluded: number;
  }[];
  /** Working time at which each experiment ended, and how many had ended then. */
  readonly concluded: ReadonlyMap<ExperimentId, { readonly workedMs: number; readonly order: number }>;
  /** Values of the candidate on the seeds of its confirmation, which nothing was chosen by. */
  readonly confirmed: ReadonlyMap<ExperimentId, { readonly n: number; readonly mean: number }>;
  readonly sandboxes: readonly string[];
  readonly devices: readonly string[];
}

/** Folds the log once. Memory grows with experiments, not with trials. */
export async function readHistory(
  records: AsyncIterable<EventRecord> | Iterable<EventRecord>,
): Promise<CampaignHistory> {
  const reader = new TrialReader();
  const championSteps: { experiment: ExperimentId; workedMs: number; concluded: number }[] = [];
  const concluded = new Map<ExperimentId, { workedMs: number; order: number }>();
  const confirmed = new Map<ExperimentId, { n: number; mean: number }>();
  const sandboxes = new Set<string>();
  const devices = new Set<string>();
  let assayVersion = 'unknown';
  let worked = 0;
  let startedAt: number | undefined;
  let previousAt = 0;
  for await (const record of records) {
    const { event, at } = record;
    const workedMs = worked + (startedAt === undefined ? 0 : Math.max(0, at - startedAt));
    switch (event.type) {
      case 'campaign.created':
        assayVersion = event.assayVersion;
        break;
      case 'engine.started':
        // A killed engine wrote no last word: it worked at least until its last event.
        if (startedAt !== undefined) worked += Math.max(0, previousAt - startedAt);
        startedAt = at;
        sandboxes.add(event.sandbox);
        devices.add(event.device);
        assayVersion = event.assayVersion;
        break;
      case 'engine.stopped':
        worked = workedMs;
        startedAt = undefined;
        break;
      case 'experiment.concluded':
        concluded.set(event.experiment, { workedMs, order: concluded.size });
        break;
      case 'champion.changed':
        championSteps.push({ experiment: event.experiment, workedMs, concluded: concluded.size });
        break;
      default: {
        const row = reader.read(record);
        if (row?.stage !== 'confirm' || row.arm !== 'candidate' || row.value === undefined) break;
        const before = confirmed.get(row.experiment) ?? { n: 0, mean: 0 };
        const n = before.n + 1;
        confirmed.set(row.experiment, { n, mean: before.mean + (row.value - before.mean) / n });
      }
    }
    previousAt = at;
  }
  return { assayVersion, championSteps, concluded, confirmed, sandboxes: [...sandboxes], devices: [...devices] };
}
