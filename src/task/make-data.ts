import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describeError, UserError } from '../errors.ts';

export interface MadeData {
  readonly schema: 'assay.data.v1';
  readonly benchmark: string;
  readonly documents: Readonly<Record<string, number>>;
  readonly characters: Readonly<Record<string, number>>;
  readonly tokens: Readonly<Record<string, number>>;
  readonly leftOut: { readonly duplicates: number; readonly notText: number; readonly tooShort: number };
  readonly vocabulary: number;
  /** From upstream: part of every result that is measured on it. */
  readonly deviations: readonly string[];
  /** SHA-256 by path. */
  readonly files: Readonly<Record<string, string>>;
}

const PROGRAM = fileURLToPath(new URL('../../python/assay_data/make.py', import.meta.url));
/** Exit codes of the program. */
const NO_TORCH = 6;

/**
 * Own text as the data of a benchmark, whole or not at all.
 *
 * @param options.text absolute paths.
 * @throws UserError `data-exists`, `data-failed`, `python-packages`.
 */
export async function makeData(options: {
  readonly benchmark: 'autoresearch' | 'speedrun';
  readonly text: readonly string[];
  readonly out: string;
  readonly heldOut: number;
  readonly hidden: number;
  readonly tokenizerCharacters: number;
  readonly python: string;
}): Promise<MadeData> {
  const { benchmark, text, out, python } = options;
  if (await stat(out).catch(() => undefined))
    throw new UserError('data-exists', `${out} exists`, 'give another folder with --out');
  for (const each of text) {
    if (!(await stat(each).catch(() => undefined)))
      throw new UserError('data-missing', `there is no ${each}`, 'name files and folders with --text');
  }
  const draft = `${out}.making-${randomUUID().slice(0, 8)}`;
  try {
    await mkdir(path.dirname(out), { recursive: true });
    const shares = [`--held-out=${options.heldOut}`, `--hidden=${options.hidden}`];
    const words = [`--out=${draft}`, ...shares, `--tokenizer-characters=${options.tokenizerCharacters}`];
    const ended = await execa(python, ['-B', PROGRAM, benchmark, ...words, '--', ...text], { reject: false });
    if (ended.failed) throw failure(ended.exitCode, ended.stderr || ended.shortMessage || '', python);
    await rename(draft, out);
    return JSON.parse(ended.stdout) as MadeData;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      'data-failed',
      `the data could not be made: ${describeError(error)}`,
      'see that there is room',
      {
        cause: error,
      },
    );
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function failure(exitCode: number | undefined, words: string, python: string): UserError {
  const reason = words.trim().split('\n').at(-1) ?? '';
  if (exitCode === NO_TORCH)
    return new UserError('python-packages', `${reason} (${python})`, 'name one that has torch: --python <path>');
  return new UserError('data-failed', `the data could not be made: ${reason}`, 'give more text with --text');
}
