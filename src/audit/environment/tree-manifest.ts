import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemErrorCode } from '../../errors.ts';
import { isCompiled } from './compiled-files.ts';
import { readEntry, statOf, type TreeEntry } from './tree-entry.ts';

/** Every file below some roots. */
export interface TreeManifest {
  /** Absolute paths of files and folders, none within another. One that is not there has no entry, and must not appear. */
  readonly roots: readonly string[];
  readonly entries: Map<string, TreeEntry>;
  /** SHA-256 over kind, rights, size, content and path of all entries but compiled ones (see `isCompiled`). */
  readonly digest: string;
}

/** Other work gets its turn after this many entries: a batch is checked while trials of another campaign may be served. */
const ENTRIES_A_TURN = 1000;

/**
 * Reads all of it. Folders of the roots that are named `except` are left out with all that is in them.
 *
 * @throws a system error when something is there and cannot be asked for.
 */
export async function takeManifest(roots: readonly string[], except: ReadonlySet<string>): Promise<TreeManifest> {
  const entries = new Map<string, TreeEntry>();
  const turn = turns();
  for (const root of roots) {
    for (const found of walk(root, except)) {
      entries.set(found, readEntry(found));
      await turn();
    }
  }
  return { roots, entries, digest: digestOf(entries) };
}

export function turns(): () => Promise<void> {
  let count = 0;
  return async () => {
    count += 1;
    if (count % ENTRIES_A_TURN === 0) await nextTurn();
  };
}

/** A path and all below it, each folder before what is in it. Nothing if it is not there. Links are not followed. */
export function* walk(root: string, except: ReadonlySet<string> = new Set()): Generator<string> {
  try {
    if (!statOf(root).isDirectory()) {
      yield root;
      return;
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  yield root;
  for (const name of readdirSync(root)) {
    const child = path.join(root, name);
    if (!except.has(child)) yield* walk(child, except);
  }
}

export function digestOf(entries: ReadonlyMap<string, TreeEntry>): string {
  const hash = createHash('sha256');
  const paths = [...entries.keys()].filter((each) => !isCompiled(each)).sort();
  for (const each of paths) {
    const { kind, rights, size, content } = entries.get(each) as TreeEntry;
    hash.update(`${JSON.stringify([each, kind, rights, size, content])}\n`);
  }
  return hash.digest('hex');
}
