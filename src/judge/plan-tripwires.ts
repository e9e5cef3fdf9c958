import type { Mount } from '../executor/executor.ts';

/**
 * Where somebody looks who wants more than its task gives it: results, the judge's files, held-out data, keys of the machine, what others
 * keep.
 */
const PLACES = [
  '/result/result.json',
  '/task/task.yaml',
  '/data/held-out.bin',
  '/data/hidden/hidden.bin',
  '/root/.ssh/id_rsa',
  '/home/assay/.aws/credentials',
  '/var/cache/assay/index.bin',
] as const;

/** Decoys for a candidate's process: at every forbidden place where it sees nothing real. */
export function planTripwires(mounts: readonly Mount[]): readonly string[] {
  return PLACES.filter(
    (place) => !mounts.some((mount) => isWithin(place, mount.target) || isWithin(mount.target, place)),
  );
}

function isWithin(path: string, folder: string): boolean {
  const end = folder.endsWith('/') ? folder : `${folder}/`;
  return path === folder || path.startsWith(end);
}
