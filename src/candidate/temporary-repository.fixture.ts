import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CandidateId } from '../domain/ids.ts';
import { openCandidateRepository, type CandidateRepository, type FileContent } from './candidate-repository.ts';

/** A repository in a temporary folder, removed with it. For tests. */
export interface TemporaryRepository extends AsyncDisposable {
  readonly folder: string;
  readonly repository: CandidateRepository;
  commit(files: Readonly<Record<string, FileContent>>, ...parents: CandidateId[]): Promise<CandidateId>;
  change(parent: CandidateId, changes: Readonly<Record<string, FileContent | null>>): Promise<CandidateId>;
  /** Git's own check of every object. @returns what it says, empty when all is sound. */
  fsck(): string;
  git(...args: string[]): string;
}

export async function temporaryRepository(): Promise<TemporaryRepository> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-candidates-'));
  const repository = await openCandidateRepository(join(folder, 'candidates.git'));
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], GIT_DIR: repository.directory },
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const words = { message: 'a change', at: 1_700_000_000_000 };
  return {
    folder,
    repository,
    commit: (files, ...parents) => repository.commit({ files: new Map(Object.entries(files)), parents, ...words }),
    change: (parent, changes) =>
      repository.commitChange({ parent, changes: new Map(Object.entries(changes)), ...words }),
    fsck: () => git('fsck', '--strict', '--full', '--no-dangling', '--no-progress').replace(/^notice: .*\n/gm, ''),
    git,
    async [Symbol.asyncDispose]() {
      await repository[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
