import path from 'node:path';
import { withLock } from '../../task/environment/build-lock.ts';
import { makeCacheFolder } from '../../task/environment/cache-root.ts';
import { checkTree, type CheckOptions, type TreeCheck } from './check-tree.ts';
import { loadManifest, saveManifest } from './manifest-file.ts';
import { takeManifest, type TreeManifest } from './tree-manifest.ts';

export interface TreePlace {
  readonly roots: readonly string[];
  readonly except: readonly string[];
  /** Where the manifest is kept between engines; undefined: it is taken anew by each. */
  readonly file?: string;
}

/** A manifest in use, or why there is none. */
export type Kept =
  | { readonly kind: 'manifest'; readonly manifest: TreeManifest; readonly isNew: boolean }
  | { readonly kind: 'damaged'; readonly detail: string };

/**
 * The manifest that is kept for a tree; taken and kept when there is none. Of several processes that come at once one takes it.
 * A damaged one is never replaced: who can damage it would only have to do that to have his files called the right ones.
 */
export async function keptManifest(place: TreePlace, signal?: AbortSignal): Promise<Kept> {
  const { file } = place;
  const except = new Set(place.except);
  if (file === undefined) return { kind: 'manifest', manifest: await takeManifest(place.roots, except), isNew: true };
  const known = read(file, place);
  if (known !== undefined) return known;
  await makeCacheFolder(path.dirname(file));
  const take = async (): Promise<Kept> => {
    const taken = read(file, place);
    if (taken !== undefined) return taken;
    const manifest = await takeManifest(place.roots, except);
    await saveManifest(file, manifest);
    return { kind: 'manifest', manifest, isNew: true };
  };
  return withLock(`${file}.lock`, take, { signal });
}

/** Takes it again, whatever was there, and keeps it. */
export async function retakeManifest(place: TreePlace, signal?: AbortSignal): Promise<Kept> {
  const take = async (): Promise<Kept> => {
    const manifest = await takeManifest(place.roots, new Set(place.except));
    if (place.file !== undefined) await saveManifest(place.file, manifest);
    return { kind: 'manifest', manifest, isNew: true };
  };
  return place.file === undefined ? take() : withLock(`${place.file}.lock`, take, { signal });
}

function read(file: string, { roots }: TreePlace): Kept | undefined {
  const loaded = loadManifest(file);
  if (loaded.kind === 'missing') return undefined;
  if (loaded.kind === 'damaged') return damaged(file, loaded.detail);
  const { manifest } = loaded;
  if (manifest.roots.join('\n') !== roots.join('\n')) return damaged(file, 'it is of other folders');
  return { kind: 'manifest', manifest, isNew: false };
}

function damaged(file: string, detail: string): Kept {
  return { kind: 'damaged', detail: `${file}: ${detail}. If you know why, remove it; it is then taken anew` };
}

/** Checks a tree; what was only refreshed (states, compiled files that were vouched for) is kept for the next engine. */
export async function checkKept(manifest: TreeManifest, place: TreePlace, options: CheckOptions): Promise<TreeCheck> {
  const check = await checkTree(manifest, options);
  const { file } = place;
  if (file !== undefined && check.isRefreshed && check.changes.length === 0) {
    await withLock(`${file}.lock`, async () => {
      // Another engine may have seen damage that we have not: what it left is not written over.
      if (loadManifest(file).kind === 'manifest') await saveManifest(file, manifest);
    });
  }
  return check;
}
