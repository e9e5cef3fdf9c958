import { glob, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, matchesGlob, resolve } from 'node:path';

import type { TaskSpec } from '../schema.ts';
import type { Task } from '../task.ts';

export type DataFileSpec = NonNullable<NonNullable<TaskSpec['data']>['files']>[number];

/** What is there of one entry of `data: files:`. */
export interface FoundDataFiles {
  readonly entry: DataFileSpec;
  /** Where it is looked for: absolute, with its glob. */
  readonly place: string;
  /** Files and folders, sorted. Fewer than the entry's `atLeast`: some are missing. */
  readonly found: readonly DataFile[];
}

export interface DataFile {
  readonly path: string;
  /** Of a folder: all that is in it. */
  readonly bytes: number;
  /** Changes with the content; milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** What is there is enough in number and size. */
export function isEnough({ entry, found }: FoundDataFiles): boolean {
  return found.length >= entry.atLeast && bytesOf(found) >= (entry.atLeastBytes ?? 0);
}

/** Of all of them together. */
export function bytesOf(files: readonly DataFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Looks for the files of this machine that a task wants in its data. Reads none of them. */
export async function findDataFiles(task: Pick<Task, 'spec' | 'folder'>): Promise<FoundDataFiles[]> {
  const { data, source } = task.spec;
  // Data are not frozen with a campaign: they are where the checkout itself is.
  const base = source === undefined ? task.folder : resolve(task.folder, source.checkout);
  return Promise.all(
    (data?.files ?? []).map(async (entry) => {
      const place = entry.from.startsWith('~/') ? join(homedir(), entry.from.slice(2)) : resolve(base, entry.from);
      const found: DataFile[] = [];
      for await (const path of glob(place)) {
        if (entry.except === undefined || !matchesGlob(basename(path), entry.except)) found.push(await look(path));
      }
      return { entry, place, found: found.toSorted((left, right) => (left.path < right.path ? -1 : 1)) };
    }),
  );
}

async function look(path: string): Promise<DataFile> {
  const own = await stat(path);
  if (!own.isDirectory()) return { path, bytes: own.size, modifiedAt: own.mtimeMs };
  let [bytes, modifiedAt] = [0, own.mtimeMs];
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { size, mtimeMs } = await stat(join(entry.parentPath, entry.name));
    bytes += size;
    modifiedAt = Math.max(modifiedAt, mtimeMs);
  }
  return { path, bytes, modifiedAt };
}
