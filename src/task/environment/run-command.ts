export interface CommandOptions {
  readonly directory?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** Called with every line of output, as it comes. */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export type CommandEnd =
  | { readonly ok: true; readonly output: string }
  /** `lines`: the last ones it wrote. `reason`: one sentence. */
  | { readonly ok: false; readonly reason: string; readonly lines: readonly string[] };

const KEPT_LINES = 20;

/**
 * Runs a set-up command with our own environment and waits for it. A failure is data; only the signal throws.
 * What it writes can be read by everyone whatever our umask is, because candidates run as another user.
 */
export async function runCommand(
  command: readonly [string, ...string[]],
  options: CommandOptions,
): Promise<CommandEnd> {
  // Loaded on demand: with everything in the cache no command runs at all.
  const { execa } = await import('execa');
  const child = execa('/bin/sh', ['-c', 'umask 022; exec "$@"', 'sh', ...command], {
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    env: { PYTHONDONTWRITEBYTECODE: undefined, PYTHONHOME: undefined, PYTHONPATH: undefined, ...options.variables },
    timeout: options.timeoutSeconds * 1000,
    stdin: 'ignore',
    all: true,
    reject: false,
    killDescendants: true,
    forceKillAfterDelay: 2000,
  });
  if (options.onLine !== undefined) {
    for await (const line of child.iterable({ from: 'all' })) options.onLine(line);
  }
  const ended = await child;
  options.signal?.throwIfAborted();
  if (!ended.failed) return { ok: true, output: ended.stdout };
  const lines = ended.all
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-KEPT_LINES);
  const reason = ended.timedOut
    ? `it took longer than ${options.timeoutSeconds} s`
    : (ended.originalMessage ?? exitReason(ended.exitCode, ended.signal));
  return { ok: false, reason, lines };
}

function exitReason(exitCode: number | undefined, signal: string | undefined): string {
  return exitCode === undefined
    ? `it was ended by ${signal ?? 'an unknown cause'}`
    : `it ended with exit code ${exitCode}`;
}
