import type { SandboxKind } from '../domain/trial.ts';
import type { PhaseObservations } from './observations.ts';

/**
 * Runs attempts outside our process. The work is found again after a crash, never run twice: the engine records the token
 * before it submits, and asks `find(token)` when it comes back.
 */
export interface Executor extends AsyncDisposable {
  readonly slots: readonly Slot[];
  readonly sandbox: SandboxKind;
  /** The device in words, recorded with every number ("2 cores of Intel Xeon …"). */
  readonly device: string;
  /**
   * Idempotent: submitting a token that exists returns the existing handle.
   *
   * @throws UserError when the machine cannot start it (disk full, no permission); the attempt then does not exist.
   */
  submit(attempt: Attempt): Promise<AttemptHandle>;
  /** Undefined: no attempt with this token was ever started here. */
  find(token: string): Promise<AttemptHandle | undefined>;
  observe(handle: AttemptHandle): Promise<AttemptStatus>;
  /** Resolves when the attempt has ended (or is lost). Rejects only with the signal's reason. */
  ended(handle: AttemptHandle, signal?: AbortSignal): Promise<AttemptEnd>;
  /** Ends the whole process group; resolves when nothing of it is left. */
  cancel(handle: AttemptHandle): Promise<void>;
  /** Frees what the attempt left on disk except its record (result, exit, output). */
  clean(handle: AttemptHandle): Promise<void>;
}

export interface Slot {
  readonly index: number;
  /** CPU cores by number that belong to this slot alone. */
  readonly cores: readonly number[];
  /** GPUs by index. */
  readonly gpus: readonly number[];
}

/** One attempt of one trial: phases in order, each in a fresh sandbox; a failed phase ends it. */
export interface Attempt {
  /** Unique for ever; also the name of its folder. Letters, digits, dot, dash. */
  readonly token: string;
  readonly slot: number;
  readonly phases: readonly PhaseRun[];
}

/** A folder or file of the host that a process may see. Everything that is not listed is not there. */
export interface Mount {
  readonly source: string;
  /** Absolute path inside. */
  readonly target: string;
  readonly writable?: boolean;
}

export interface ProcessRun {
  /** argv; the program by absolute path or as `python3`-like name found on the inner PATH (/usr/bin:/bin). */
  readonly command: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** Working directory inside. */
  readonly directory: string;
  /**
   * Where decoys lie, files with made-up content that no honest program has a reason to open: absolute paths in no mount, at least one
   * folder deep. The first folder of each can be written to, a little. A sandbox that cannot show other files than the machine has none.
   */
  readonly tripwires?: readonly string[];
  /** Not the candidate's code: where the executor can, it runs as a user that no candidate's process runs as. */
  readonly trusted?: boolean;
}

export interface PhaseRun extends ProcessRun {
  readonly name: string;
  /**
   * A second process in its own sandbox, joined by two pipes: this phase's process writes to the peer's standard input at the
   * descriptor in ASSAY_PEER_OUT_FD and reads the peer's standard output at ASSAY_PEER_IN_FD. The peer ends with it.
   */
  readonly peer?: ProcessRun;
  /** Seconds from the start to the kill of the whole group, start-up included. */
  readonly timeoutSeconds: number;
  /**
   * The judge's clock. It starts when the process writes one byte to ASSAY_READY_FD (trusted code that runs before the
   * candidate's does so); the group is killed `limitSeconds + graceSeconds` later. A process that is killed so ended 'over-budget'.
   */
  readonly budget?: { readonly limitSeconds: number; readonly graceSeconds: number };
  readonly memoryBytes: number;
  /** Of what lies in the writable mounts (what lay there before included). Undefined: no limit. */
  readonly diskBytes?: number;
  readonly processes: number;
  /** Cap on what is kept of standard output and of standard error, each; the rest is read, counted and dropped. */
  readonly outputBytes: number;
}

/** How to find an attempt again. Plain data: it survives in the log. */
export interface AttemptHandle {
  readonly token: string;
  /** Where its record lies: `<phase>.out`, `<phase>.err`, and the writable mounts. */
  readonly directory: string;
}

export type AttemptStatus = { readonly state: 'running' } | { readonly state: 'ended'; readonly end: AttemptEnd };

export type PhaseEndReason =
  | 'exited'
  | 'signalled'
  | 'timeout'
  | 'over-budget'
  | 'out-of-memory'
  | 'over-disk'
  | 'cancelled'
  | 'not-started';

export interface PhaseEnd {
  readonly name: string;
  readonly reason: PhaseEndReason;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly wallSeconds: number;
  /** From the ready byte to the end. Undefined: no ready byte came. */
  readonly budgetSeconds?: number;
  readonly peakMemoryBytes?: number;
  readonly outputBytes: number;
  readonly outputTruncated: boolean;
  /** One sentence when the reason is not 'exited'. */
  readonly detail?: string;
  /** Absent in records of executors that observe nothing. */
  readonly observations?: PhaseObservations;
}

export type AttemptEnd =
  /** Every phase that was started ended; the last one says how. */
  | {
      readonly kind: 'finished';
      readonly slot: number;
      readonly phases: readonly PhaseEnd[];
      readonly sandbox: SandboxKind;
    }
  /** The supervisor or the machine went away; nothing is known of the outcome. */
  | { readonly kind: 'lost'; readonly detail: string };
