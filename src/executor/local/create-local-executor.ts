import { createHash } from 'node:crypto';
import path from 'node:path';
import { UserError } from '../../errors.ts';
import type { SandboxKind } from '../../domain/trial.ts';
import type { Slot } from '../executor.ts';
import { makeFolder } from './attempt-record.ts';
import { describeDevice } from './describe-device.ts';
import { gpuPlacement, listGpus } from './gpus.ts';
import { Launcher } from './launcher.ts';
import { FIRST_TRUSTED_SLOT, LocalExecutor } from './local-executor.ts';
import { canBecome } from './user-numbers.ts';

export interface LocalExecutorOptions {
  /** Folder of the attempts, one folder each. Made when it is missing. */
  readonly root: string;
  readonly slots: readonly Slot[];
  /** Python 3.9 or later for the supervisors. The attempts' own interpreters are in their commands. */
  readonly python: string;
  /**
   * Default: bubblewrap where it works, else the weak one; ASSAY_SANDBOX can say otherwise. Asking for `bubblewrap` here or there
   * makes its absence an error.
   */
  readonly sandbox?: SandboxKind;
  /**
   * As root, slot n runs as user `uidBase` + n, what is trusted in it as that + 64. Engines that run side by side should not share users: a limit on processes counts
   * all of a user's. Default: from 20001 on, by the folder. Where there are no such users everything runs as root's one user.
   */
  readonly uidBase?: number;
  /**
   * Folders and files that no attempt may see even when they lie below `/usr`, which every sandbox shows. What is mounted from them
   * is seen all the same. The weak sandbox cannot hide anything.
   */
  readonly hidden?: readonly string[];
}

const FIRST_UID = 20_001;
/** As many as were always taken: numbers above 65535 are not there in some containers. */
const UID_BLOCKS = 256;
/** One of each slot for its candidates and one for its judge. */
const UIDS_IN_BLOCK = 2 * FIRST_TRUSTED_SLOT;

/**
 * Runs attempts on this machine. Several executors may use one folder one after another: each finds what the others started.
 *
 * @throws UserError when Python does not start, or when the wanted sandbox does not work here.
 */
export async function createLocalExecutor(options: LocalExecutorOptions): Promise<LocalExecutor> {
  const root = path.resolve(options.root);
  await makeFolder(root);
  const wanted = options.sandbox ?? sandboxFromEnvironment(process.env['ASSAY_SANDBOX']);
  const firstUser = options.uidBase ?? uidBaseOf(root);
  const uidBase = process.getuid?.() === 0 && canBecome(firstUser, UIDS_IN_BLOCK) ? firstUser : undefined;
  const usesGpus = options.slots.some((slot) => slot.gpus.length > 0);
  const gpus = usesGpus ? await listGpus() : [];
  const launcher = new Launcher(options.python, uidBase);
  const refusal = await launcher.ready;
  if (wanted === 'bubblewrap' && refusal !== undefined) {
    await launcher[Symbol.asyncDispose]();
    throw new UserError(
      'sandbox-missing',
      `The sandbox cannot be used: ${refusal}.`,
      'Install it (apt-get install bubblewrap), or accept the weak sandbox with ASSAY_SANDBOX=process.',
    );
  }
  const sandboxReason = wanted === 'process' ? 'the weak sandbox was asked for' : refusal;
  const settings = {
    root,
    slots: options.slots,
    python: options.python,
    sandbox: sandboxReason === undefined ? ('bubblewrap' as const) : ('process' as const),
    sandboxReason,
    device: describeDevice(options.slots, gpus),
    uidBase,
    hidden: (options.hidden ?? []).map((each) => path.resolve(each)),
    gpuPlacement: (slot: Slot) => gpuPlacement(slot, gpus),
  };
  return new LocalExecutor(settings, launcher);
}

/** The same for the same folder; for another one most likely another. */
function uidBaseOf(root: string): number {
  const block = createHash('sha256').update(root).digest().readUInt32BE(0) % UID_BLOCKS;
  return FIRST_UID + block * UIDS_IN_BLOCK;
}

function sandboxFromEnvironment(value: string | undefined): SandboxKind | undefined {
  if (value === undefined || value === '') return undefined;
  if (value === 'bubblewrap' || value === 'process') return value;
  throw new UserError(
    'sandbox-unknown',
    `ASSAY_SANDBOX is '${value}'.`,
    "Set it to 'bubblewrap' or 'process', or unset it.",
  );
}
