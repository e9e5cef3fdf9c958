import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError, systemErrorCode } from '../../errors.ts';
import type { SandboxKind } from '../../domain/trial.ts';
import type { Attempt, AttemptEnd, AttemptHandle } from '../executor.ts';
import type { ProcessIdentity } from './process-liveness.ts';

/** What the supervisor reads beside the attempt itself. */
export interface Placement {
  /** User to run as; undefined: the one that the engine is. */
  readonly uid: number | undefined;
  /** User of the runs that are trusted. */
  readonly trustedUid: number | undefined;
  readonly cores: readonly number[];
  readonly sandbox: SandboxKind;
  /** Device files that the sandbox may use. */
  readonly devices: readonly string[];
  /** Absolute paths that a sealed program must not see where the system's folders would show them. */
  readonly hidden: readonly string[];
  /** Variables that belong to the slot; the attempt's own win. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The supervisor's claim on an attempt: exactly one can exist. */
export interface SupervisorRecord extends ProcessIdentity {
  readonly startedAt: number;
  readonly bootId: string;
}

const PHASE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const TOKEN = /^[A-Za-z0-9][A-Za-z0-9.-]{0,200}$/;

export function attemptDirectory(root: string, token: string): string {
  if (!TOKEN.test(token) || token.includes('..'))
    throw new TypeError(`Not a token of an attempt: ${JSON.stringify(token)}`);
  return path.join(root, token);
}

/** Others may pass through the folder, so that a sandbox's user reaches its mounts, but see none of the names in it. */
export async function makeFolder(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
}

/** Names of phases are names of files. */
export function checkPhases(attempt: Attempt): void {
  const names = attempt.phases.map((phase) => phase.name);
  const bad = names.find((name) => !PHASE_NAME.test(name));
  if (bad !== undefined) throw new TypeError(`Not a name of a phase: ${JSON.stringify(bad)}`);
  if (names.length === 0 || new Set(names).size < names.length)
    throw new TypeError('An attempt needs phases of different names.');
}

/** @throws UserError when the disk refuses. */
export async function writeAttempt(directory: string, attempt: Attempt, placement: Placement): Promise<void> {
  const target = path.join(directory, 'attempt.json');
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await makeFolder(directory);
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify({ ...attempt, ...placement, uid: placement.uid ?? null }));
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new UserError(
      'attempt-not-written',
      `Cannot write ${target} (${systemErrorCode(error) ?? 'unknown error'}).`,
      'Free some disk space or check the permissions of the folder, then start again: nothing is lost.',
      { cause: error },
    );
  }
}

/** Undefined: nobody ever began to supervise it. */
export async function readSupervisor(directory: string): Promise<SupervisorRecord | undefined> {
  return (await readJson(path.join(directory, 'supervisor.json'))) as SupervisorRecord | undefined;
}

/** Undefined: it has not ended, or its supervisor could not say how. */
export async function readEnd(directory: string): Promise<AttemptEnd | undefined> {
  return (await readJson(path.join(directory, 'exit.json'))) as AttemptEnd | undefined;
}

/** Why the supervisor gave up, in its own words. */
export async function readSupervisorError(directory: string): Promise<string | undefined> {
  const text = await readFile(path.join(directory, 'supervisor.err'), 'utf8').catch(() => undefined);
  return text?.trim().split('\n').at(-1);
}

/** Removes the folders of an attempt (workspaces, mounts); the plain files at its top are its record and stay. */
export async function removeWorkspaces(handle: AttemptHandle): Promise<void> {
  const entries = await readdir(handle.directory, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory());
  await Promise.all(
    folders.map((entry) => rm(path.join(handle.directory, entry.name), { recursive: true, force: true })),
  );
}

/** Whether the attempt was written so recently that its supervisor may still be about to claim it. */
export async function isFresh(directory: string, withinMilliseconds: number): Promise<boolean> {
  return stat(path.join(directory, 'attempt.json')).then(
    (found) => Date.now() - found.mtimeMs < withinMilliseconds,
    () => false,
  );
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
  return JSON.parse(text) as unknown;
}
