import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { UserError, describeError } from '../../errors.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Where the cache of root lies when nobody else can enter root's home: candidates run as another user. */
const ROOT_CACHE = '/var/cache/assay';

/** Folder for environments and prepared data: `$ASSAY_CACHE`, `$XDG_CACHE_HOME/assay` or `~/.cache/assay`. */
export function defaultCacheRoot(variables: Variables = process.env): string {
  const named = variables['ASSAY_CACHE'];
  if (named !== undefined && named !== '') return resolve(named);
  const cacheHome = variables['XDG_CACHE_HOME'];
  const folder =
    cacheHome !== undefined && cacheHome !== '' ? resolve(cacheHome, 'assay') : join(homedir(), '.cache', 'assay');
  return process.getuid?.() === 0 && !isOpenToOthers(folder) ? ROOT_CACHE : folder;
}

/**
 * Makes a folder of the cache that every user can enter, whatever the umask.
 *
 * @throws UserError naming the path and ASSAY_CACHE if it cannot be made or written.
 */
export async function makeCacheFolder(path: string): Promise<string> {
  try {
    // Asked first: on a pseudo file system such as /proc Node's recursive mkdir never comes back.
    accessSync(nearestExisting(path), constants.W_OK);
    refusePseudoFileSystem(path);
    const first = await mkdir(path, { recursive: true });
    for (const folder of first === undefined ? [] : foldersBetween(first, path)) await chmod(folder, 0o755);
    accessSync(path, constants.W_OK);
    return path;
  } catch (error) {
    throw new UserError(
      'cache-unwritable',
      `the cache ${path} cannot be written: ${describeError(error)}`,
      'Name another folder with the environment variable ASSAY_CACHE',
      { cause: error },
    );
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

function refusePseudoFileSystem(path: string): void {
  if (/^\/(proc|sys)(\/|$)/.test(path)) throw new Error('it lies on a file system that holds no files');
}

/** The folders from `outer` down to `inner`, both included. */
function foldersBetween(outer: string, inner: string): string[] {
  return inner === outer || inner.length <= outer.length ? [inner] : [...foldersBetween(outer, dirname(inner)), inner];
}

/** Whether every user can reach a path: all folders above it (that exist) may be entered by others. */
export function isOpenToOthers(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    const mode = statSync(folder, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o005) === 0) return false;
    if (dirname(folder) === folder) return true;
  }
}
