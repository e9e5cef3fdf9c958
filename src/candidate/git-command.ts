import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { UserError, systemErrorCode } from '../errors.ts';

/** Written into every commit, so that the same inputs give the same hash on every machine. */
export const IDENTITY = 'assay <assay@localhost>';

/** What a git command said. A non-zero exit code is data: several commands use it for an answer. */
export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface GitOptions {
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the repository. Never our own, where git could leave something. */
  readonly workingDirectory?: string;
}

/** Runs git on one repository, shut off from the configuration of the user and of the machine. */
export type RunGit = (args: readonly string[], options?: GitOptions) => Promise<GitAnswer>;

/**
 * The whole environment of every git process. GIT_DIR is given, so git neither searches for a repository nor asks who owns it.
 */
export function gitEnvironment(directory: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_DIR: directory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'assay',
    GIT_AUTHOR_EMAIL: 'assay@localhost',
    GIT_COMMITTER_NAME: 'assay',
    GIT_COMMITTER_EMAIL: 'assay@localhost',
  };
}

/** @returns a function that runs git on the repository in `directory`. It throws UserError `git-missing`, and only that. */
export function gitRunner(directory: string): RunGit {
  const base = gitEnvironment(directory);
  return async (args, options = {}) => {
    const result = await execa('git', args, {
      env: { ...base, ...options.environment },
      cwd: options.workingDirectory ?? (existsSync(directory) ? directory : tmpdir()),
      extendEnv: false,
      encoding: 'buffer',
      reject: false,
      stripFinalNewline: false,
      maxBuffer: 1 << 30,
      killDescendants: true,
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    });
    if (systemErrorCode(result.cause) === 'ENOENT') throw gitMissing(result.cause);
    return {
      exitCode: result.exitCode ?? 128,
      stdout: Buffer.from(result.stdout),
      stderr: Buffer.from(result.stderr).toString() || (result.shortMessage ?? ''),
    };
  };
}

/** @returns the standard output. @throws Error with git's own words if it exits with another code than 0. */
export async function requireGit(git: RunGit, args: readonly string[], options?: GitOptions): Promise<Buffer> {
  const answer = await git(args, options);
  if (answer.exitCode !== 0) {
    throw new Error(`git ${args[0]} ended with ${answer.exitCode}: ${answer.stderr.trim().slice(0, 2000)}`);
  }
  return answer.stdout;
}

export function gitMissing(cause: unknown): UserError {
  return new UserError(
    'git-missing',
    'git was not found; Assay keeps its candidates in a git repository',
    'install git 2.38 or newer (on Debian: apt install git) and see that `git --version` works',
    { cause },
  );
}
