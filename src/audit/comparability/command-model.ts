import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, UserError } from '../../errors.ts';
import type { AskModel } from './ask-model.ts';

export interface ModelCommand {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly [string, ...string[]];
  /** Names of environment variables that the program gets beside PATH and HOME: a key, say. */
  readonly variables: readonly string[];
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const LARGEST_ANSWER_BYTES = 64 * 1024;

/**
 * The program that the user has named in ASSAY_COMPARABILITY_COMMAND: words with spaces between them, quotes around words that hold
 * some, or a JSON list. ASSAY_COMPARABILITY_VARIABLES names what of the environment it gets; ASSAY_COMPARABILITY_SECONDS is its time.
 *
 * @returns undefined if none is named.
 * @throws UserError `comparability-command`
 */
export function modelCommandOf(environment: Readonly<Record<string, string | undefined>>): ModelCommand | undefined {
  const given = environment['ASSAY_COMPARABILITY_COMMAND']?.trim();
  if (given === undefined || given === '') return undefined;
  const [program, ...words] = wordsOf(given);
  if (program === undefined || program === '') throw mistake(`'${given}' names no program`);
  const seconds = environment['ASSAY_COMPARABILITY_SECONDS'];
  const timeoutMs = seconds === undefined || seconds === '' ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1000;
  if (!(timeoutMs > 0 && timeoutMs <= 3_600_000)) throw mistake(`ASSAY_COMPARABILITY_SECONDS is '${seconds}'`);
  const variables = (environment['ASSAY_COMPARABILITY_VARIABLES'] ?? '').split(/[\s,]+/).filter((name) => name !== '');
  return { command: [program, ...words], variables, timeoutMs };
}

function wordsOf(given: string): string[] {
  if (given.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(given);
      if (Array.isArray(list) && list.every((word) => typeof word === 'string')) return list;
    } catch {
      // Falls through: it is no list of words.
    }
    throw mistake(`'${given}' begins like a JSON list, but is no list of words`);
  }
  const words: string[] = [];
  for (const match of given.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)|(["'])/g)) {
    if (match[4] !== undefined) throw mistake(`'${given}' holds a quote that is not closed`);
    words.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  return words;
}

function mistake(message: string): UserError {
  return new UserError(
    'comparability-command',
    `the model's command cannot be used: ${message}`,
    'ASSAY_COMPARABILITY_COMMAND is a program that reads a prompt and prints an answer, such as: claude -p',
  );
}

/**
 * A model that is a program: it reads the prompt on its standard input and prints its answer. It runs in an empty folder of its own,
 * with PATH, HOME and the named variables, and is ended with all of its children when its time is over or it says too much.
 */
export function commandModel({ command, variables, timeoutMs }: ModelCommand, from = process.env): AskModel {
  return async ({ system, user }, signal) => {
    signal.throwIfAborted();
    const folder = await mkdtemp(join(tmpdir(), 'assay-question-'));
    try {
      return await answerOf({
        command,
        folder,
        environment: Object.fromEntries(
          ['PATH', 'HOME', ...variables].flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])),
        ),
        input: `${system}\n\n${user}\n`,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

function answerOf(options: {
  readonly command: readonly [string, ...string[]];
  readonly folder: string;
  readonly environment: Record<string, string | undefined>;
  readonly input: string;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { command, folder, environment, input, signal } = options;
  const [program, ...words] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd: folder,
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      // A group of its own, so that what it starts ends with it.
      detached: true,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let problem: string | undefined;
    const end = (why: string): void => {
      problem ??= why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
      child.stdout.destroy();
    };
    const stop = (): void => end(describeError(signal.reason));
    signal.addEventListener('abort', stop, { once: true });
    child.stdin.on('error', () => {}); // a program that does not read its question
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LARGEST_ANSWER_BYTES) end(`it said more than ${LARGEST_ANSWER_BYTES} bytes`);
      else chunks.push(chunk);
    });
    child.on('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(new Error(`it could not be started: ${describeError(error)}`));
    });
    child.on('exit', () => {
      // What it left running would keep its output open.
      setTimeout(() => end('its children went on'), 200).unref();
    });
    child.on('close', (code, killed) => {
      signal.removeEventListener('abort', stop);
      // Also when it ended well: nothing of it goes on.
      const answer = Buffer.concat(chunks).toString('utf8');
      if (problem === undefined && code !== 0) problem = `it ended with ${killed ?? code}`;
      end('');
      if (problem === undefined || problem === '') resolve(answer);
      else reject(new Error(problem));
    });
    child.stdin.end(input);
  });
}
