import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { UserError, describeError } from '../errors.ts';

/** A literal of a module-level constant; its counterpart is python/assay_judge/knobs.py. */
export interface Constant {
  /** `BETAS[1]` for an element. */
  readonly name: string;
  readonly kind: 'float' | 'integer' | 'boolean' | 'string';
  readonly value: number | boolean | string;
  /** From 1. */
  readonly line: number;
  /** Bytes of UTF-8, from 0. */
  readonly column: number;
  /** Bytes from the start of the file. */
  readonly start: number;
  readonly end: number;
  /** The literal as it stands in the file. */
  readonly text: string;
  /** The comment behind it on its line, or ''. */
  readonly comment: string;
}

export type ConstantsOfFile =
  | { readonly constants: readonly Constant[] }
  | { readonly error: string; readonly line: number };

const PROGRAM = join(import.meta.dirname, '../../python/assay_judge/knobs.py');
const TIMEOUT_MS = 20_000;
/** Files whose constants are remembered; the least recently used is forgotten. */
const REMEMBERED = 512;
const cache = new Map<string, ConstantsOfFile>();

/**
 * The constants of Python files, parsed and never run. One process for all files that were not seen before, none if all were.
 * A file that is no Python has an error instead.
 *
 * @param python absolute path of an interpreter of 3.10 or later
 */
export async function scanConstants(
  python: string,
  files: ReadonlyMap<string, string>,
): Promise<Map<string, ConstantsOfFile>> {
  const hashes = new Map([...files].map(([path, text]) => [path, createHash('sha256').update(text).digest('hex')]));
  const unknown = new Map([...files].filter(([path]) => !cache.has(hashes.get(path) ?? '')));
  if (unknown.size > 0) {
    const scanned = await runScan(python, unknown);
    for (const [path, result] of scanned) cache.set(hashes.get(path) ?? '', result);
  }
  const found = new Map<string, ConstantsOfFile>();
  for (const [path, hash] of hashes) {
    const result = cache.get(hash);
    if (result === undefined) continue;
    cache.delete(hash);
    cache.set(hash, result);
    found.set(path, result);
  }
  for (const oldest of cache.keys()) {
    if (cache.size <= REMEMBERED) break;
    cache.delete(oldest);
  }
  return found;
}

/** Remembers what is known of a text without a scan: an applied change of knobs, say. */
export function rememberConstants(text: string, constants: readonly Constant[]): void {
  cache.set(createHash('sha256').update(text).digest('hex'), { constants });
}

/** What is remembered of a text. */
export function recallConstants(text: string): ConstantsOfFile | undefined {
  return cache.get(createHash('sha256').update(text).digest('hex'));
}

async function runScan(python: string, files: ReadonlyMap<string, string>): Promise<Map<string, ConstantsOfFile>> {
  const frames = [...files].flatMap(([path, text]) => {
    const content = Buffer.from(text);
    return [Buffer.from(`${content.length} ${path.replaceAll('\n', ' ')}\n`), content];
  });
  const output = await feed(python, Buffer.concat(frames));
  const lines = output.trimEnd().split('\n');
  if (lines.length !== files.size) throw scanFailed(python, `it answered for ${lines.length} of ${files.size} files`);
  return new Map([...files.keys()].map((path, index) => [path, readAnswer(lines[index] ?? '')]));
}

function readAnswer(line: string): ConstantsOfFile {
  const answer = JSON.parse(line) as ConstantsOfFile;
  return 'error' in answer ? { error: answer.error, line: answer.line } : { constants: answer.constants };
}

function feed(python: string, input: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-I', '-S', PROGRAM, '-'], { env: {}, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    // A child that ends early closes the pipe; its exit code says why.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => reject(scanFailed(python, describeError(error))));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString('utf8'));
      else
        reject(
          scanFailed(
            python,
            Buffer.concat(errors).toString('utf8').trim().split('\n').at(-1) || `it ended with ${signal ?? code}`,
          ),
        );
    });
    child.stdin.end(input);
  });
}

function scanFailed(python: string, reason: string): UserError {
  return new UserError(
    'knobs-unreadable',
    `${python} could not read the constants of the task: ${reason}`,
    'Check that it is Python 3.10 or later',
  );
}
