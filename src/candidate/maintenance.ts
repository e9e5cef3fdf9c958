import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireGit, type RunGit } from './git-command.ts';

export interface MaintainOptions {
  /** Pack once about so many loose objects have gathered. A candidate with one changed file makes three. Default 6,000. */
  readonly looseObjects?: number;
}

export interface Maintenance {
  readonly packed: boolean;
  /** An estimate: the count of one folder of 256, times 256. */
  readonly looseObjects: number;
}

/**
 * Loose objects and refs become packs, in sizes that grow geometrically, so that each object is packed again only a few times in
 * its life: https://git-scm.com/docs/git-repack#Documentation/git-repack.txt---geometricltfactorgt
 *
 * Nothing is ever pruned: an object that no ref reaches stays.
 */
export async function maintain(git: RunGit, directory: string, options: MaintainOptions): Promise<Maintenance> {
  const sample = await readdir(join(directory, 'objects', '17')).catch(() => []);
  const looseObjects = sample.length * 256;
  if (looseObjects < (options.looseObjects ?? 6000)) return { packed: false, looseObjects };
  await requireGit(git, ['pack-refs', '--all', '--prune']);
  // One thread: trials are being timed on this machine.
  await requireGit(git, ['-c', 'pack.threads=1', 'repack', '-d', '-q', '--geometric=2']);
  return { packed: true, looseObjects };
}
