import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readlinkSync, readSync, type BigIntStats } from 'node:fs';

/** What a manifest knows of one file, folder or link. */
export interface TreeEntry {
  /** Absolute. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Permission bits, and owner and group as numbers: `644 0:0`. */
  readonly rights: string;
  /** Bytes; 0 of what is no file. */
  readonly size: number;
  /** SHA-256 of a file in hexadecimal, a link's target, else nothing. `unreadable`: we may not read it. */
  readonly content: string;
  /** Of a file that is larger than `BLOCK_BYTES`: the first 16 digits of each block's SHA-256, one after another. */
  readonly blocks: string;
  /** Inode, size, times of content and of inode, rights: what the kernel changes with every change. */
  readonly state: string;
}

/** Larger files are looked at by blocks of this size when a part of them is read again. */
export const BLOCK_BYTES = 4 * 2 ** 20;
const BLOCK_DIGITS = 16;
export const UNREADABLE = 'unreadable';

/** @throws a system error when the path is not there or may not be asked for. */
export function statOf(path: string): BigIntStats {
  return lstatSync(path, { bigint: true });
}

export function stateOf(stats: BigIntStats): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}:${stats.mode}`;
}

/** Reads the whole file: its hashes. Changes while it is read are found by the state, which is taken before. */
export function readEntry(path: string, stats: BigIntStats = statOf(path)): TreeEntry {
  const kind = kindOf(stats);
  const rights = `${(stats.mode & 0o7777n).toString(8)} ${stats.uid}:${stats.gid}`;
  const facts = { path, kind, rights, size: kind === 'file' ? Number(stats.size) : 0, state: stateOf(stats) };
  if (kind === 'link') return { ...facts, content: readlinkSync(path), blocks: '' };
  if (kind !== 'file') return { ...facts, content: '', blocks: '' };
  return { ...facts, ...hashesOf(path, facts.size > BLOCK_BYTES) };
}

function kindOf(stats: BigIntStats): TreeEntry['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

function hashesOf(path: string, isLarge: boolean): { content: string; blocks: string } {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return { content: UNREADABLE, blocks: '' };
  }
  try {
    const whole = createHash('sha256');
    const blocks: string[] = [];
    for (let size = BLOCK_BYTES; size === BLOCK_BYTES;) {
      size = readBlock(descriptor);
      const block = buffer.subarray(0, size);
      whole.update(block);
      if (isLarge && size > 0) blocks.push(digestOfBlock(block));
    }
    return { content: whole.digest('hex'), blocks: blocks.join('') };
  } catch {
    return { content: UNREADABLE, blocks: '' };
  } finally {
    closeSync(descriptor);
  }
}

/** Used by one synchronous reader at a time. */
const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);

/** Fills the buffer as far as the file goes. */
function readBlock(descriptor: number, position: number | null = null): number {
  let filled = 0;
  while (filled < buffer.length) {
    const at = position === null ? null : position + filled;
    const size = readSync(descriptor, buffer, filled, buffer.length - filled, at);
    if (size === 0) break;
    filled += size;
  }
  return filled;
}

function digestOfBlock(block: Uint8Array): string {
  return createHash('sha256').update(block).digest('hex').slice(0, BLOCK_DIGITS);
}

/** Reads a file's content again, of a large one only the block that `choice` (in [0, 1)) picks. False: not as it was. */
export function stillHolds(entry: TreeEntry, choice: number): boolean {
  if (entry.blocks === '') return readEntry(entry.path).content === entry.content;
  const index = Math.floor((choice * entry.blocks.length) / BLOCK_DIGITS);
  const descriptor = openSync(entry.path, 'r');
  try {
    const size = readBlock(descriptor, index * BLOCK_BYTES);
    const expected = entry.blocks.slice(index * BLOCK_DIGITS, (index + 1) * BLOCK_DIGITS);
    return digestOfBlock(buffer.subarray(0, size)) === expected;
  } finally {
    closeSync(descriptor);
  }
}
