import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UserError } from '../../errors.ts';
import type { SandboxKind } from '../../domain/trial.ts';
import type { Attempt, AttemptEnd, AttemptHandle, AttemptStatus, Executor, Slot } from '../executor.ts';
import * as record from './attempt-record.ts';
import { Launcher, superviseCommand, supervisorEnvironment, type SupervisorExit } from './launcher.ts';
import { isProcessAlive, signalProcess } from './process-liveness.ts';
import { orAborted, pause } from './wait.ts';

export interface LocalSettings {
  readonly root: string;
  readonly slots: readonly Slot[];
  readonly python: string;
  readonly sandbox: SandboxKind;
  readonly sandboxReason: string | undefined;
  readonly device: string;
  /** The first slot's user; undefined: slots run as the engine's own user. */
  readonly uidBase: number | undefined;
  /** Absolute paths; see LocalExecutorOptions. */
  readonly hidden: readonly string[];
  /** Device files and variables of a slot's GPUs. */
  readonly gpuPlacement: (slot: Slot) => Pick<record.Placement, 'devices' | 'environment'>;
}

/** The second user of slot n is that of slot n of the candidates and this: the two never meet. */
export const FIRST_TRUSTED_SLOT = 64;
const LAUNCHES = 3;
const CLAIM_MILLISECONDS = 5000;
const CANCEL_MILLISECONDS = 30_000;
const POLL_MILLISECONDS = { first: 20, most: 250 };

/** Attempts as processes of this machine. The supervisors are nobody's children for long: they outlive this object. */
export class LocalExecutor implements Executor {
  readonly slots: readonly Slot[];
  readonly sandbox: SandboxKind;
  readonly device: string;
  /** Why the sandbox is the weak one; undefined: it is not. */
  readonly sandboxReason: string | undefined;
  readonly #settings: LocalSettings;
  #launcher: Launcher;
  readonly #submitting = new Map<string, Promise<AttemptHandle>>();
  /** Supervisors that our launcher started and that have not ended. */
  readonly #own = new Map<string, Promise<SupervisorExit>>();
  readonly #lost = new Map<string, Promise<AttemptEnd>>();

  /** Use createLocalExecutor. */
  constructor(settings: LocalSettings, launcher: Launcher) {
    this.#settings = settings;
    this.#launcher = launcher;
    this.slots = settings.slots;
    this.sandbox = settings.sandbox;
    this.sandboxReason = settings.sandboxReason;
    this.device = settings.device;
  }

  /** For tests: the process that starts supervisors. */
  get launcherPid(): number | undefined {
    return this.#launcher.pid;
  }

  /** The folder of an attempt: also before its submit, so that its mounts can be prepared in it. */
  directoryOf(token: string): string {
    return record.attemptDirectory(this.#settings.root, token);
  }

  submit(attempt: Attempt): Promise<AttemptHandle> {
    const submitting = this.#submitting.get(attempt.token) ?? this.#submit(attempt);
    this.#submitting.set(attempt.token, submitting);
    const forget = (): void => void this.#submitting.delete(attempt.token);
    submitting.then(forget, forget);
    return submitting;
  }

  async find(token: string): Promise<AttemptHandle | undefined> {
    const submitting = this.#submitting.get(token);
    if (submitting !== undefined) return submitting;
    const directory = this.directoryOf(token);
    if (this.#own.has(token) || (await record.readSupervisor(directory)) !== undefined) return { token, directory };
    return undefined;
  }

  async observe(handle: AttemptHandle): Promise<AttemptStatus> {
    const end = await record.readEnd(handle.directory);
    if (end !== undefined) return { state: 'ended', end };
    if (this.#own.has(handle.token)) return { state: 'running' };
    const supervisor = await record.readSupervisor(handle.directory);
    if (supervisor === undefined) {
      const isStarting = await record.isFresh(handle.directory, CLAIM_MILLISECONDS);
      return isStarting ? { state: 'running' } : { state: 'ended', end: await this.#lose(handle) };
    }
    if (await isProcessAlive(supervisor)) return { state: 'running' };
    // It may have written its last word between our two looks.
    return { state: 'ended', end: (await record.readEnd(handle.directory)) ?? (await this.#lose(handle)) };
  }

  async ended(handle: AttemptHandle, signal?: AbortSignal): Promise<AttemptEnd> {
    signal?.throwIfAborted();
    const own = this.#own.get(handle.token);
    if (own !== undefined) await orAborted(own, signal);
    for (let wait = POLL_MILLISECONDS.first; ; wait = Math.min(2 * wait, POLL_MILLISECONDS.most)) {
      const status = await this.observe(handle);
      if (status.state === 'ended') return status.end;
      await orAborted(pause(wait), signal);
    }
  }

  async cancel(handle: AttemptHandle): Promise<void> {
    const supervisor = await this.#supervisorOf(handle);
    if (supervisor === undefined) return;
    await signalProcess(supervisor, 'SIGTERM');
    const deadline = Date.now() + CANCEL_MILLISECONDS;
    for (let wait = 1; await isProcessAlive(supervisor); wait = Math.min(2 * wait, POLL_MILLISECONDS.first)) {
      if (Date.now() > deadline) await signalProcess(supervisor, 'SIGKILL');
      await pause(wait);
    }
    await this.#own.get(handle.token);
    if ((await record.readEnd(handle.directory)) === undefined) await this.#sweep(handle);
  }

  async clean(handle: AttemptHandle): Promise<void> {
    const status = await this.observe(handle);
    if (status.state === 'running') throw new Error(`Attempt ${handle.token} still runs: its workspace is in use.`);
    await record.removeWorkspaces(handle);
  }

  /** What runs goes on and can be found by the next executor on the same folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#launcher[Symbol.asyncDispose]();
  }

  async #submit(attempt: Attempt): Promise<AttemptHandle> {
    const { token } = attempt;
    const directory = this.directoryOf(token);
    const handle = { token, directory };
    if (this.#own.has(token) || (await record.readSupervisor(directory)) !== undefined) return handle;
    record.checkPhases(attempt);
    await record.writeAttempt(directory, attempt, this.#placement(attempt.slot));
    for (let launch = 1; launch <= LAUNCHES; launch += 1) {
      const started = await (await this.#livingLauncher()).start(token, directory);
      if (started !== undefined) {
        this.#own.set(token, started.exited);
        void started.exited.then(() => this.#own.delete(token));
        return handle;
      }
      // The launcher died. The supervisor's claim is exclusive, so asking another one can never run the attempt twice.
      if ((await record.readSupervisor(directory)) !== undefined) return handle;
    }
    throw new UserError(
      'launcher-died',
      'The process that starts attempts keeps dying.',
      'Check the memory of the machine.',
    );
  }

  #placement(index: number): record.Placement {
    const slot = this.slots.find((one) => one.index === index);
    if (slot === undefined) throw new TypeError(`There is no slot ${index}.`);
    const { uidBase, sandbox, hidden } = this.#settings;
    const uid = uidBase === undefined ? undefined : uidBase + index;
    const trustedUid =
      uid === undefined ? undefined : uid + Math.max(FIRST_TRUSTED_SLOT, ...this.slots.map((one) => one.index + 1));
    return { uid, trustedUid, cores: slot.cores, sandbox, hidden, ...this.#settings.gpuPlacement(slot) };
  }

  async #livingLauncher(): Promise<Launcher> {
    if (!this.#launcher.isAlive) this.#launcher = new Launcher(this.#settings.python, this.#settings.uidBase);
    await this.#launcher.ready;
    return this.#launcher;
  }

  /** Waits for the claim of one that was just started. Undefined: it has ended, or never began. */
  async #supervisorOf(handle: AttemptHandle): Promise<record.SupervisorRecord | undefined> {
    for (;;) {
      if ((await record.readEnd(handle.directory)) !== undefined) return undefined;
      const supervisor = await record.readSupervisor(handle.directory);
      if (supervisor !== undefined) return supervisor;
      if ((await this.observe(handle)).state === 'ended') return undefined;
      await pause(2);
    }
  }

  /** Nobody knows how it ended. What it left running is ended first, so that it disturbs nothing. */
  #lose(handle: AttemptHandle): Promise<AttemptEnd> {
    const known = this.#lost.get(handle.token);
    if (known !== undefined) return known;
    const losing = this.#describeLoss(handle);
    this.#lost.set(handle.token, losing);
    losing.catch(() => this.#lost.delete(handle.token));
    return losing;
  }

  async #describeLoss(handle: AttemptHandle): Promise<AttemptEnd> {
    await this.#sweep(handle);
    const words = await record.readSupervisorError(handle.directory);
    const detail =
      words === undefined ? 'The supervisor was killed, or the machine went down.' : `The supervisor failed: ${words}`;
    return { kind: 'lost', detail };
  }

  async #sweep(handle: AttemptHandle): Promise<void> {
    const [program, words] = superviseCommand(this.#settings.python, 'sweep', handle.directory);
    await promisify(execFile)(program, words, { env: supervisorEnvironment(), timeout: CANCEL_MILLISECONDS });
  }
}
