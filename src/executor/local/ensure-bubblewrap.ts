import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describeError } from '../../errors.ts';

const run = promisify(execFile);
const BUBBLEWRAP = '/usr/bin/bwrap';
const APT = '/usr/bin/apt-get';
const INSTALL_MILLISECONDS = 120_000;

/** Installs bubblewrap where that is possible without asking: as root on Debian and its kin. Says in one sentence what happened. */
export async function ensureBubblewrap(): Promise<string> {
  if (await isOnPath()) return 'bubblewrap is installed.';
  if (process.env['ASSAY_NO_INSTALL'] === '1')
    return 'bubblewrap is missing; ASSAY_NO_INSTALL=1 forbids to install it.';
  if (process.getuid?.() !== 0) return 'bubblewrap is missing; install it as root: apt-get install bubblewrap.';
  if (!(await exists(APT))) return "bubblewrap is missing; install it with this system's package manager.";
  try {
    await install();
    return 'bubblewrap was missing and has been installed.';
  } catch (error) {
    return `bubblewrap is missing and could not be installed (${describeError(error).split('\n')[0]}).`;
  }
}

async function install(): Promise<void> {
  const words = ['install', '-y', '--no-install-recommends', 'bubblewrap'];
  const options = { timeout: INSTALL_MILLISECONDS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  try {
    await run(APT, words, options);
  } catch {
    // A fresh image has no package lists.
    await run(APT, ['update'], options);
    await run(APT, words, options);
  }
}

/** Where the supervisor looks: `find_bubblewrap` of python/assay_judge/sandbox_command.py. */
async function isOnPath(): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  for (const file of [BUBBLEWRAP, ...folders.map((folder) => `${folder}/bwrap`)]) if (await exists(file)) return true;
  return false;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
