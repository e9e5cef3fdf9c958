import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { requireGit, type RunGit } from './git-command.ts';

/** Also for a person's own git commands in the repository: nothing is collected, rewritten or run behind our back. */
const CONFIGURATION = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	autocrlf = false
	logAllRefUpdates = false
	hooksPath = /dev/null
[gc]
	auto = 0
	pruneExpire = never
[maintenance]
	auto = false
[commit]
	gpgSign = false
[merge]
	directoryRenames = false
	conflictStyle = merge
[diff]
	renames = false
`;

/** Makes the repository if it is not there, and refuses what we cannot write to. */
export async function prepareRepository(directory: string, git: RunGit): Promise<void> {
  await requireVersion(git);
  const config = join(directory, 'config');
  if ((await readFile(config, 'utf8').catch(() => '')) !== CONFIGURATION) {
    await mkdir(directory, { recursive: true });
    const made = await git([
      'init',
      '--quiet',
      '--bare',
      '--object-format=sha1',
      '--template=',
      '--initial-branch=main',
    ]);
    const facts = await git(['rev-parse', '--is-bare-repository', '--show-object-format']);
    if (facts.stdout.toString() !== 'true\nsha1\n') throw unusable(directory, made.stderr + facts.stderr);
    const temporary = `${config}.${randomUUID()}`;
    await writeFile(temporary, CONFIGURATION);
    await rename(temporary, config);
  }
}

async function requireVersion(git: RunGit): Promise<void> {
  const words = (await requireGit(git, ['version'])).toString().trim();
  const [, major, minor] = /(\d+)\.(\d+)/.exec(words) ?? [];
  if (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 38)) return;
  throw new UserError('git-too-old', `${words} can't merge without a working tree`, 'install git 2.38 or newer');
}

function unusable(directory: string, words: string): UserError {
  return new UserError(
    'repository-unusable',
    `${directory} is not a bare git repository with SHA-1 hashes ${words.trim()}`.trim(),
    'give the campaign a folder of its own',
  );
}
