import { existsSync } from 'node:fs';
import type { CandidateRepository } from '../candidate/candidate-repository.ts';
import { UserError } from '../errors.ts';

/** The candidates of a campaign, for reading. @throws UserError `repository-missing`. */
export async function openRepository(directory: string): Promise<CandidateRepository> {
  if (!existsSync(directory)) {
    throw new UserError(
      'repository-missing',
      `the candidates' repository ${directory} is missing`,
      'restore it from a backup; numbers and verdicts are in the log and can be read without it',
    );
  }
  const { openCandidateRepository } = await import('../candidate/candidate-repository.ts');
  return openCandidateRepository(directory);
}
