import { UserError } from '../../errors.ts';
import type { Interpreter } from './probe-interpreter.ts';
import type { CommandEnd } from './run-command.ts';

type Failure = Extract<CommandEnd, { ok: false }>;

const GIVE_PYTHON = 'or name an interpreter that has the packages: ASSAY_PYTHON=/path/to/python3';

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/No space left/i, 'Free some space, or name another folder with ASSAY_CACHE'],
  [
    /Temporary failure in name resolution|Connection (?:refused|reset|aborted|broken)|NewConnectionError|Max retries|Read timed out|ProxyError/i,
    `Check the network and pip's settings, ${GIVE_PYTHON}`,
  ],
  [
    /No matching distribution|Could not find a version/i,
    `Check the name and version in 'environment: requirements:' and pip's index, ${GIVE_PYTHON}`,
  ],
  [/Permission denied/i, 'Name a folder that you may write with ASSAY_CACHE'],
];

/** pip's last lines, and what they mean. */
export function installFailed({ reason, lines }: Failure): UserError {
  const hint =
    HINTS.find(([pattern]) => lines.some((line) => pattern.test(line)))?.[1] ??
    `Correct 'environment: requirements:' in task.yaml, ${GIVE_PYTHON}`;
  return new UserError(
    'environment-install',
    `pip could not install the task's packages: ${reason}\n${quote(lines)}`,
    hint,
  );
}

export function venvFailed(base: Interpreter, { reason, lines }: Failure): UserError {
  const needsPackage = lines.some((line) => line.includes('ensurepip'));
  const hint = needsPackage
    ? `sudo apt-get install python3-venv, ${GIVE_PYTHON}`
    : `Check the Python at ${base.executable}, ${GIVE_PYTHON}`;
  return new UserError(
    'environment-venv',
    `${base.executable} could not make a virtual environment: ${reason}\n${quote(lines)}`,
    hint,
  );
}

/** The last lines of a program, set in. */
export function quote(lines: readonly string[]): string {
  return lines
    .slice(-8)
    .map((line) => `  | ${line}`)
    .join('\n');
}
