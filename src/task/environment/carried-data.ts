import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';

/** Beside a folder of prepared data that came from another machine: the digest of what must be in it. */
export function carriedMark(directory: string): string {
  return `${directory}.carried`;
}

/** SHA-256 over the paths and contents of all files below a folder. */
export async function treeDigest(folder: string): Promise<string> {
  const digest = createHash('sha256');
  const visit = async (relative: string): Promise<void> => {
    const entries = await readdir(join(folder, relative), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) await visit(inner);
      else digest.update(JSON.stringify([inner, await fileDigest(join(folder, inner))]));
    }
  };
  await visit('');
  return digest.digest('hex');
}

export async function fileDigest(file: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file)) digest.update(chunk as Buffer);
  return digest.digest('hex');
}

/**
 * Whether prepared data was carried here and is what it was when it was packed.
 *
 * @throws UserError `data-damaged`.
 */
export async function isCarriedWhole(directory: string): Promise<boolean> {
  const expected = await readFile(carriedMark(directory), 'utf8').catch(() => undefined);
  if (expected === undefined || !existsSync(directory)) return false;
  if ((await treeDigest(directory)) === expected.trim()) return true;
  throw new UserError(
    'data-damaged',
    `the data in ${directory} is not what was packed`,
    'unpack the bundle again, or make it without data: it is then prepared here',
  );
}
