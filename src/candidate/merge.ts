import { requireGit, type RunGit } from './git-command.ts';
import { mergeHunks, type Hunk, type HunkConflict, type ResolvedHunk } from './merge-hunks.ts';
import { makeObject, type FileMode, type GitObject } from './object-format.ts';
import type { ObjectStore } from './object-store.ts';
import { changeTree, type TreeChange } from './tree.ts';
import type { CandidateId } from '../domain/ids.ts';

export interface ConflictFile {
  readonly path: string;
  /** In words: what each side did, and where. */
  readonly reason: string;
  /** Empty unless both sides changed the text of one file. */
  readonly hunks: readonly HunkConflict[];
}

/** A place that git called a conflict and that was combined all the same, because the changes do not overlap. */
export interface ResolvedPlace extends ResolvedHunk {
  readonly path: string;
}

export interface MergeConflict {
  readonly kind: 'conflict';
  readonly files: readonly ConflictFile[];
}

export type MergedTree =
  | {
      readonly kind: 'clean';
      readonly tree: string;
      /** The merge has exactly the files of one side: nothing was combined. */
      readonly equals?: 'ours' | 'theirs';
      /** Empty when git itself merged. Each deserves a look: text that fits together need not mean what either side meant. */
      readonly resolved: readonly ResolvedPlace[];
    }
  | MergeConflict;

export type Merge = (Extract<MergedTree, { kind: 'clean' }> & { readonly candidate: CandidateId }) | MergeConflict;

interface Stage {
  readonly mode: string;
  readonly id: string;
}

/** The versions of one path that git could not merge: 1 base, 2 ours, 3 theirs. */
type Stages = ReadonlyMap<number, Stage>;

export async function mergeTrees(
  git: RunGit,
  store: ObjectStore,
  ours: string,
  theirs: string,
  treeOf: (candidate: string) => Promise<string>,
): Promise<MergedTree> {
  const answer = await git([
    'merge-tree',
    '--write-tree',
    '-z',
    '--no-messages',
    '--allow-unrelated-histories',
    ours,
    theirs,
  ]);
  if (answer.exitCode !== 0 && answer.exitCode !== 1) {
    throw new Error(`git merge-tree ended with ${answer.exitCode}: ${answer.stderr.trim()}`);
  }
  const [gitTree = '', ...records] = answer.stdout.toString().split('\0');
  if (answer.exitCode === 0) return cleanMerge(gitTree, [], await treeOf(ours), await treeOf(theirs));
  const conflicts = readStages(records);
  const files: ConflictFile[] = [];
  const resolved: ResolvedPlace[] = [];
  const changes = new Map<string, TreeChange>();
  for (const [path, stages] of conflicts) {
    const merged = await mergeFile(git, store, path, stages);
    if ('reason' in merged) {
      files.push(merged);
      continue;
    }
    await store.write(merged.blob);
    changes.set(path, { id: merged.blob.id, mode: merged.mode });
    resolved.push(...merged.resolved.map((place) => ({ ...place, path })));
  }
  if (conflicts.size === 0) files.push({ path: '', reason: 'git reports a conflict without a file', hunks: [] });
  if (files.length > 0) return { kind: 'conflict', files };
  const trees = await changeTree(store, gitTree, changes);
  for (const tree of trees) await store.write(tree);
  return cleanMerge((trees.at(-1) as GitObject).id, resolved, await treeOf(ours), await treeOf(theirs));
}

function cleanMerge(tree: string, resolved: readonly ResolvedPlace[], ours: string, theirs: string): MergedTree {
  if (tree === ours) return { kind: 'clean', tree, resolved, equals: 'ours' };
  if (tree === theirs) return { kind: 'clean', tree, resolved, equals: 'theirs' };
  return { kind: 'clean', tree, resolved };
}

/** `<mode> <hash> <stage>\t<path>`, ended by an empty record. */
function readStages(records: readonly string[]): Map<string, Map<number, Stage>> {
  const files = new Map<string, Map<number, Stage>>();
  for (const record of records) {
    const match = /^(\d+) ([0-9a-f]+) ([123])\t(.*)$/s.exec(record);
    if (match === null) break;
    const [, mode = '', id = '', stage, path = ''] = match;
    const stages = files.get(path) ?? new Map<number, Stage>();
    files.set(path, stages.set(Number(stage), { mode, id }));
  }
  return files;
}

async function mergeFile(
  git: RunGit,
  store: ObjectStore,
  path: string,
  stages: Stages,
): Promise<
  ConflictFile | { readonly blob: GitObject; readonly mode: FileMode; readonly resolved: readonly ResolvedHunk[] }
> {
  const conflict = (reason: string, hunks: readonly HunkConflict[] = []): ConflictFile => ({ path, reason, hunks });
  const [base, ours, theirs] = [stages.get(1), stages.get(2), stages.get(3)];
  if (base === undefined && ours !== undefined && theirs !== undefined)
    return conflict('both sides added the file, with different content');
  if (base === undefined) return conflict('one side has a file where the other has a folder, or both renamed to it');
  if (ours === undefined && theirs === undefined) return conflict('the sides renamed the file to different names');
  if (ours === undefined) return conflict('removed (or renamed) by ours, changed by theirs');
  if (theirs === undefined) return conflict('changed by ours, removed (or renamed) by theirs');
  const mode = ours.mode === base.mode ? theirs.mode : ours.mode;
  if (mode !== '100644' && mode !== '100755') return conflict('not a plain file on every side');
  const ourHunks = await hunksBetween(git, base.id, ours.id);
  const theirHunks = await hunksBetween(git, base.id, theirs.id);
  if (ourHunks === undefined || theirHunks === undefined) return conflict('both sides changed a binary file');
  const [baseText, ourText, theirText] = await Promise.all(
    [base, ours, theirs].map((stage) => store.read(stage.id, 'blob')),
  );
  const merged = mergeHunks({
    base: baseText as Buffer,
    ours: { text: ourText as Buffer, hunks: ourHunks },
    theirs: { text: theirText as Buffer, hunks: theirHunks },
  });
  if (merged.kind === 'merged') return { blob: makeObject('blob', merged.text), mode, resolved: merged.resolved };
  const places = merged.conflicts.map(linesOf).join(', ');
  return conflict(`both sides changed ${places} of the common version`, merged.conflicts);
}

function linesOf({ firstLine, lastLine }: HunkConflict): string {
  return firstLine === lastLine ? `line ${firstLine}` : `lines ${firstLine} to ${lastLine}`;
}

/** The changed places without context, by git's own comparison. Undefined for binary files. */
async function hunksBetween(git: RunGit, from: string, to: string): Promise<Hunk[] | undefined> {
  const options = [
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    '--diff-algorithm=histogram',
    '-U0',
    '--inter-hunk-context=0',
  ];
  const output = (await requireGit(git, ['diff', ...options, from, to])).toString('latin1');
  if (/^Binary files /m.test(output) && !output.includes('\n@@ ')) return undefined;
  return [...output.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(
    ([, start, count = '1', newStart, newCount = '1']) => ({
      ...lineRange(Number(start), Number(count)),
      replacement: lineRange(Number(newStart), Number(newCount)),
    }),
  );
}

/** A range of no lines is named by the line before it, others by their first; both count from 1. */
function lineRange(start: number, count: number): { start: number; end: number } {
  const first = count === 0 ? start : start - 1;
  return { start: first, end: first + count };
}
