import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describeError, systemErrorCode } from '../../errors.ts';
import {
  COMPILED_FOLDER,
  isCompiled,
  isHalfWritten,
  sourceOf,
  vouchedFor,
  type CompiledPair,
} from './compiled-files.ts';
import { readEntry, statOf, stateOf, stillHolds, UNREADABLE, type TreeEntry } from './tree-entry.ts';
import { turns, walk, type TreeManifest } from './tree-manifest.ts';

export interface CheckOptions {
  /** Interpreter that vouches for compiled files. */
  readonly python: string;
  /** Left out, as when the manifest was taken. */
  readonly except: ReadonlySet<string>;
  /** How many files are read again although their state says that nothing happened. */
  readonly sampled: number;
}

export interface TreeCheck {
  /** In words, in the order in which they were found: `changed: /path`. */
  readonly changes: readonly string[];
  /** Files whose state had changed and that were read again. */
  readonly readAgain: number;
  readonly sampled: number;
  /** Compiled files that were taken into the manifest or left it. */
  readonly compiled: number;
  /** The manifest is no longer what was saved: states or compiled files are new. */
  readonly isRefreshed: boolean;
}

/**
 * Holds a tree against its manifest. What has the state it had is taken as unchanged but for a sample; what has another is read again.
 * A folder is listed when its state is another, or by the sample.
 */
export async function checkTree(manifest: TreeManifest, options: CheckOptions): Promise<TreeCheck> {
  const check = new Check(manifest, options);
  await check.run();
  return check;
}

class Check implements TreeCheck {
  readonly changes: string[] = [];
  readAgain = 0;
  sampled = 0;
  compiled = 0;
  isRefreshed = false;
  readonly #manifest: TreeManifest;
  readonly #options: CheckOptions;
  /** Compiled files that are new or other than they were, as they were when they were met. */
  readonly #doubtful = new Map<string, TreeEntry>();
  /** Paths in `changes`. */
  readonly #changed = new Set<string>();
  readonly #toList = new Set<string>();
  /** Folders with a new state: kept only if nothing is wrong, else the next check would not list them and see nothing. */
  readonly #folders: TreeEntry[] = [];

  constructor(manifest: TreeManifest, options: CheckOptions) {
    this.#manifest = manifest;
    this.#options = options;
  }

  async run(): Promise<void> {
    const turn = turns();
    const { entries, roots } = this.#manifest;
    for (const entry of entries.values()) {
      this.#look(entry);
      await turn();
    }
    for (const root of roots) if (!entries.has(root)) this.#examineNew(root);
    this.#sample();
    this.#list();
    await this.#settleCompiled();
    if (this.changes.length === 0) for (const folder of this.#folders) this.#keep(folder);
  }

  #look(entry: TreeEntry): void {
    try {
      const stats = statOf(entry.path);
      if (stateOf(stats) === entry.state) return;
      const now = readEntry(entry.path, stats);
      if (now.kind === 'file') this.readAgain += 1;
      if (now.kind === 'folder') this.#toList.add(entry.path);
      const difference = differenceOf(entry, now);
      if (difference === undefined && now.kind === 'folder') this.#folders.push(now);
      else if (difference === undefined) this.#keep(now);
      else if (isCompiled(entry.path) && now.kind === 'file') this.#doubtful.set(entry.path, now);
      else this.#report(difference, entry.path);
    } catch (error) {
      this.#missing(entry, error);
    }
  }

  #missing(entry: TreeEntry, error: unknown): void {
    const isGone = ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '');
    if (isGone && isCompiled(entry.path)) {
      this.#manifest.entries.delete(entry.path);
      this.compiled += 1;
      this.isRefreshed = true;
    } else {
      this.#report(isGone ? 'removed' : `cannot be looked at (${describeError(error)})`, entry.path);
    }
  }

  #report(what: string, file: string): void {
    if (this.#changed.has(file)) return;
    this.#changed.add(file);
    this.changes.push(`${what}: ${file}`);
  }

  #keep(entry: TreeEntry): void {
    this.#manifest.entries.set(entry.path, entry);
    this.isRefreshed = true;
  }

  /** Against states that were forged: the same for each file and each folder, whatever its state says. */
  #sample(): void {
    const all = [...this.#manifest.entries.values()];
    const pools = [
      { pool: all.filter(({ kind, blocks }) => kind === 'file' && blocks === ''), count: this.#options.sampled },
      { pool: all.filter(({ blocks }) => blocks !== ''), count: Math.ceil(this.#options.sampled / 8) },
    ];
    for (const { pool, count } of pools) {
      for (const entry of chooseSome(pool, count)) this.#readAgain(entry);
    }
    const folders = all.filter(({ kind }) => kind === 'folder');
    for (const { path: folder } of chooseSome(folders, this.#options.sampled)) this.#toList.add(folder);
  }

  #readAgain(entry: TreeEntry): void {
    if (this.#changed.has(entry.path) || this.#doubtful.has(entry.path) || entry.content === UNREADABLE) return;
    this.sampled += 1;
    try {
      if (!stillHolds(entry, Math.random())) this.#report('changed behind its time stamps', entry.path);
    } catch (error) {
      this.#missing(entry, error);
    }
  }

  #list(): void {
    for (const folder of this.#toList) {
      try {
        for (const name of readdirSync(folder)) this.#examineNew(path.join(folder, name));
      } catch (error) {
        const entry = this.#manifest.entries.get(folder);
        if (entry) this.#missing(entry, error);
      }
    }
  }

  /** Whatever stands at a path that the manifest does not know. */
  #examineNew(top: string): void {
    if (this.#manifest.entries.has(top) || this.#options.except.has(top)) return;
    for (const found of walk(top, this.#options.except)) {
      const now = readEntry(found);
      if (now.kind === 'folder' && path.basename(found) === COMPILED_FOLDER) this.#folders.push(now);
      else if (now.kind === 'file' && sourceOf(found) !== undefined) this.#doubtful.set(found, now);
      else if (now.kind !== 'file' || !isHalfWritten(found)) {
        this.#report('added', found);
        // One is enough of a whole new folder.
        if (now.kind === 'folder') return;
      }
    }
  }

  async #settleCompiled(): Promise<void> {
    const { entries } = this.#manifest;
    const pairs = [...this.#doubtful.values()].flatMap((met): CompiledPair[] => {
      const source = entries.get(sourceOf(met.path) ?? '');
      if (source === undefined || this.#changed.has(source.path)) return [];
      const [compiled, text] = [contentOf(met), contentOf(source)];
      return compiled && text ? [{ file: met.path, compiled, source: text }] : [];
    });
    const vouched = await vouchedFor(this.#options.python, pairs);
    for (const [file, met] of this.#doubtful) {
      if (vouched.has(file)) {
        this.#keep(met);
        this.compiled += 1;
      } else {
        this.#report('compiled, but not from its source', file);
      }
    }
  }
}

function differenceOf(before: TreeEntry, now: TreeEntry): string | undefined {
  if (before.kind !== now.kind) return `a ${before.kind} became a ${now.kind}`;
  if (before.rights !== now.rights) return `its rights were ${before.rights} and are ${now.rights}`;
  if (before.content === now.content) return undefined;
  if (now.content === UNREADABLE) return 'no longer readable';
  return now.kind === 'link' ? `leads to ${now.content} instead of ${before.content}` : 'changed';
}

/** The bytes that an entry was made of; undefined if they are no longer there. */
function contentOf(entry: TreeEntry): Uint8Array | undefined {
  try {
    const content = readFileSync(entry.path);
    return createHash('sha256').update(content).digest('hex') === entry.content ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Some of a pool, each at most once. */
function chooseSome<Item>(pool: readonly Item[], count: number): readonly Item[] {
  if (pool.length <= count) return pool;
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(Math.random() * pool.length));
  return [...chosen].map((index) => pool[index] as Item);
}
