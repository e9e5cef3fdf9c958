import { join, resolve } from 'node:path';
import { realpathSync } from 'node:fs';

import { UserError } from '../../errors.ts';
import { canonicalJson, sha256 } from '../task-files.ts';
import type { Task } from '../task.ts';
import { buildVenv, findBuilt } from './build-venv.ts';
import { defaultCacheRoot, isOpenToOthers, makeCacheFolder } from './cache-root.ts';
import { type Environment, type SetUpOptions, timedReport } from './environment.ts';
import { findInterpreters } from './find-interpreters.ts';
import { type Interpreter, type Needs, interpreterMounts, needsOf, probeInterpreter } from './probe-interpreter.ts';
import { requirePrograms } from './require-programs.ts';
import { readStamp, writeStamp } from './stamp.ts';

export interface EnvironmentOptions extends SetUpOptions {
  /** The interpreter to use. Default: `$ASSAY_PYTHON`, else one is looked for, else one is built. */
  readonly python?: string;
  /** Default: our own environment. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

type How = Environment['how'];

/**
 * The Python that a task runs with: the one that the user names, else one of the machine's that has what the task requires,
 * else a virtual environment of our own, built once. What was found before is only checked for being unchanged (no process).
 *
 * @throws UserError if a program that the task requires is missing, the named one does not fit, none is there to build from, or building fails.
 */
export async function resolveEnvironment(
  task: Pick<Task, 'requirements' | 'spec'>,
  options: EnvironmentOptions = {},
): Promise<Environment> {
  await requirePrograms(task);
  const variables = options.variables ?? process.env;
  const cacheRoot = options.cacheRoot ?? defaultCacheRoot(variables);
  const needs = needsOf(task);
  const given = options.python ?? (variables['ASSAY_PYTHON'] || undefined);
  const question = { needs, given, search: [variables['PATH'], variables['VIRTUAL_ENV']], user: process.getuid?.() };
  const stamp = join(cacheRoot, 'environments', `${sha256(canonicalJson(question)).slice(0, 20)}.json`);
  const known = readStamp(stamp) as Environment | undefined;
  if (known !== undefined) return known;
  await makeCacheFolder(join(cacheRoot, 'environments'));
  const build = {
    cacheRoot,
    say: timedReport(options.report),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  const { interpreter, how } =
    given === undefined
      ? await findOrBuild(needs, findInterpreters(variables), build, task.spec.environment.build ?? true)
      : await useGiven(given, needs, options.signal);
  const environment = describe(interpreter, how);
  const watched = [
    environment.python,
    realpathSync(environment.python),
    join(interpreter.prefix, 'pyvenv.cfg'),
    ...interpreter.packageFolders,
  ];
  await writeStamp(stamp, environment, given === undefined ? watched : [...watched, resolve(given)]);
  return environment;
}

async function useGiven(
  given: string,
  needs: Needs,
  signal?: AbortSignal,
): Promise<{ interpreter: Interpreter; how: How }> {
  const { interpreter, unmet } = await probeInterpreter(given.includes('/') ? resolve(given) : given, needs, signal);
  if (interpreter !== undefined && unmet.length === 0) return { interpreter, how: 'given' };
  throw new UserError(
    'environment-unfit',
    `the interpreter ${given} does not fit the task: ${unmet.join('; ')}`,
    'Install what is missing into it, or name none (unset ASSAY_PYTHON): Assay then finds or builds one',
  );
}

type Build = Parameters<typeof buildVenv>[2];

async function findOrBuild(
  needs: Needs,
  paths: readonly string[],
  build: Build,
  mayBuild: boolean,
): Promise<{ interpreter: Interpreter; how: How }> {
  const interpreters: Interpreter[] = [];
  const misfits: string[] = [];
  let closed: Interpreter | undefined;
  for (const path of paths) {
    const { interpreter, unmet } = await probeInterpreter(path, needs, build.signal);
    if (interpreter === undefined || unmet.length > 0) {
      misfits.push(`${path}: ${unmet.join('; ')}`);
    } else if (canBeShared(interpreter)) {
      return { interpreter, how: 'found' };
    } else {
      closed ??= interpreter;
    }
    if (interpreter !== undefined && !unmet.some((reason) => reason.startsWith('it is Python')))
      interpreters.push(interpreter);
  }
  if (!mayBuild) {
    if (closed !== undefined) return { interpreter: closed, how: 'found' };
    throw noneFits(misfits);
  }
  // The same Python can have been met by several paths; one that every user can run goes first.
  const base = interpreters.find(canBeShared) ?? interpreters[0];
  if (base === undefined) throw noInterpreter(needs, misfits);
  if (closed !== undefined && !canBeShared(base)) return { interpreter: closed, how: 'found' };
  const built = await findBuilt(base, needs, build);
  if (built !== undefined) return { interpreter: built, how: 'built' };
  try {
    return { interpreter: await buildVenv(base, needs, build), how: 'built' };
  } catch (error) {
    if (closed === undefined || build.signal?.aborted === true) throw error;
    build.say(`no environment could be built; using ${closed.executable}, which only the present user can run`);
    return { interpreter: closed, how: 'found' };
  }
}

/** Started by root, candidates run as another user, who must be able to reach the interpreter. */
function canBeShared(interpreter: Interpreter): boolean {
  return process.getuid?.() !== 0 || isReachable(interpreter);
}

function isReachable(interpreter: Interpreter): boolean {
  return [realpathSync(interpreter.executable), ...interpreterMounts(interpreter).map(({ source }) => source)].every(
    isOpenToOthers,
  );
}

function describe(interpreter: Interpreter, how: How): Environment {
  const { implementation, version, packages } = interpreter;
  return {
    python: interpreter.executable,
    mounts: interpreterMounts(interpreter),
    version,
    packages,
    hash: sha256(canonicalJson({ implementation, version, packages })),
    how,
    isOpenToOthers: isReachable(interpreter),
  };
}

function noneFits(misfits: readonly string[]): UserError {
  return new UserError(
    'environment-unfit',
    `no Python of this machine has what the task requires, and the task asks Assay to build none: ${misfits.join(', ') || 'none was found'}`,
    "Install what is missing ('assay check' names each package), or name an interpreter: ASSAY_PYTHON=/path/to/python3",
  );
}

function noInterpreter(needs: Needs, misfits: readonly string[]): UserError {
  const seen = misfits.length === 0 ? 'none was found' : misfits.join(', ');
  return new UserError(
    'python-missing',
    `the task needs Python ${needs.python}: ${seen}`,
    'apt-get install python3 python3-venv, or name one: ASSAY_PYTHON=/path/to/python3',
  );
}
