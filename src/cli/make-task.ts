import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describeError, systemErrorCode, UserError } from '../errors.ts';
import { taskFolder } from './find-task.ts';

/** The shipped task that a new one begins as. */
const STARTER = 'starter';

/**
 * Copies the starter task under a new name.
 *
 * @returns the files that were made, relative to `directory`.
 * @throws UserError if the folder holds something, or can't be written.
 */
export async function makeTask(directory: string, folder: string): Promise<readonly string[]> {
  const target = path.resolve(directory, folder);
  const name = path.basename(target);
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    throw new UserError(
      'usage-name',
      `'${name}' can't name a task`,
      'use small letters, digits and single dashes between them, beginning with a letter',
    );
  }
  try {
    await mkdir(target, { recursive: true });
    if ((await readdir(target)).length > 0) {
      throw new UserError('task-exists', `${target} is not empty`, 'give a new folder; nothing was changed');
    }
    await cp(taskFolder('/', STARTER), target, { recursive: true });
    const file = path.join(target, 'task.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^# yaml-language-server.*\n/, '').replace(/^name: .*$/m, `name: '${name}'`));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = systemErrorCode(error) === 'ENOSPC' ? 'disk-full' : 'campaign-unwritable';
    throw new UserError(code, `can't make ${target}: ${describeError(error)}`, 'give a folder that you may write', {
      cause: error,
    });
  }
  return (await readdir(target)).sort().map((entry) => path.join(path.relative(directory, target), entry));
}
