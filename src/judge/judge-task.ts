import { join } from 'node:path';
import type { Direction } from '../domain/events.ts';
import { runsAt, type PhaseStage } from '../domain/trial.ts';
import type { Mount } from '../executor/executor.ts';

/** Whose code runs in a process. `judge` may see held-out data and write the result; `candidate` may not. */
export type Trust = 'candidate' | 'judge';

export interface JudgeProcess {
  readonly trust: Trust;
  readonly command: readonly string[];
  /** `from`: within the prepared data ('.' for all of it). `to`: absolute path inside. */
  readonly data: readonly { readonly from: string; readonly to: string }[];
  readonly variables: Readonly<Record<string, string>>;
  /** Whether it sees /output. Default: yes. */
  readonly output?: boolean;
}

export interface JudgePhase extends JudgeProcess {
  readonly name: string;
  readonly budget?: {
    readonly limitSeconds: number;
    readonly graceSeconds: number;
    /** Seconds on a core that trusted code may use before the clock starts. Undefined: no limit. */
    readonly startUpSeconds?: number;
  };
  readonly timeoutSeconds: number;
  /** Run only at these stages; in every trial without it. */
  readonly stages?: readonly PhaseStage[];
  readonly peer?: JudgeProcess;
  /** Whether phase and peer share a folder that both may write, for what is too large for their pipes. Needs a peer. */
  readonly exchange?: boolean;
}

export interface Guard {
  readonly metric: string;
  readonly min?: number;
  readonly max?: number;
  readonly why?: string;
}

/** What the judge has to know of a task. */
export interface JudgeTask {
  readonly objective: { readonly metric: string; readonly direction: Direction };
  /** Laid into every workspace from here, never from a candidate's commit. */
  readonly protectedFiles: ReadonlyMap<string, Uint8Array>;
  /** Whether a candidate may have this file. A protected path is never editable, whatever this says. */
  readonly isEditable: (path: string) => boolean;
  readonly phases: readonly JudgePhase[];
  readonly resources: {
    readonly memoryBytes: number;
    readonly diskBytes?: number;
    readonly processes: number;
    readonly outputBytes: number;
  };
  readonly seedVariable: string;
  /** Two groups, name and number, or named groups, the numbers of one line. Default: `name: number` on a line of its own. */
  readonly claimPattern?: string;
  /** With named groups: only a line on which these two are equal counts. */
  readonly claimFinal?: readonly [string, string];
  /** Values of the metric that can be true. */
  readonly range: { readonly low?: number; readonly high?: number };
  readonly guards: readonly Guard[];
  /** Environment variables of every process. */
  readonly variables: Readonly<Record<string, string>>;
  /** Packages for which modules of ours stand in; each result names them. */
  readonly substitutes?: readonly string[];
  /** Absolute path of the task's folder, for `{task}` in a judge's command; it is mounted read-only at /task. */
  readonly folder?: string;
}

/** The machine's side: where the interpreter, the trusted package and the prepared data are. */
export interface JudgePlaces {
  /** Absolute path of the interpreter inside. */
  readonly python: string;
  readonly pythonMounts: readonly Mount[];
  /** Folder that holds `assay_judge`; at /assay inside. */
  readonly judgePackage: string;
  /** Modules of `assay_judge` that a candidate's process sees. Default: those that start and host it, none that judges. */
  readonly candidateModules?: readonly string[];
  /** Undefined: the task has no prepared data. */
  readonly dataDirectory?: string;
}

/** Paths inside the sandbox. */
export const INSIDE = {
  workspace: '/workspace',
  output: '/output',
  result: '/result',
  assay: '/assay',
  task: '/task',
  exchange: '/exchange',
} as const;

/** The file that a judge's process writes, in the folder mounted at /result. */
export const RESULT_FILE = 'result.json';

/** The phases of a trial at its stage; those that profile name that stage, every one of them. */
export function phasesAt(task: JudgeTask, stage: PhaseStage): readonly JudgePhase[] {
  return task.phases.filter((phase) => runsAt(phase, stage));
}

/** Host folder that a phase shares with its peer, fresh for each attempt and phase. @param directory of the attempt */
export function exchangeFolder(directory: string, phase: JudgePhase): string {
  return join(directory, 'exchange', phase.name);
}
