import { chmod, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ObjectStore } from './object-store.ts';
import { requirePath } from './path-rules.ts';
import type { TreeFile } from './tree.ts';

export interface CheckoutOptions {
  /** Which files; all without it. */
  readonly only?: (path: string) => boolean;
}

export async function layOut(
  store: ObjectStore,
  files: readonly TreeFile[],
  directory: string,
  options: CheckoutOptions,
): Promise<void> {
  const chosen = files.filter((file) => options.only?.(file.path) ?? true);
  await makeFolders(
    directory,
    chosen.map((file) => file.path),
  );
  await Promise.all(
    chosen.map(async (file) => {
      await writeNewFile(
        directory,
        file.path,
        await store.read(file.id, 'blob'),
        file.mode === '100755' ? 0o755 : 0o644,
      );
    }),
  );
}

/** Every folder that the paths need, readable by the other user that a sandbox may run as. */
export async function makeFolders(directory: string, paths: readonly string[]): Promise<void> {
  const folders = new Set<string>();
  for (const path of paths) {
    requirePath(path);
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  }
  await makeFolder(directory);
  for (const folder of [...folders].sort()) await makeFolder(join(directory, folder));
}

/** Fails if anything has that name, so a link is never followed. */
export async function writeNewFile(directory: string, path: string, content: Uint8Array, mode: number): Promise<void> {
  await using file = await open(join(directory, path), 'wx', mode);
  await file.writeFile(content);
  if ((mode & ~process.umask()) !== mode) await file.chmod(mode);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  if ((0o755 & process.umask()) !== 0) await chmod(path, 0o755);
}
