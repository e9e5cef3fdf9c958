import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from './run-command.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const REQUIREMENTS = path.join(ROOT, 'python', 'requirements-dev.txt');
const STAMP = 'assay-environment.stamp';

/** A Python that can run the Python tests and the trials of the integration tests. */
export interface PythonEnvironment {
  readonly python: string;
  /** False: a stand-in, because the pinned packages could not be installed. */
  readonly pinned: boolean;
}

/** Where the environment lies when it is built. */
export const PYTHON_ENVIRONMENT = path.join(ROOT, '.cache', 'python');

/**
 * The environment of the tests, built on the first call and again when the requirements or the interpreter change.
 *
 * @returns undefined if it can't be built and no Python of this machine has what the tests need; why is printed.
 */
export async function ensurePythonEnvironment(): Promise<PythonEnvironment | undefined> {
  const python = path.join(PYTHON_ENVIRONMENT, 'bin', 'python');
  const base = await findBasePython();
  if (base !== undefined) {
    const stamp = createHash('sha256')
      .update(await readFile(REQUIREMENTS))
      .update(`\n${base.program} ${base.version} ${PYTHON_ENVIRONMENT}`)
      .digest('hex');
    if (await hasStamp(PYTHON_ENVIRONMENT, stamp)) return { python, pinned: true };
    const failure = await build(base.program, stamp);
    if (failure === undefined) return { python, pinned: true };
    process.stderr.write(`python: the pinned environment could not be built (offline?):\n${lastLines(failure, 6)}\n`);
  } else {
    process.stderr.write('python: no Python 3.11 or newer with the venv module was found (Debian: python3-venv).\n');
  }
  return findStandIn([python, '/usr/bin/python3', 'python3']);
}

/** Ruff alone, for `npm run check` on a machine where no test has run yet. Undefined: not installable; why is printed. */
export async function ensureRuff(): Promise<string | undefined> {
  for (const folder of ['python', 'ruff-venv']) {
    const ruff = path.join(ROOT, '.cache', folder, 'bin', 'ruff');
    if (existsSync(ruff)) return ruff;
  }
  const base = await findBasePython();
  const pin = /^ruff==.*$/m.exec(await readFile(REQUIREMENTS, 'utf8'))?.[0];
  if (base === undefined || pin === undefined) return undefined;
  const folder = path.join(ROOT, '.cache', 'ruff-venv');
  const failure =
    (await failureOf([base.program, '-m', 'venv', '--clear', folder])) ??
    (await failureOf([path.join(folder, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', pin]));
  if (failure === undefined) return path.join(folder, 'bin', 'ruff');
  await rm(folder, { recursive: true, force: true });
  process.stderr.write(`ruff could not be installed (offline?):\n${lastLines(failure, 4)}\n`);
  return undefined;
}

/**
 * The system's Python first: the sandbox runs trials as another user, who cannot reach an interpreter in somebody's home.
 */
async function findBasePython(): Promise<{ program: string; version: string } | undefined> {
  const probe =
    'import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.executable, sys.version.split()[0])';
  for (const candidate of ['/usr/bin/python3', 'python3', 'python']) {
    const end = await runCommand([candidate, '-c', probe]);
    const [program, version] = end.output.trim().split(' ');
    if (end.exitCode === 0 && program !== undefined && version !== undefined) return { program, version };
  }
  return undefined;
}

/** @returns what went wrong, or undefined. An older environment in its place stays usable when the build fails. */
async function build(basePython: string, stamp: string): Promise<string | undefined> {
  const old = `${PYTHON_ENVIRONMENT}.old`;
  process.stderr.write(
    'python: building the test environment in .cache/python (once; torch is large, about two minutes) …\n',
  );
  await mkdir(path.dirname(PYTHON_ENVIRONMENT), { recursive: true });
  await rm(old, { recursive: true, force: true });
  if (existsSync(PYTHON_ENVIRONMENT)) await rename(PYTHON_ENVIRONMENT, old);
  const python = path.join(PYTHON_ENVIRONMENT, 'bin', 'python');
  const failure =
    (await failureOf([basePython, '-m', 'venv', PYTHON_ENVIRONMENT])) ??
    (await failureOf([
      python,
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--requirement',
      REQUIREMENTS,
    ]));
  if (failure === undefined) {
    await writeFile(path.join(PYTHON_ENVIRONMENT, STAMP), stamp);
  } else {
    await rm(PYTHON_ENVIRONMENT, { recursive: true, force: true });
    if (existsSync(old)) await rename(old, PYTHON_ENVIRONMENT);
  }
  await rm(old, { recursive: true, force: true });
  return failure;
}

async function findStandIn(candidates: readonly string[]): Promise<PythonEnvironment | undefined> {
  for (const candidate of candidates) {
    const end = await runCommand([
      candidate,
      '-c',
      'import sys, torch, numpy, pytest; print(sys.executable, torch.__version__)',
    ]);
    if (end.exitCode !== 0) continue;
    const [python = candidate, version] = end.output.trim().split(' ');
    process.stderr.write(
      `python: using ${python} with torch ${version} instead; numbers may differ from the pinned ones.\n`,
    );
    return { python, pinned: false };
  }
  process.stderr.write('python: no Python here has torch, numpy and pytest: tests that need them are skipped.\n');
  return undefined;
}

async function hasStamp(folder: string, stamp: string): Promise<boolean> {
  try {
    return (await readFile(path.join(folder, STAMP), 'utf8')) === stamp;
  } catch {
    return false;
  }
}

async function failureOf(command: readonly [string, ...string[]]): Promise<string | undefined> {
  const end = await runCommand(command);
  return end.exitCode === 0 ? undefined : end.output;
}

function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
