import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

export function temporaryFolder(): TemporaryFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'assay-store-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface SmallDisk extends TemporaryFolder {
  makeReadOnly(): void;
}

/** A file system of its own. Undefined where this user may not mount one. */
export function smallDisk(size: string): SmallDisk | undefined {
  const folder = temporaryFolder();
  const mount = (...args: string[]): void => void execFileSync('mount', [...args, folder.path], { stdio: 'pipe' });
  try {
    mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs');
  } catch {
    folder[Symbol.dispose]();
    return undefined;
  }
  return {
    path: folder.path,
    makeReadOnly: () => mount('-o', 'remount,ro'),
    [Symbol.dispose]: () => {
      // Lazy: a killed child may not be gone yet.
      execFileSync('umount', ['--lazy', folder.path], { stdio: 'pipe' });
      folder[Symbol.dispose]();
    },
  };
}
