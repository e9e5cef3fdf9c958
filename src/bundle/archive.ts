import { mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describeError, UserError } from '../errors.ts';
import { defaultCacheRoot } from '../task/environment/cache-root.ts';

/** A file in an archive: what is at `from`, or this text. */
export type ArchiveEntry = {
  /** With `/`, below the archive's one folder. */
  readonly to: string;
  readonly mode: number;
} & ({ readonly from: string } | { readonly text: string });

export interface Archive {
  readonly file: string;
  /** Compressed. */
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly sha256: string;
  /** Unpacked bytes by top folder. */
  readonly parts: Readonly<Record<string, number>>;
}

export const PLAIN_FILE = 0o644;
export const PROGRAM_FILE = 0o755;

const PACKER = fileURLToPath(new URL('../../python/assay_bundle/pack.py', import.meta.url));
const MEBIBYTE = 2 ** 20;

/** The files below a folder, in order. Links are followed; what is neither file nor folder is left out. */
export async function filesBelow(
  folder: string,
  to: string,
  accepts: (relative: string) => boolean = () => true,
): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  const visit = async (at: string, relative: string): Promise<void> => {
    for (const name of (await readdir(at)).sort()) {
      const [source, inner] = [path.join(at, name), relative === '' ? name : `${relative}/${name}`];
      if (!accepts(inner)) continue;
      const facts = await stat(source).catch(() => undefined);
      if (facts?.isDirectory()) await visit(source, inner);
      else if (facts?.isFile()) {
        const mode = (facts.mode & 0o077) === 0 ? facts.mode & 0o700 : facts.mode & 0o100 ? PROGRAM_FILE : PLAIN_FILE;
        entries.push({ from: source, to: `${to}/${inner}`, mode });
      }
    }
  };
  await visit(await realpath(folder), '');
  return entries;
}

/**
 * Writes the archive, whole or not at all. Same entries, same bytes.
 *
 * @param options.prefix the archive's one folder.
 * @throws UserError `bundle-too-large`, `bundle-exists`, `bundle-failed`.
 */
export async function writeArchive(
  entries: readonly ArchiveEntry[],
  options: { readonly file: string; readonly prefix: string; readonly maxBytes: number; readonly python: string },
): Promise<Archive> {
  const { file, prefix, maxBytes, python } = options;
  if (await stat(file).catch(() => undefined))
    throw new UserError('bundle-exists', `${file} exists`, 'give another name with --out, or remove it');
  const draft = `${file}.${process.pid}.part`;
  const cache = path.join(defaultCacheRoot(), 'bundles');
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const plan = JSON.stringify({ out: draft, prefix, cache, entries });
    const { stdout } = await execa(python, [PACKER], { input: plan });
    const packed = JSON.parse(stdout) as Omit<Archive, 'file'>;
    if (packed.bytes > maxBytes) throw tooLarge(packed, maxBytes);
    await rename(draft, file);
    return { file, ...packed };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const reason = describeError(error).trim().split('\n').at(-1);
    throw new UserError('bundle-failed', `the archive could not be written: ${reason}`, 'see that there is room', {
      cause: error,
    });
  } finally {
    await rm(draft, { force: true });
  }
}

function tooLarge({ bytes, parts }: Omit<Archive, 'file'>, maxBytes: number): UserError {
  const largest = Object.entries(parts)
    .sort(([, left], [, right]) => right - left)
    .slice(0, 4)
    .map(([name, size]) => `${name} ${mebibytes(size)}`);
  return new UserError(
    'bundle-too-large',
    `the archive would have ${mebibytes(bytes)}, more than ${mebibytes(maxBytes)}; the largest parts, unpacked: ${largest.join(', ')}`,
    'leave out wheels or data, or allow more with --max-size',
  );
}

export function mebibytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}
