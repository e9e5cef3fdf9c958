import { stripVTControlCharacters } from 'node:util';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Text of a candidate for a person's terminal or page: no control or direction-changing characters but line ends, and bounded. */
export function plainText(text: string, limit = 2000): string {
  const plain = stripVTControlCharacters(text)
    .replaceAll('\r', '\n')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) =>
      character === '\n' ? '\n' : character === '\t' ? ' ' : '',
    );
  return plain.length <= limit ? plain : `${plain.slice(0, limit)}…`;
}

/** The last lines that say anything. */
export function lastLines(text: string, count: number, limit = 2000): string {
  const lines = plainText(text, Number.POSITIVE_INFINITY)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const last = lines
    .slice(-count)
    .map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line.trimEnd()))
    .join('\n');
  return last.length <= limit ? last : `…${last.slice(-limit)}`;
}

/** The end of a plain file; undefined for anything else, so that a link or a pipe is neither followed nor waited for. */
export async function readEnd(path: string, bytes: number): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (file === undefined) return undefined;
  try {
    const facts = await file.stat();
    if (!facts.isFile()) return undefined;
    const length = Math.min(bytes, facts.size);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, facts.size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
