import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { AssayEvent } from '../src/domain/events.ts';
import type { CampaignState } from '../src/domain/state.ts';
import type { CampaignFolder } from '../src/engine/campaign-folder.ts';
import { createCampaign } from '../src/engine/create-campaign.ts';
import { loadState } from '../src/engine/load-state.ts';
import { runSession } from '../src/engine/session.ts';
import type { Slot } from '../src/executor/executor.ts';
import type { Proposer } from '../src/proposer/proposer.ts';
import { openSqliteStore } from '../src/store/sqlite/open-sqlite-store.ts';
import type { EventRecord } from '../src/store/store.ts';
import { loadTask } from '../src/task/load-task.ts';

export const REPOSITORY = path.resolve(import.meta.dirname, '..');

export interface BenchCampaign extends AsyncDisposable {
  readonly folder: CampaignFolder;
  readonly directory: string;
}

/** A campaign in a temporary folder that is gone afterwards. */
export async function benchCampaign(taskFolder: string, experiments: number): Promise<BenchCampaign> {
  const directory = await mkdtemp(path.join(tmpdir(), 'assay-bench-'));
  const task = await loadTask(path.join(REPOSITORY, taskFolder));
  const folder = await createCampaign({ directory, name: 'bench', task, limits: { experiments }, searchSeed: 1 });
  return { folder, directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** Slots that share cores, where there are more than the machine has. */
export function benchSlots(count: number): readonly Slot[] {
  return Array.from({ length: count }, (_, index) => ({ index, cores: [index % availableParallelism()], gpus: [] }));
}

/** Runs it to its end in this process. @returns every event that this run appended, and the state at its end. */
export async function runBench(
  campaign: BenchCampaign,
  options: { proposer: Proposer; slots: number; experiments?: number },
): Promise<{ records: readonly EventRecord[]; state: CampaignState }> {
  const records: EventRecord[] = [];
  let last: CampaignState | undefined;
  const never = new AbortController().signal;
  await runSession(
    {
      folder: campaign.folder,
      slotList: benchSlots(options.slots),
      proposer: options.proposer,
      ...(options.experiments === undefined ? {} : { limits: { experiments: options.experiments } }),
      observe: (record, state) => {
        records.push(record);
        last = state;
      },
    },
    { stop: never, abort: never },
  );
  if (!last) throw new Error('the campaign appended nothing');
  return { records, state: last };
}

/** Appends the events of so many discarded experiments, as an engine would have. */
export async function fillLog(folder: CampaignFolder, count: number): Promise<void> {
  await using store = await openSqliteStore(folder.log);
  const { state } = await loadState(store);
  const noise = { type: 'noise.measured', runs: 4, mean: 1, sigma: 0.01, sigmaUsed: 0.01, trialSeconds: 0.01 } as const;
  const e0 = { kind: 'keep', stage: 'confirm', reasons: ['made for a measurement'], evidence: {} } as const;
  await store.append([noise, { type: 'experiment.concluded', experiment: state.champion, verdict: e0 }]);
  const reference = state.baseline;
  let batch: AssayEvent[] = [];
  for (let number = 1; number <= count; number += 1) {
    const experiment = `e${number}` as typeof state.champion;
    const trial = `t${number}` as Extract<AssayEvent, { type: 'trial.submitted' }>['trial'];
    const hypothesis = {
      kind: 'hyper-parameter',
      statement: `RATE from 0.1 to ${number} improves loss`,
      rationale: 'made for a measurement',
      predictedGain: { low: -1, high: 1 },
    } as const;
    const change = { type: 'knobs', values: { RATE: number } } as const;
    const tree = number.toString(16).padStart(40, '0');
    const plan = {
      trial,
      experiment,
      candidate: reference,
      stage: 'screen',
      arm: 'candidate',
      pair: number,
      seed: number,
    } as const;
    const facts = { wallSeconds: 0.01, slot: 0, sandbox: 'bubblewrap', phases: { measure: 0.01 } } as const;
    const verdict = {
      kind: 'discard',
      stage: 'screen',
      reasons: ['screened at −0.1 against its reference on the same seed'],
      evidence: { screenGain: -0.1, sigma: 0.01 },
    } as const;
    batch.push(
      {
        type: 'experiment.proposed',
        experiment,
        proposal: { operator: 'tune', proposer: 'search', parent: state.champion, hypothesis, change },
      },
      {
        type: 'experiment.implemented',
        experiment,
        candidate: reference,
        tree,
        reference,
        filesChanged: 1,
        linesAdded: 1,
        linesRemoved: 1,
      },
      { type: 'trial.planned', plan },
      { type: 'trial.submitted', trial, experiment, attempt: 1, token: `${trial}-1` },
      {
        type: 'trial.finished',
        trial,
        experiment,
        attempt: 1,
        outcome: { status: 'succeeded', result: { value: 1.1, metrics: {}, checks: [] }, facts },
      },
      { type: 'experiment.concluded', experiment, verdict },
    );
    if (batch.length >= 6000) {
      await store.append(batch);
      batch = [];
    }
  }
  await store.append(batch);
}
