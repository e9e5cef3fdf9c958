import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError } from '../../errors.ts';
import { canonicalJson, sha256 } from '../task-files.ts';
import { withLock } from './build-lock.ts';
import { makeCacheFolder } from './cache-root.ts';
import { installFailed, venvFailed } from './build-errors.ts';
import { type Interpreter, type Needs, type Probe, probeInterpreter } from './probe-interpreter.ts';
import { runCommand } from './run-command.ts';
import { readStamp, writeStamp } from './stamp.ts';

export interface BuildOptions {
  readonly cacheRoot: string;
  readonly say: (message: string) => void;
  readonly signal?: AbortSignal;
}

const VENV_TIMEOUT_SECONDS = 180;
const INSTALL_TIMEOUT_SECONDS = 3600;

/** The virtual environments of one set of requirements on one Python. */
interface Place {
  readonly folder: string;
  readonly key: string;
  /** Names the folder that is complete. Each build has a folder of its own, so a killed one leaves nothing that counts. */
  readonly marker: string;
}

function placeOf(base: Interpreter, needs: Needs, cacheRoot: string): Place {
  const { executable, version, basePrefix } = base;
  const key = sha256(canonicalJson({ requirements: needs.requirements, executable, version, basePrefix })).slice(0, 20);
  const folder = join(cacheRoot, 'venvs');
  return { folder, key, marker: join(folder, `${key}.json`) };
}

/** The environment that was built earlier, if there is one and it still does what the task needs. */
export async function findBuilt(
  base: Interpreter,
  needs: Needs,
  options: BuildOptions,
): Promise<Interpreter | undefined> {
  const { marker } = placeOf(base, needs, options.cacheRoot);
  const python = readStamp(marker);
  if (typeof python !== 'string') return undefined;
  const probe = await probeInterpreter(python, needs, options.signal);
  return probe.unmet.length === 0 ? probe.interpreter : undefined;
}

/**
 * Makes a virtual environment with the requirements, once: a second caller waits for the first and takes its result.
 *
 * @throws UserError with pip's last lines if it cannot be made.
 */
export async function buildVenv(base: Interpreter, needs: Needs, options: BuildOptions): Promise<Interpreter> {
  const place = placeOf(base, needs, options.cacheRoot);
  await makeCacheFolder(place.folder);
  const onWait = (): void => options.say('waiting for another process that builds the same environment');
  const build = async (): Promise<Interpreter> =>
    (await findBuilt(base, needs, options)) ?? buildIn(place, base, needs, options);
  return withLock(join(place.folder, `${place.key}.lock`), build, { onWait, signal: options.signal });
}

async function buildIn(place: Place, base: Interpreter, needs: Needs, options: BuildOptions): Promise<Interpreter> {
  await removeOld(place);
  // Not relocatable, so it is built where it stays; only the marker makes it count.
  const folder = join(place.folder, `${place.key}-${randomUUID().slice(0, 8)}`);
  try {
    const python = await fill(folder, base, needs, options);
    const probe: Probe = await probeInterpreter(python, needs, options.signal);
    if (probe.interpreter === undefined || probe.unmet.length > 0) {
      throw new UserError(
        'environment-unfit',
        `the environment was built, but ${probe.unmet.join('; ')}`,
        "Correct 'environment' in task.yaml",
      );
    }
    await writeStamp(place.marker, python, [python, join(folder, 'pyvenv.cfg')]);
    return probe.interpreter;
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  }
}

/** What killed builds left behind. Their own pip may still be writing, so a folder that cannot be emptied is left for the next time. */
async function removeOld({ folder, key }: Place): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${key}-`)) continue;
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
  }
}

async function fill(folder: string, base: Interpreter, needs: Needs, options: BuildOptions): Promise<string> {
  options.say(`making a virtual environment with Python ${base.version}`);
  await makeVenv(folder, base, options);
  await makeCacheFolder(folder);
  const python = join(folder, 'bin', 'python3');
  if (needs.requirements.length === 0) return python;
  const flags = needs.requirements.filter((line) => line.startsWith('-')).flatMap((line) => line.split(/\s+/));
  const packages = needs.requirements.filter((line) => !line.startsWith('-'));
  const install = ['-I', '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off'];
  const ended = await runCommand([python, ...install, ...flags, ...packages], {
    ...limits(options, INSTALL_TIMEOUT_SECONDS),
    onLine: (line) => {
      const step = installStep(line);
      if (step !== undefined) options.say(step);
    },
  });
  if (!ended.ok) throw installFailed(ended);
  return python;
}

async function makeVenv(folder: string, base: Interpreter, options: BuildOptions): Promise<void> {
  const make = async (): Promise<Awaited<ReturnType<typeof runCommand>>> =>
    runCommand([base.executable, '-I', '-m', 'venv', '--clear', folder], limits(options, VENV_TIMEOUT_SECONDS));
  let ended = await make();
  if (!ended.ok && ended.lines.some((line) => line.includes('ensurepip')) && mayInstallSystemPackages(base)) {
    options.say('installing the system package python3-venv');
    const apt = ['apt-get', 'install', '-y', '--no-install-recommends', 'python3-venv'] as const;
    const variables = { DEBIAN_FRONTEND: 'noninteractive' };
    const installed = await runCommand(apt, { ...limits(options, VENV_TIMEOUT_SECONDS), variables });
    if (!installed.ok) {
      await runCommand(['apt-get', 'update'], { ...limits(options, VENV_TIMEOUT_SECONDS), variables });
      await runCommand(apt, { ...limits(options, VENV_TIMEOUT_SECONDS), variables });
    }
    ended = await make();
  }
  if (!ended.ok) throw venvFailed(base, ended);
}

/** Debian leaves `venv` out of its Python. Root may add it, unless told not to. */
function mayInstallSystemPackages(base: Interpreter): boolean {
  if (process.getuid?.() !== 0 || process.env['ASSAY_NO_INSTALL'] === '1' || base.basePrefix !== '/usr') return false;
  try {
    accessSync('/usr/bin/apt-get', constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function limits({ signal }: BuildOptions, timeoutSeconds: number): { timeoutSeconds: number; signal?: AbortSignal } {
  return { timeoutSeconds, ...(signal === undefined ? {} : { signal }) };
}

/** What a line of pip means to a person who waits; undefined for lines that mean nothing to them. */
export function installStep(line: string): string | undefined {
  const match =
    /^\s*(Collecting|Downloading|Using cached|Building wheel for|Installing collected packages:|Processing)\s+(.+)$/.exec(
      line,
    );
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const rest = match[2].replace(/ \(from [^)]*\)$/, '').replace(/^https?:\/\/\S*\//, '');
  switch (match[1]) {
    case 'Collecting':
      return `looking for ${rest}`;
    case 'Downloading':
      return `fetching ${rest}`;
    case 'Processing':
      return `reading ${rest}`;
    case 'Using cached':
      return `already fetched ${rest}`;
    case 'Installing collected packages:':
      return `installing ${rest}`;
    default:
      return `building ${rest}`;
  }
}
