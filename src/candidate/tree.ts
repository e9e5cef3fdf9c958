import { UserError } from '../errors.ts';
import { decodeTree, encodeTree, makeObject, type FileMode, type GitObject, type TreeEntry } from './object-format.ts';
import type { ObjectStore } from './object-store.ts';
import { requirePath } from './path-rules.ts';

/** A file of a tree. */
export interface TreeFile {
  readonly path: string;
  readonly mode: FileMode;
  /** Hash of its blob. */
  readonly id: string;
}

/** What a path becomes: a blob by its hash, or nothing. Without a mode the file keeps its own; a new one is not executable. */
export type TreeChange = { readonly id: string; readonly mode?: FileMode } | null;

interface Node {
  change?: TreeChange;
  readonly children: Map<string, Node>;
}

/** Every file below the tree, in git's order. */
export async function listTree(store: ObjectStore, tree: string, prefix = ''): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  for (const entry of decodeTree(await store.read(tree, 'tree'))) {
    const path = prefix + entry.name;
    if (entry.mode === '40000') files.push(...(await listTree(store, entry.id, `${path}/`)));
    else files.push({ path, mode: entry.mode, id: entry.id });
  }
  return files;
}

/**
 * The tree that a change makes of another. Only folders on the way to a changed file are read.
 *
 * @param tree the tree to change; undefined for none.
 * @returns the new trees, inner ones first; the last is the root.
 * @throws UserError `candidate-path` for a path that is not allowed, is removed but not there, or is both a file and a folder.
 */
export async function changeTree(
  store: ObjectStore,
  tree: string | undefined,
  changes: ReadonlyMap<string, TreeChange>,
): Promise<GitObject[]> {
  const root: Node = { children: new Map() };
  for (const [path, change] of changes) {
    requirePath(path);
    let node = root;
    for (const part of path.split('/')) {
      let child = node.children.get(part);
      if (child === undefined) node.children.set(part, (child = { children: new Map() }));
      node = child;
    }
    node.change = change;
  }
  const trees: GitObject[] = [];
  const entries = await changeFolder(store, tree, root, '', trees);
  if (entries.length === 0) trees.push(makeObject('tree', Buffer.alloc(0)));
  return trees;
}

async function changeFolder(
  store: ObjectStore,
  tree: string | undefined,
  node: Node,
  prefix: string,
  trees: GitObject[],
): Promise<TreeEntry[]> {
  const before = tree === undefined ? [] : decodeTree(await store.read(tree, 'tree'));
  const entries = new Map(before.map((entry) => [entry.name, entry]));
  for (const [name, child] of node.children) {
    const path = prefix + name;
    if (child.change === null) {
      const existing = entries.get(name);
      if (existing === undefined) throw problem(`'${path}' is to be removed but is not there`);
      if (existing.mode === '40000') throw problem(`'${path}' is to be removed but is a folder`);
      entries.delete(name);
    }
    if (child.children.size > 0) await changeInside(store, entries, name, child, path, trees);
    if (!child.change) continue;
    const existing = entries.get(name);
    if (existing?.mode === '40000') throw problem(`'${path}' is a folder, so it can't be written as a file`);
    entries.set(name, { name, id: child.change.id, mode: child.change.mode ?? existing?.mode ?? '100644' });
  }
  const after = [...entries.values()];
  if (after.length > 0) trees.push(makeObject('tree', encodeTree(after)));
  return after;
}

async function changeInside(
  store: ObjectStore,
  entries: Map<string, TreeEntry>,
  name: string,
  child: Node,
  path: string,
  trees: GitObject[],
): Promise<void> {
  const existing = entries.get(name);
  if (existing !== undefined && existing.mode !== '40000')
    throw problem(`'${path}' is a file, so nothing can be put below it`);
  const inner = await changeFolder(store, existing?.id, child, `${path}/`, trees);
  if (inner.length === 0) entries.delete(name);
  else entries.set(name, { name, mode: '40000', id: (trees.at(-1) as GitObject).id });
}

function problem(message: string): UserError {
  return new UserError(
    'candidate-path',
    message,
    'a change lists each file once, by its path from the top of the task',
  );
}
