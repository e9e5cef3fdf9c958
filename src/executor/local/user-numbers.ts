import { readFileSync } from 'node:fs';

/** First number inside and how many, one mapping a line, as the kernel writes them: inside, outside, count. */
function holds(map: string, first: number, count: number): boolean {
  const next = map
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .find(([inside = Number.NaN, , length = 0]) => inside <= first && first < inside + length);
  if (!next) return false;
  const [inside = 0, , length = 0] = next;
  const covered = inside + length - first;
  return covered >= count || holds(map, first + covered, count - covered);
}

/**
 * Whether root may run processes as these users here. In a container that was started without root (`unshare -r`, rootless podman,
 * Apptainer) it often is the only user there is.
 *
 * @param files where the kernel says so; for tests.
 */
export function canBecome(first: number, count: number, files = '/proc/self'): boolean {
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(`${files}/${name}`, 'utf8');
    } catch {
      return undefined;
    }
  };
  const maps = [read('uid_map'), read('gid_map')];
  if (read('setgroups')?.trim() === 'deny') return false;
  return maps.every((map) => map === undefined || holds(map, first, count));
}
