import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';

/** A remembered answer that holds for as long as the files it was found from are the same. */
interface Stamp {
  readonly answer: unknown;
  /** Path to state of the file, as `fileState` gives it. */
  readonly watched: Readonly<Record<string, string>>;
}

/** The answer in a stamp file; undefined if there is none, it cannot be read, or something watched has changed. Costs stats only. */
export function readStamp(path: string): unknown {
  let stamp: Stamp;
  try {
    stamp = JSON.parse(readFileSync(path, 'utf8')) as Stamp;
  } catch {
    return undefined;
  }
  const isValid = Object.entries(stamp.watched).every(([watched, state]) => fileState(watched) === state);
  return isValid ? stamp.answer : undefined;
}

/** Writes a stamp in one step: a reader sees the old one or the new one, whole. */
export async function writeStamp(path: string, answer: unknown, watched: readonly string[]): Promise<void> {
  const stamp: Stamp = { answer, watched: Object.fromEntries(watched.map((file) => [file, fileState(file)])) };
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, JSON.stringify(stamp));
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Changes when a file is replaced or written, and when an entry is added to or removed from a folder. */
function fileState(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${stats.ino}:${stats.isDirectory() ? '' : stats.size}:${stats.mtimeMs}`;
}
