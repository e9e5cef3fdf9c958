import { isAbsolute, join, normalize } from 'node:path';
import type { Mount, PhaseRun, ProcessRun } from '../executor/executor.ts';
import type { PhaseStage } from '../domain/trial.ts';
import { UserError } from '../errors.ts';
import { expandPlaceholders } from '../task/placeholders.ts';
import { planTripwires } from './plan-tripwires.ts';
import {
  INSIDE,
  RESULT_FILE,
  exchangeFolder,
  phasesAt,
  type JudgePhase,
  type JudgePlaces,
  type JudgeProcess,
  type JudgeTask,
} from './judge-task.ts';

/** What starts a candidate and hosts its model; the rest of the package judges and is not shown to it. */
const CANDIDATE_MODULES = [
  '__init__.py',
  'bootstrap.py',
  'preload.py',
  'model_host.py',
  'protocol.py',
  'knobs.py',
  'kernel_build.py',
  'kernel_host.py',
  'kernel_loop.py',
  'kernel_protocol.py',
  'gpu_kernel_host.py',
  'gpu_kernel_inputs.py',
  'gpu_kernel_protocol.py',
  'gpu_kernel_reference.py',
  'gpu_kernel_schema.py',
  'gpu_kernel_sets.py',
  'gpu_kernel_share.py',
  'gpu_kernel_spans.py',
  'gpu_kernel_state.py',
  'run_folder.py',
  'sol_files.py',
  'sol_official.py',
  'sol_schema.py',
  'sol_solution.py',
  'autoresearch_host.py',
  'autoresearch_prepare.py',
  'autoresearch_protocol.py',
  'autoresearch_rows.py',
  'autoresearch_run.py',
  'profile_training.py',
  'speedrun_launch.py',
];

export interface PhasePlanInput {
  readonly task: JudgeTask;
  readonly places: JudgePlaces;
  readonly plan: { readonly stage: PhaseStage; readonly seed: number };
  /** Of the judge's own sampling. */
  readonly judgeSeed: number;
  /** Folder of the attempt on the host. */
  readonly directory: string;
}

/** The phases of one trial at its stage, each with exactly what its process may see. */
export function planPhases(input: PhasePlanInput): PhaseRun[] {
  const { memoryBytes, diskBytes, processes, outputBytes } = input.task.resources;
  return phasesAt(input.task, input.plan.stage).map((phase) => ({
    name: phase.name,
    ...planProcess(input, phase, phase),
    ...(phase.peer && { peer: planProcess(input, phase, phase.peer) }),
    timeoutSeconds: phase.timeoutSeconds,
    ...(phase.budget && { budget: phase.budget }),
    memoryBytes,
    ...(diskBytes !== undefined && { diskBytes }),
    processes,
    outputBytes,
  }));
}

function planProcess(input: PhasePlanInput, phase: JudgePhase, process: JudgeProcess): ProcessRun {
  const { task, places, plan } = input;
  const isJudge = process.trust === 'judge';
  const seed = String(isJudge ? input.judgeSeed : plan.seed);
  const values = {
    python: places.python,
    seed,
    workspace: INSIDE.workspace,
    output: INSIDE.output,
    ...(isJudge && { stage: plan.stage, result: `${INSIDE.result}/${RESULT_FILE}` }),
    ...(isJudge && task.folder !== undefined && { task: INSIDE.task }),
  };
  const expand = (text: string) => expandPlaceholders(text, values);
  const variables = { ...task.variables, ...process.variables };
  const mounts = planMounts(input, phase, process);
  return {
    command: process.command.map(expand),
    environment: {
      PATH: '/usr/bin:/bin',
      HOME: '/tmp',
      LANG: 'C.UTF-8',
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      ...Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, expand(text)])),
      // Last, so that no task can take these over by mistake.
      PYTHONPATH: INSIDE.assay,
      // The candidate must not shadow the judge's modules by a file in a folder that Python would search first.
      ...(isJudge && { PYTHONSAFEPATH: '1' }),
      [task.seedVariable]: seed,
      ...(process.output !== false && { ASSAY_OUTPUT: INSIDE.output }),
      ...(phase.exchange === true && { ASSAY_EXCHANGE: INSIDE.exchange }),
      ...(process.data[0] && { ASSAY_DATA: process.data[0].to }),
      ...(phase.budget && { ASSAY_BUDGET_SECONDS: String(phase.budget.limitSeconds) }),
      // A candidate must not know whether it is screened or confirmed.
      ...(isJudge && { ASSAY_STAGE: plan.stage }),
      ...(isJudge && task.substitutes !== undefined && { ASSAY_SUBSTITUTES: task.substitutes.join(',') }),
    },
    mounts,
    directory: isJudge ? INSIDE.result : INSIDE.workspace,
    ...(isJudge ? { trusted: true } : { tripwires: planTripwires(mounts) }),
  };
}

function planMounts(input: PhasePlanInput, phase: JudgePhase, process: JudgeProcess): Mount[] {
  const { task, places, directory } = input;
  const isJudge = process.trust === 'judge';
  return [
    ...places.pythonMounts,
    ...packageMounts(places, isJudge),
    // Beside assay_judge, where Python finds them by their own names.
    ...(isJudge ? [] : (task.substitutes ?? [])).map((name) => ({
      source: join(places.judgePackage, 'assay_substitutes', `${name}.py`),
      target: `${INSIDE.assay}/${name}.py`,
    })),
    ...process.data.map((mount) => dataMount(places, mount)),
    { source: join(directory, 'workspace'), target: INSIDE.workspace },
    ...(process.output === false ? [] : [outputMount(phase, directory)]),
    ...(phase.exchange === true
      ? [{ source: exchangeFolder(directory, phase), target: INSIDE.exchange, writable: true }]
      : []),
    ...(isJudge && task.folder !== undefined ? [{ source: task.folder, target: INSIDE.task }] : []),
    ...(isJudge ? [{ source: join(directory, 'result'), target: INSIDE.result, writable: true }] : []),
  ];
}

function outputMount(phase: JudgePhase, directory: string): Mount {
  return {
    source: join(directory, 'output'),
    target: INSIDE.output,
    ...(phase.trust === 'candidate' && { writable: true }),
  };
}

function packageMounts(places: JudgePlaces, isJudge: boolean): Mount[] {
  if (isJudge) return [{ source: places.judgePackage, target: INSIDE.assay }];
  return (places.candidateModules ?? CANDIDATE_MODULES).map((module) => ({
    source: join(places.judgePackage, 'assay_judge', module),
    target: `${INSIDE.assay}/assay_judge/${module}`,
  }));
}

function dataMount(places: JudgePlaces, mount: { readonly from: string; readonly to: string }): Mount {
  if (places.dataDirectory === undefined) {
    throw new UserError(
      'data-missing',
      `the task mounts its data at ${mount.to}, but none was prepared`,
      'prepare the data of the task first',
    );
  }
  const from = normalize(mount.from);
  if (isAbsolute(from) || from === '..' || from.startsWith('../')) {
    throw new UserError(
      'task-invalid',
      `the data '${mount.from}' lies outside the prepared data`,
      "name a folder within it, or '.'",
    );
  }
  return { source: join(places.dataDirectory, from), target: mount.to };
}
