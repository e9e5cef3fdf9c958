import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describeError, systemErrorCode, UserError } from '../errors.ts';

/**
 * Writes a file so that a reader finds the old one or the whole new one, never a part. Makes its folder.
 *
 * @throws UserError `disk-full`, `report-unwritable`.
 */
export async function writeAtomically(
  file: string,
  content: string | Uint8Array | AsyncIterable<string>,
): Promise<void> {
  const unfinished = `${file}.${process.pid}.unfinished`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const isWhole = typeof content === 'string' || content instanceof Uint8Array;
    await pipeline(Readable.from(isWhole ? [content] : content), createWriteStream(unfinished, { flush: true }));
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    if (systemErrorCode(error) === undefined) throw error;
    throw new UserError(
      systemErrorCode(error) === 'ENOSPC' ? 'disk-full' : 'report-unwritable',
      `can't write ${file}: ${describeError(error)}`,
      'make room, or give another folder with --out',
      { cause: error },
    );
  }
}
