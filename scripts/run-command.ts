import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** `live` passes output on as it comes; `captured` keeps it. Default `captured`. */
  readonly output?: 'live' | 'captured';
}

export interface CommandEnd {
  /** The exit status; 128 plus the signal's number is not imitated: a killed command has 1. 127: it could not be started. */
  readonly exitCode: number;
  /** Standard output and standard error in the order they came; empty when live. */
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program without a shell. Never rejects: a program that cannot be started has exit code 127 and says why in its output. */
export function runCommand(command: readonly [string, ...string[]], options: CommandOptions = {}): Promise<CommandEnd> {
  const [program, ...args] = command;
  const startedAt = performance.now();
  const live = options.output === 'live';
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const end = (exitCode: number): void => {
      resolve({ exitCode, output, seconds: (performance.now() - startedAt) / 1000 });
    };
    child.on('error', (error) => {
      output += `${program}: ${error.message}\n`;
      end(127);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}
