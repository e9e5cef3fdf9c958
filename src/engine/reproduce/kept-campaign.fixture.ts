import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { openCandidateRepository } from '../../candidate/candidate-repository.ts';
import type { AssayEvent } from '../../domain/events.ts';
import { BASELINE_EXPERIMENT, experimentId, type CandidateId, type ExperimentId } from '../../domain/ids.ts';
import { openSqliteStore } from '../../store/sqlite/open-sqlite-store.ts';
import { SHIPPED_TASKS } from '../../task/shipped-tasks.ts';
import { loadTask } from '../../task/load-task.ts';
import type { EventRecord } from '../../store/store.ts';
import type { CampaignFolder } from '../campaign-folder.ts';
import { createCampaign } from '../create-campaign.ts';

export interface FabricatedKeep {
  /** What the candidate makes of train.py. */
  readonly change: (program: string) => string;
  /** Default: the starting point. */
  readonly parent?: ExperimentId;
  readonly claimedGain?: number;
  /** In place of the hash of the candidate's files. */
  readonly tree?: string;
}

export interface KeptCampaign extends AsyncDisposable {
  /** Holds `.assay`. */
  readonly directory: string;
  readonly folder: CampaignFolder;
  readonly candidates: readonly CandidateId[];
  records(): Promise<readonly EventRecord[]>;
}

/** The campaign of the shipped task 'starter' with a log that says of some changes that they were kept, whether they help or not. */
export async function keptCampaign(
  keeps: readonly FabricatedKeep[],
  options: { readonly killedEngine?: boolean } = {},
): Promise<KeptCampaign> {
  const directory = await mkdtemp(path.join(tmpdir(), 'assay-kept-'));
  const task = await loadTask(path.join(SHIPPED_TASKS, 'starter'));
  const folder = await createCampaign({ directory, name: 'kept', task, limits: { experiments: keeps.length } });
  const candidates: CandidateId[] = [];
  {
    await using store = await openSqliteStore(folder.log);
    await using repository = await openCandidateRepository(folder.candidates);
    const baseline = await repository.find(BASELINE_EXPERIMENT);
    if (!baseline) throw new Error('the campaign has no starting point');
    candidates.push(baseline);
    const events: AssayEvent[] = [
      {
        type: 'engine.started',
        pid: 4_000_000,
        host: hostname(),
        slots: 1,
        sandbox: 'bubblewrap',
        device: 'another machine',
        assayVersion: '0.1.0',
      },
    ];
    for (const [index, keep] of keeps.entries()) {
      const experiment = experimentId(index + 1);
      const parent = keep.parent ?? BASELINE_EXPERIMENT;
      const reference = candidates[Number(parent.slice(1))] ?? baseline;
      const program = (await repository.readFile(reference, 'train.py'))?.toString() ?? '';
      const changes = new Map([['train.py', keep.change(program)]]);
      const candidate = await repository.commitChange({
        parent: reference,
        changes,
        message: 'kept',
        at: 0,
        experiment,
      });
      candidates.push(candidate);
      events.push(
        ...keepEvents(experiment, parent, keep, { candidate, reference, tree: await repository.treeOf(candidate) }),
      );
    }
    if (options.killedEngine !== true) events.push({ type: 'engine.stopped', reason: 'finished' });
    await store.append(events);
  }
  return {
    directory,
    folder,
    candidates,
    records: async () => {
      await using store = await openSqliteStore(folder.log);
      const records: EventRecord[] = [];
      for await (const record of store.read()) records.push(record);
      return records;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

function keepEvents(
  experiment: ExperimentId,
  parent: ExperimentId,
  { claimedGain = 0.03, tree }: FabricatedKeep,
  made: { readonly candidate: CandidateId; readonly reference: CandidateId; readonly tree: string },
): readonly AssayEvent[] {
  return [
    {
      type: 'experiment.proposed',
      experiment,
      proposal: {
        operator: 'invent',
        proposer: 'scripted',
        parent,
        hypothesis: { kind: 'algorithmic', statement: `change ${experiment}`, rationale: 'it is said to help' },
        change: { type: 'files', files: { 'train.py': null } },
      },
    },
    {
      type: 'experiment.implemented',
      experiment,
      ...made,
      ...(tree === undefined ? {} : { tree }),
      filesChanged: 1,
      linesAdded: 1,
      linesRemoved: 1,
    },
    {
      type: 'experiment.concluded',
      experiment,
      verdict: {
        kind: 'keep',
        stage: 'confirm',
        reasons: ['confirmed'],
        evidence: {
          confirmPairs: 6,
          confirmMeanGain: claimedGain,
          confirmInterval: { low: claimedGain - 0.01, high: claimedGain + 0.01 },
          confirmP: 0.001,
          shrunkenGain: claimedGain,
        },
      },
    },
    { type: 'champion.changed', experiment, candidate: made.candidate, reason: 'it was kept' },
  ];
}

/** Trains four times as long, which helps by about 0.08. */
export function longer(program: string): string {
  return program.replace('STEPS = 200', 'STEPS = 800');
}

/** Changes nothing but the text. */
export function noOperation(program: string): string {
  return `${program}# nothing\n`;
}

export function crash(program: string): string {
  return program.replace('points = random', "raise SystemExit('no')\n    points = random");
}
