import { mkdtemp, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { describeError, UserError } from '../errors.ts';
import { type ArchiveEntry, PLAIN_FILE } from './archive.ts';

/**
 * Wheels to bring along.
 *
 * @param from a folder of them; true: what the task requires, fetched by pip for this machine's Python; false: none.
 * @throws UserError `package-wheels`.
 */
export async function wheelEntries(
  from: string | boolean,
  requirements: readonly string[],
  python: string,
  report: (message: string) => void,
): Promise<ArchiveEntry[]> {
  if (from === false) return [];
  const folder = from === true ? await fetchWheels(requirements, python, report) : from;
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.whl')).sort();
  if (names.length === 0)
    throw new UserError(
      'package-wheels',
      `there is no wheel in ${folder}`,
      'name a folder of .whl files: --wheels <folder>',
    );
  const entries: ArchiveEntry[] = [];
  for (const name of names) {
    const file = path.join(folder, name);
    if (!(await stat(file)).isFile()) continue;
    entries.push({ to: `wheels/${name}`, mode: PLAIN_FILE, from: file });
  }
  return entries;
}

async function fetchWheels(
  requirements: readonly string[],
  python: string,
  report: (message: string) => void,
): Promise<string> {
  if (requirements.length === 0)
    throw new UserError('package-wheels', 'the task requires no package', 'leave out --wheels');
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-wheels-'));
  report(`fetching wheels of ${requirements.join(', ')}`);
  try {
    await execa(python, ['-m', 'pip', 'download', '-q', '--only-binary=:all:', '-d', folder, ...requirements]);
  } catch (error) {
    const reason = describeError(error).trim().split('\n').at(-1);
    throw new UserError('package-wheels', `pip got no wheels: ${reason}`, 'fetch them yourself: --wheels <folder>', {
      cause: error,
    });
  }
  return folder;
}
