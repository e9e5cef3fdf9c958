import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RecordPlace } from '../audit/environment/campaign-record.ts';
import { openIntegrity, type Integrity } from '../audit/environment/open-integrity.ts';
import { openCandidateRepository, type CandidateRepository } from '../candidate/candidate-repository.ts';
import type { SandboxKind } from '../domain/trial.ts';
import type { Executor, Slot } from '../executor/executor.ts';
import { ensureBubblewrap } from '../executor/local/ensure-bubblewrap.ts';
import { createLocalExecutor } from '../executor/local/create-local-executor.ts';
import { detectSlots } from '../executor/local/detect-slots.ts';
import type { Judge } from '../judge/judge.ts';
import { createTaskJudge } from '../judge/task-judge.ts';
import type { Report } from '../task/environment/environment.ts';
import { defaultCacheRoot } from '../task/environment/cache-root.ts';
import { prepareData } from '../task/environment/prepare-data.ts';
import { resolveEnvironment } from '../task/environment/resolve-environment.ts';
import type { Task } from '../task/task.ts';
import { trialAuditor } from './guards/session-guards.ts';
import { judgeTask } from './task-rules.ts';

/** What the user may say of the machine. */
export interface MachineOptions {
  /** Default: as many as the machine has room for. */
  readonly slots?: number;
  /** Exactly these slots, whatever the machine has: for measurements with more slots than cores. */
  readonly slotList?: readonly Slot[];
  readonly sandbox?: SandboxKind;
  /** Interpreter of the trials; see resolveEnvironment. */
  readonly python?: string;
  /** Steps of the set-up. */
  readonly report?: Report;
  /** Gives up the set-up: a download, a build, the preparation of data. */
  readonly signal?: AbortSignal;
}

/** All that runs trials of one task on this machine. */
export interface TrialParts extends AsyncDisposable {
  readonly repository: CandidateRepository;
  readonly executor: Executor;
  readonly judge: Judge;
  /** Absolute path of the trials' interpreter. */
  readonly python: string;
  readonly auditTrial: ReturnType<typeof trialAuditor>;
  /** Looks at what trials rely on. Slow the first time on a machine: it reads every file of the environment once. */
  openIntegrity(record?: RecordPlace, taskFolder?: string): Promise<Integrity>;
}

const OWN_PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const JUDGE_PACKAGE = fileURLToPath(new URL('../../python', import.meta.url));

/** Finds or builds the environment and the data, and opens what trials need. */
export async function openTrialParts(
  options: MachineOptions & {
    readonly task: Task;
    readonly start: string;
    /** Folder of the candidates' repository; made if missing. */
    readonly candidates: string;
    /** Folder of the attempts. */
    readonly attempts: string;
    readonly secret: Uint8Array;
  },
): Promise<TrialParts> {
  const { task } = options;
  const setUp = {
    ...(options.report ? { report: options.report } : {}),
    ...(options.python ? { python: options.python } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
  };
  const environment = await resolveEnvironment(task, setUp);
  const data = await prepareData(task, environment, setUp);
  await using opened = new AsyncDisposableStack();
  const repository = opened.use(await openCandidateRepository(options.candidates));
  const { cores, gpus } = task.spec.resources;
  const wishes = { coresPerSlot: cores, gpusPerSlot: gpus };
  const slots =
    options.slotList ?? (await detectSlots(options.slots === undefined ? wishes : { ...wishes, slots: options.slots }));
  if (options.sandbox !== 'process' && process.env['ASSAY_SANDBOX'] !== 'process') {
    const happened = await ensureBubblewrap();
    if (!happened.startsWith('bubblewrap is installed')) options.report?.({ message: happened, elapsedSeconds: 0 });
  }
  const executor = opened.use(
    await createLocalExecutor({
      root: options.attempts,
      slots,
      python: environment.python,
      hidden: [
        OWN_PACKAGE,
        path.dirname(path.resolve(options.attempts)),
        defaultCacheRoot(),
        task.folder,
        ...(data ? [data.directory] : []),
      ],
      ...(options.sandbox === undefined ? {} : { sandbox: options.sandbox }),
    }),
  );
  const judge = createTaskJudge({
    task: judgeTask(task, options.start),
    repository,
    secret: options.secret,
    python: environment.python,
    pythonMounts: environment.mounts,
    judgePackage: JUDGE_PACKAGE,
    ...(data ? { dataDirectory: data.directory } : {}),
  });
  const kept = opened.move();
  return {
    repository,
    executor,
    judge,
    python: environment.python,
    auditTrial: trialAuditor(task, options.start, executor.sandbox),
    openIntegrity: (record, taskFolder) =>
      openIntegrity({
        environment,
        judgePackage: JUDGE_PACKAGE,
        taskFolder: taskFolder ?? task.folder,
        ...(data ? { dataDirectory: data.directory } : {}),
        cacheRoot: defaultCacheRoot(),
        ...(record ? { record } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
