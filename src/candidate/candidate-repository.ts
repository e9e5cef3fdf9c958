import type { CandidateId, ExperimentId } from '../domain/ids.ts';
import { candidateId } from '../domain/ids.ts';
import { applyDiff, type AppliedDiff } from './apply-diff.ts';
import { readReference, writeReference } from './candidate-reference.ts';
import { layOut, type CheckoutOptions } from './checkout.ts';
import { Differ, type DiffStat } from './diff.ts';
import { gitRunner, type RunGit } from './git-command.ts';
import { maintain, type MaintainOptions, type Maintenance } from './maintenance.ts';
import { mergeTrees, type Merge, type MergedTree } from './merge.ts';
import {
  decodeCommit,
  encodeCommit,
  makeObject,
  type CommitFacts,
  type FileMode,
  type GitObject,
} from './object-format.ts';
import { ObjectStore } from './object-store.ts';
import { prepareRepository } from './prepare-repository.ts';
import { changeTree, listTree, type TreeChange, type TreeFile } from './tree.ts';

export type FileContent = string | Uint8Array;

/** What every commit says of itself. The same values on the same files and parents give the same hash, on any machine. */
export interface CommitWords {
  readonly message: string;
  /** Milliseconds since 1970, of an event and not of the clock: git keeps whole seconds. */
  readonly at: number;
  /** The experiment that keeps the candidate for ever, as `refs/candidates/<experiment>`. A second commit for it takes its place. */
  readonly experiment?: ExperimentId;
}

export interface CommitOptions extends CommitWords {
  /** The whole tree. */
  readonly files: ReadonlyMap<string, FileContent>;
  readonly parents?: readonly CandidateId[];
  readonly executable?: ReadonlySet<string>;
}

export interface CommitChangeOptions extends CommitWords {
  readonly parent: CandidateId;
  /** null removes a file. */
  readonly changes: ReadonlyMap<string, FileContent | null>;
}

export interface Commit extends CommitFacts {
  readonly candidate: CandidateId;
  readonly parents: readonly CandidateId[];
}

export interface RepositoryOptions {
  /** Memory for objects read or written lately. Default 8 MiB. */
  readonly cacheBytes?: number;
}

/**
 * Makes the repository if it is missing.
 *
 * @throws UserError `git-missing`, `git-too-old`, `repository-unusable`.
 */
export async function openCandidateRepository(
  directory: string,
  options: RepositoryOptions = {},
): Promise<CandidateRepository> {
  const git = gitRunner(directory);
  await prepareRepository(directory, git);
  return new CandidateRepository(directory, git, new ObjectStore(directory, options.cacheBytes ?? 8 * 1024 * 1024));
}

/** The candidates of a campaign: immutable commits in a bare git repository. Several processes may use it at once. */
export class CandidateRepository implements AsyncDisposable {
  readonly directory: string;
  readonly #git: RunGit;
  readonly #store: ObjectStore;
  readonly #differ: Differ;

  /** Use `openCandidateRepository`. */
  constructor(directory: string, git: RunGit, store: ObjectStore) {
    this.directory = directory;
    this.#git = git;
    this.#store = store;
    this.#differ = new Differ(directory);
  }

  /** @throws UserError `candidate-path` */
  async commit(options: CommitOptions): Promise<CandidateId> {
    const modes = (path: string): FileMode => (options.executable?.has(path) ? '100755' : '100644');
    const tree = await this.#writeTree(undefined, options.files, modes);
    return this.#writeCommit(tree, options.parents ?? [], options);
  }

  /** A candidate that differs from its parent in these files. A file keeps its mode. @throws UserError `candidate-path` */
  async commitChange(options: CommitChangeOptions): Promise<CandidateId> {
    const tree = await this.#writeTree(await this.treeOf(options.parent), options.changes);
    return this.#writeCommit(tree, [options.parent], options);
  }

  /** Every file by its path. The contents are shared: do not change them. */
  async readFiles(candidate: CandidateId, only?: (path: string) => boolean): Promise<Map<string, Buffer>> {
    const files = (await this.list(candidate)).filter((file) => only?.(file.path) ?? true);
    const contents = await Promise.all(files.map((file) => this.#store.read(file.id, 'blob')));
    return new Map(files.map((file, index) => [file.path, contents[index] as Buffer]));
  }

  /** Undefined: the candidate has no such file. */
  async readFile(candidate: CandidateId, path: string): Promise<Buffer | undefined> {
    const file = (await this.list(candidate)).find((entry) => entry.path === path);
    return file && this.#store.read(file.id, 'blob');
  }

  /** Paths, modes and blob hashes, in git's order. Equal hashes mean equal bytes. */
  async list(candidate: CandidateId): Promise<TreeFile[]> {
    return listTree(this.#store, await this.treeOf(candidate));
  }

  /**
   * Writes the files below a folder. Nothing there points back to the repository. The folder is made; a file that is there
   * already (or a link) is an error, never followed and never overwritten.
   */
  async checkout(candidate: CandidateId, directory: string, options: CheckoutOptions = {}): Promise<void> {
    await layOut(this.#store, await this.list(candidate), directory, options);
  }

  async show(candidate: CandidateId): Promise<Commit> {
    const facts = decodeCommit(await this.#store.read(candidate, 'commit'));
    return { ...facts, candidate, parents: facts.parents.map(candidateId) };
  }

  /** Hash of the candidate's tree: two candidates with the same files have the same. */
  async treeOf(candidate: CandidateId): Promise<string> {
    return (await this.show(candidate)).tree;
  }

  async parents(candidate: CandidateId): Promise<readonly CandidateId[]> {
    return (await this.show(candidate)).parents;
  }

  /** The candidate and its first parents, newest first. */
  async log(candidate: CandidateId, limit = Number.POSITIVE_INFINITY): Promise<Commit[]> {
    const commits: Commit[] = [];
    for (let next: CandidateId | undefined = candidate; next !== undefined && commits.length < limit;) {
      const commit = await this.show(next);
      commits.push(commit);
      next = commit.parents[0];
    }
    return commits;
  }

  /** Names a candidate after its experiment, which keeps it for ever. */
  keep(experiment: ExperimentId, candidate: CandidateId): Promise<void> {
    return writeReference(this.directory, experiment, candidate);
  }

  /** Undefined: the experiment has no candidate here. */
  find(experiment: ExperimentId): Promise<CandidateId | undefined> {
    return readReference(this.#git, this.directory, experiment);
  }

  /** For people: a unified diff; bytes that are not UTF-8 are shown as replacement characters. `stat`: a line a file. */
  async diff(from: CandidateId, to: CandidateId, options: { readonly stat?: boolean } = {}): Promise<string> {
    if (!options.stat) return (await this.exportPatch(from, to)).toString();
    const { files } = await this.diffStat(from, to);
    return files.map((file) => `${file.added ?? '-'}\t${file.removed ?? '-'}\t${file.path}\n`).join('');
  }

  async diffStat(from: CandidateId, to: CandidateId): Promise<DiffStat> {
    return this.#differ.stat(await this.treeOf(from), await this.treeOf(to));
  }

  /** A patch that `git apply` takes, binary files included. */
  async exportPatch(from: CandidateId, to: CandidateId): Promise<Buffer> {
    return this.#differ.patch(await this.treeOf(from), await this.treeOf(to));
  }

  /** Three-way combination; a conflict that git sees is tried again hunk by hunk. The commit has both as parents, `ours` first. */
  async merge(ours: CandidateId, theirs: CandidateId, words: CommitWords): Promise<Merge> {
    const merged = await this.mergeTree(ours, theirs);
    if (merged.kind === 'conflict') return merged;
    return { ...merged, candidate: await this.#writeCommit(merged.tree, [ours, theirs], words) };
  }

  /** What `merge` would give, without a commit. */
  mergeTree(ours: CandidateId, theirs: CandidateId): Promise<MergedTree> {
    return mergeTrees(this.#git, this.#store, ours, theirs, (candidate) => this.treeOf(candidate as CandidateId));
  }

  /** The files that a unified diff makes of the candidate, for `commitChange`. Never writes a candidate itself. */
  applyDiff(candidate: CandidateId, diff: FileContent): Promise<AppliedDiff> {
    return applyDiff(this.#git, this.#store, candidate, diff);
  }

  /** Packs objects and refs when enough loose ones have gathered. Safe beside commits, also of other processes. */
  maintain(options: MaintainOptions = {}): Promise<Maintenance> {
    return maintain(this.#git, this.directory, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#store[Symbol.asyncDispose](), this.#differ[Symbol.asyncDispose]()]);
  }

  /** Blobs first, then inner trees, then the root: killed at any point, nothing refers to what is not there. */
  async #writeTree(
    base: string | undefined,
    contents: ReadonlyMap<string, FileContent | null>,
    mode?: (path: string) => FileMode,
  ): Promise<string> {
    const blobs = new Map<string, GitObject>();
    const changes = new Map<string, TreeChange>();
    for (const [path, content] of contents) {
      if (content === null) {
        changes.set(path, null);
        continue;
      }
      // A copy: what the caller does with its buffer later must not reach the cache.
      const blob = makeObject('blob', Buffer.from(content as string));
      blobs.set(blob.id, blob);
      changes.set(path, mode === undefined ? { id: blob.id } : { id: blob.id, mode: mode(path) });
    }
    const trees = await changeTree(this.#store, base, changes);
    await Promise.all([...blobs.values()].map((blob) => this.#store.write(blob)));
    for (const tree of trees) await this.#store.write(tree);
    return (trees.at(-1) as GitObject).id;
  }

  async #writeCommit(tree: string, parents: readonly CandidateId[], words: CommitWords): Promise<CandidateId> {
    const commit = makeObject('commit', encodeCommit({ tree, parents, message: words.message, at: words.at }));
    const candidate = candidateId(commit.id);
    await this.#store.write(commit);
    if (words.experiment !== undefined) await writeReference(this.directory, words.experiment, candidate);
    return candidate;
  }
}
