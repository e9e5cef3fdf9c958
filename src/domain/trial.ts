import type { AuditReport } from './audit.ts';
import type { CandidateId, ExperimentId, TrialId } from './ids.ts';

/** Why a trial is run. `final` re-measures the champion beside the starting point when a campaign ends. */
export type Stage = 'baseline' | 'screen' | 'replicate' | 'confirm' | 'final';

/** When a phase of a task runs: in trials, or to see where the time goes, which is no trial. */
export type PhaseStage = Stage | 'profile';

/** Whether a phase runs at a stage: one that names none runs in every trial; a profile is none, so its phases name it. */
export function runsAt(phase: { readonly stages?: readonly PhaseStage[] }, stage: PhaseStage): boolean {
  return phase.stages?.includes(stage) ?? stage !== 'profile';
}

/** A trial or a profile is given up when it was lost this many times. */
export const MAX_ATTEMPTS = 3;

/** Which side of a comparison a trial measures. */
export type Arm = 'candidate' | 'reference';

export interface TrialPlan {
  readonly trial: TrialId;
  /** The experiment that asked for this trial (it may measure the reference). */
  readonly experiment: ExperimentId;
  readonly candidate: CandidateId;
  readonly stage: Stage;
  readonly arm: Arm;
  /** Trials of one stage with the same pair number share their seed and are run close together. */
  readonly pair: number;
  /** Drawn from the campaign's secret; unknown to every candidate before the trial starts. */
  readonly seed: number;
}

export type FailureKind =
  | 'crash'
  | 'timeout'
  | 'out-of-memory'
  | 'invalid-metric'
  | 'build'
  | 'lost'
  | 'output-limit'
  | 'disk-full'
  /** An audit that had to report was silent, so what was measured counts for nothing. */
  | 'unguarded';

/** One check of the judge on the behaviour of the candidate (causality, normalization, …). */
export interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** What the judge measured. */
export interface Result {
  /** The task's objective, in the task's units. Always finite. */
  readonly value: number;
  /** Secondary numbers by name; always finite. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly checks: readonly Check[];
}

/** What the candidate printed about itself. Never used for a decision; kept to be compared with the result. */
export type Claim = Readonly<Record<string, number>>;

/** How strongly the candidate was confined. Recorded with every trial and said in every verdict that used a weak one. */
export type SandboxKind = 'bubblewrap' | 'process';

/** What every ended trial has, however it ended. Unknown is undefined, never 0. */
export interface TrialFacts {
  readonly wallSeconds?: number;
  /** Seconds on the judge's clock that the budgeted phase used. */
  readonly budgetSeconds?: number;
  readonly peakMemoryBytes?: number;
  readonly slot?: number;
  readonly sandbox?: SandboxKind;
  readonly phases?: Readonly<Record<string, number>>;
  readonly claim?: Claim;
  /** Seconds that the supervisor spent on looking at the processes. */
  readonly observeSeconds?: number;
  /** What every audit of the trial said. Absent in logs of versions that had none. */
  readonly audits?: readonly AuditReport[];
}

export type TrialOutcome =
  | { readonly status: 'succeeded'; readonly result: Result; readonly facts: TrialFacts }
  | {
      readonly status: 'failed';
      readonly failure: FailureKind;
      readonly reason: string;
      readonly checks?: readonly Check[];
      /** The judge saw behaviour that only a cheat (or a grave mistake) shows. */
      readonly suspected?: boolean;
      readonly facts: TrialFacts;
    }
  | { readonly status: 'cancelled'; readonly reason: string; readonly facts: TrialFacts };
