import { createHash } from 'node:crypto';
import { readFile, readdir, realpath } from 'node:fs/promises';
import { join, matchesGlob, relative, sep } from 'node:path';

import { systemErrorCode } from '../errors.ts';

/** What a file of a task is there for. A file can have several roles; it is listed once for each. */
export type FileRole = 'editable' | 'protected' | 'overlay' | 'pattern' | 'data-input' | 'requirements';

export interface TaskFile {
  /** From the task's folder, with '/'. */
  readonly path: string;
  readonly role: FileRole;
  readonly sha256: string;
  readonly content: Buffer;
  /** It is of the checkout that the task refers to, not of the task's own folder. */
  readonly ofCheckout?: true;
}

/** In a campaign's copy of a task: the files of the checkout as they were. It goes before the checkout itself. */
export const FROZEN_CHECKOUT = '.checkout';

/** Folders that hold no sources. */
const SKIPPED = new Set([
  '.git',
  '.hg',
  '.svn',
  'node_modules',
  '__pycache__',
  '.venv',
  '.assay',
  '.pytest_cache',
  '.ruff_cache',
  FROZEN_CHECKOUT,
]);

/** Paths of all files and links below a folder, sorted, with '/'. */
export async function listFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const visit = async (directory: string): Promise<void> => {
    for (const entry of await readdir(join(folder, directory), { withFileTypes: true })) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (!entry.isDirectory()) paths.push(path);
      else if (!SKIPPED.has(entry.name)) await visit(path);
    }
  };
  await visit('');
  return paths.toSorted();
}

export function matchesAny(path: string, globs: readonly string[]): boolean {
  return globs.some((glob) => path === glob || matchesGlob(path, glob));
}

export type FileContent = { readonly content: Buffer; readonly sha256: string } | { readonly mistake: string };

/** Reads a file of the task; a link that leaves the folder, leads nowhere, or is no file is a mistake in words. */
export async function readInside(folder: string, path: string): Promise<FileContent> {
  try {
    const real = await realpath(join(folder, path));
    const fromFolder = relative(await realpath(folder), real);
    if (fromFolder === '..' || fromFolder.startsWith(`..${sep}`))
      return { mistake: `a link to ${real}, outside the task's folder` };
    const content = await readFile(real);
    return { content, sha256: sha256(content) };
  } catch (error) {
    switch (systemErrorCode(error)) {
      case 'ENOENT':
        return { mistake: 'a link that leads nowhere' };
      case 'EISDIR':
        return { mistake: 'a folder' };
      case 'EACCES':
        return { mistake: 'a file that may not be read' };
      default:
        throw error;
    }
  }
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** JSON with sorted keys: equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
}
