import { randomUUID } from 'node:crypto';
import type { Attempt, AttemptEnd, Executor, PhaseEnd, PhaseRun } from './executor.ts';

/** What the contract tests need of an adapter. */
export interface ExecutorUnderTest {
  readonly executor: Executor;
  /** Folder whose sub-folders the tests may mount; the attempts' folders lie in it. */
  readonly root: string;
  /** Another executor on the same state, as a restarted engine would make it. */
  restart(): Promise<Executor>;
  dispose(): Promise<void>;
}

export function newToken(): string {
  return `t-${randomUUID()}`;
}

/** A phase with generous limits that runs a program of Python. */
export function pythonPhase(source: string, changes: Partial<PhaseRun> = {}): PhaseRun {
  return phase(['python3', '-I', '-S', '-c', source], changes);
}

export function shellPhase(source: string, changes: Partial<PhaseRun> = {}): PhaseRun {
  return phase(['sh', '-c', source], changes);
}

export function phase(command: readonly string[], changes: Partial<PhaseRun> = {}): PhaseRun {
  return {
    name: 'main',
    command,
    environment: {},
    mounts: [],
    directory: '/tmp',
    timeoutSeconds: 30,
    memoryBytes: 512 * 2 ** 20,
    processes: 64,
    outputBytes: 100_000,
    ...changes,
  };
}

export function attemptOf(phases: readonly PhaseRun[], token = newToken()): Attempt {
  return { token, slot: 0, phases };
}

export async function runToEnd(
  executor: Executor,
  phases: readonly PhaseRun[],
  token = newToken(),
): Promise<readonly PhaseEnd[]> {
  const handle = await executor.submit(attemptOf(phases, token));
  return phasesOf(await executor.ended(handle));
}

export function phasesOf(end: AttemptEnd): readonly PhaseEnd[] {
  if (end.kind === 'lost') throw new Error(`The attempt was lost: ${end.detail}`);
  return end.phases;
}
