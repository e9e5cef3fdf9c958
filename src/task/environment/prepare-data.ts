import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, cp, mkdir, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { UserError } from '../../errors.ts';
import { expandPlaceholders, findPackage, placeholdersIn } from '../placeholders.ts';
import { canonicalJson, sha256 } from '../task-files.ts';
import type { Task } from '../task.ts';
import { quote } from './build-errors.ts';
import { withLock } from './build-lock.ts';
import { defaultCacheRoot, makeCacheFolder } from './cache-root.ts';
import { type FoundDataFiles, bytesOf, findDataFiles, isEnough } from './data-files.ts';
import { isCarriedWhole } from './carried-data.ts';
import { type Environment, type SetUpOptions, timedReport } from './environment.ts';
import { runCommand } from './run-command.ts';
import { readStamp, writeStamp } from './stamp.ts';

/** Data that is ready for the trials; nobody writes into it any more. */
export interface PreparedData {
  readonly directory: string;
  /** SHA-256 over the command, its inputs, the versions of npm packages it names, and size and age of the machine's files it takes. */
  readonly hash: string;
}

/**
 * The prepared data of a task, made once for each content of command and inputs. Undefined: the task has none.
 *
 * @throws UserError with the command's last lines if it fails; `machine-files-missing` if files of the machine are not there.
 */
export async function prepareData(
  task: Pick<Task, 'name' | 'folder' | 'spec' | 'files'>,
  environment: Pick<Environment, 'python'>,
  options: SetUpOptions = {},
): Promise<PreparedData | undefined> {
  const { data } = task.spec;
  if (data === undefined) return undefined;
  const inputs = task.files.filter(({ role }) => role === 'data-input');
  const taken = await findDataFiles(task);
  refuseMissing(task.name, taken);
  const hash = sha256(
    canonicalJson({
      command: data.command,
      inputs: inputs.map(({ path, sha256: content }) => [path, content]),
      packages: (data.command ?? []).flatMap(placeholdersIn).flatMap(packageVersion),
      ...(taken.length === 0 ? {} : { files: taken.map(({ entry, found }) => [entry.to, found]) }),
    }),
  );
  const folder = join(options.cacheRoot ?? defaultCacheRoot(), 'data');
  const directory = join(folder, `${task.name}-${hash.slice(0, 20)}`);
  const stamp = `${directory}.json`;
  const prepared = { directory, hash };
  if (readStamp(stamp) !== undefined) return prepared;

  await makeCacheFolder(folder);
  const say = timedReport(options.report);
  const make = async (): Promise<void> => {
    if (readStamp(stamp) !== undefined) return;
    if (await isCarriedWhole(directory)) {
      await openToReaders(directory);
      await writeStamp(stamp, hash, [directory]);
      return;
    }
    await removeOld(folder, `${directory}.building-`, directory);
    const building = `${directory}.building-${randomUUID().slice(0, 8)}`;
    try {
      say('preparing the data');
      const made = await runPreparation(task, taken, environment.python, building, options, say);
      await openToReaders(made);
      await rename(made, directory);
      await writeStamp(stamp, hash, [directory]);
    } finally {
      await rm(building, { recursive: true, force: true, maxRetries: 3 });
    }
  };
  const onWait = (): void => say('waiting for another process that prepares the same data');
  await withLock(`${directory}.lock`, make, { onWait, signal: options.signal });
  return prepared;
}

function refuseMissing(name: string, taken: readonly FoundDataFiles[]): void {
  const missing = taken.filter((one) => !isEnough(one));
  if (missing.length === 0) return;
  const lines = missing.map(({ entry, place, found }) =>
    found.length < entry.atLeast
      ? `  ${entry.what}: ${found.length} of ${entry.atLeast} at ${place}`
      : `  ${entry.what}: ${bytesOf(found)} bytes of at least ${entry.atLeastBytes} at ${place}`,
  );
  throw new UserError(
    'machine-files-missing',
    `files that '${name}' needs are not on this machine:\n${lines.join('\n')}`,
    missing.map(({ entry }) => entry.remedy).join('; '),
  );
}

function packageVersion(placeholder: string): [string, string][] {
  const name = /^package:(.*)$/.exec(placeholder)?.[1];
  return name === undefined ? [] : [[name, findPackage(name)?.version ?? 'missing']];
}

/** What a killed preparation left, and data that was changed since it was made. */
async function removeOld(folder: string, prefix: string, directory: string): Promise<void> {
  const names = (await readdir(folder)).map((name) => join(folder, name));
  for (const path of names.filter((name) => name === directory || name.startsWith(prefix))) {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Runs the command in a folder with nothing but its inputs, so that what is not listed cannot be used. Returns the result's folder. */
async function runPreparation(
  task: Pick<Task, 'name' | 'spec' | 'files'>,
  taken: readonly FoundDataFiles[],
  python: string,
  building: string,
  options: SetUpOptions,
  say: (message: string) => void,
): Promise<string> {
  const { data, environment } = task.spec;
  const workspace = join(building, 'inputs');
  const out = join(building, 'out');
  await mkdir(workspace, { recursive: true });
  await mkdir(out);
  for (const { role, path, content } of task.files) {
    if (role !== 'data-input') continue;
    await mkdir(dirname(join(workspace, path)), { recursive: true });
    await writeFile(join(workspace, path), content);
  }
  for (const { entry, found } of taken) {
    say(`copying ${entry.what}`);
    await mkdir(join(out, entry.to), { recursive: true });
    for (const { path } of found)
      // Shares the blocks where the file system can; links within a folder stay links, one that was found is followed.
      await cp(await realpath(path), join(out, entry.to, basename(path)), {
        recursive: true,
        verbatimSymlinks: true,
        mode: constants.COPYFILE_FICLONE,
      });
  }
  if (data?.command === undefined) return out;
  const [program = '', ...values] = data.command.map((text) => expandPlaceholders(text, { python, out }));
  const ended = await runCommand([program, ...values], {
    directory: workspace,
    variables: environment.variables,
    timeoutSeconds: data.timeoutSeconds,
    onLine: (line) => say(line.slice(0, 200)),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (!ended.ok) {
    const hint = "Correct 'data: command:' in task.yaml; it runs in a folder with only its 'inputs'";
    throw new UserError(
      'data-failed',
      `the data of '${task.name}' could not be prepared: ${ended.reason}\n${quote(ended.lines)}`,
      hint,
    );
  }
  if ((await readdir(out)).length === 0) {
    throw new UserError(
      'data-empty',
      `the command that prepares the data of '${task.name}' wrote nothing into {out}`,
      "Correct 'data: command:' in task.yaml",
    );
  }
  return out;
}

/** Candidates run as another user: everything readable, nothing writable by others, whatever the umask was. */
async function openToReaders(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToReaders(path);
    else if (entry.isFile()) await chmod(path, 0o644);
  }
}
