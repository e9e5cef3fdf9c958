import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { promisify } from 'node:util';

import { describeError, systemErrorCode } from '../errors.ts';

/** What git says of a checkout. */
export interface CheckoutState {
  /** All 40 digits. Undefined: `problem` says why it is not known. */
  readonly commit?: string;
  /** Tracked files that are not as in the commit, sorted. Undefined: not known. */
  readonly changed?: readonly string[];
  readonly problem?: string;
}

/** Of a checkout that somebody else made: none of its programs may run, none of its files may change, its owner may be another. */
const READ_ONLY = ['--no-optional-locks', '-c', 'safe.directory=*', '-c', 'core.fsmonitor=false'];

/** Asks git for commit and changes without writing anything, not even git's own index. */
export async function readCheckoutState(folder: string): Promise<CheckoutState> {
  try {
    const top = (await git(folder, ['rev-parse', '--show-toplevel'])).trimEnd();
    if (realpathSync(top) !== realpathSync(folder))
      return { problem: `it is a folder within the checkout ${top}, not a checkout of its own` };
    const commit = (await git(folder, ['rev-parse', '--verify', 'HEAD^{commit}'])).trim();
    const status = await git(folder, ['status', '--porcelain=v1', '-z', '--untracked-files=no', '--no-renames']);
    const changed = status
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => line.slice(3));
    return { commit, changed: changed.toSorted() };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { problem: 'git is not installed' };
    const words = describeError(error)
      .split('\n')
      .find((line) => line.startsWith('fatal:'));
    return { problem: words?.replace('fatal: ', 'git says: ') ?? 'git can not read it' };
  }
}

async function git(folder: string, words: readonly string[]): Promise<string> {
  const { GIT_DIR: _directory, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...environment } = process.env;
  const { stdout } = await promisify(execFile)('git', ['-C', folder, ...READ_ONLY, ...words], {
    env: { ...environment, LC_ALL: 'C' },
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

/** Whether a commit is the one that was named, in full or by its first digits. */
export function isCommit(commit: string, named: string): boolean {
  return commit.startsWith(named) || named.startsWith(commit);
}
