import { mkdir, readFile, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';

import { UserError, describeError, systemErrorCode } from '../../errors.ts';
import { type CheckoutState, isCommit, readCheckoutState } from '../checkout-state.ts';
import { loadTask } from '../load-task.ts';
import type { Task } from '../task.ts';
import { listFiles, sha256 } from '../task-files.ts';
import { flagOf, type Adapter, type AdapterOptionName, type AdapterOptions, type AdapterTask } from './adapter.ts';
import { quoted } from './yaml-text.ts';

export interface MadeTask {
  readonly task: Task;
  /** Paths that were written, from the folder. */
  readonly files: readonly string[];
  readonly state: CheckoutState;
  readonly isKnownCommit: boolean;
  /** SHA-256 over paths and contents of the checkout's files that the task uses. */
  readonly filesHash: string;
  readonly notes: readonly string[];
}

/**
 * Writes a task for a checkout into a new folder, and loads it to be sure. The checkout is only read.
 *
 * @param folder absolute; must be empty or not there, and outside the checkout.
 * @throws UserError if the checkout is none of this benchmark, or the folder can't be used; nothing is written then.
 */
export async function makeAdapterTask(
  adapter: Adapter,
  checkoutPath: string,
  folder: string,
  options: AdapterOptions,
): Promise<MadeTask> {
  refuseOptions(adapter, options);
  const checkout = await openCheckoutFolder(adapter, checkoutPath);
  await refuseFolder(folder, checkout);
  const paths = await listFiles(checkout);
  const missing = adapter.recognizedBy.filter((path) => !paths.includes(path));
  if (missing.length > 0)
    throw new UserError(
      'usage-checkout',
      `${checkout} is no checkout of ${adapter.repository}: it has no ${missing.join(', no ')}`,
      `git clone the repository ${adapter.repository}, then git checkout ${adapter.commit.slice(0, 7)}`,
    );
  const readText = (path: string): Promise<string> => readFile(join(checkout, path), 'utf8');
  const described = await adapter.describe({ folder: checkout, paths, readText }, options);
  const state = await readCheckoutState(checkout);
  const files = new Map([
    ['task.yaml', taskYaml(adapter, described, { folder, checkout, state })],
    ...(described.files ?? []),
  ]);
  await writeFiles(folder, files);
  const task = await loadOrRemove(folder, [...files.keys()]);
  const used = task.files.filter(({ ofCheckout }) => ofCheckout === true);
  return {
    task,
    files: [...files.keys()],
    state,
    isKnownCommit: state.commit !== undefined && isCommit(state.commit, adapter.commit),
    filesHash: sha256(JSON.stringify(used.map(({ path, sha256: content }) => [path, content]))),
    notes: described.notes ?? [],
  };
}

function refuseOptions(adapter: Adapter, options: AdapterOptions): void {
  const [unknown] = (Object.keys(options) as AdapterOptionName[]).filter((name) => !adapter.options.includes(name));
  if (unknown === undefined) return;
  throw new UserError(
    'usage-option',
    `${flagOf(unknown)} means nothing for ${adapter.name}`,
    `it takes ${adapter.options.map(flagOf).join(', ')}`,
  );
}

async function openCheckoutFolder(adapter: Adapter, path: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true) return realpath(path);
  throw new UserError(
    'usage-checkout',
    `there is no folder ${path}`,
    `git clone the repository ${adapter.repository}, then give its folder`,
  );
}

async function refuseFolder(folder: string, checkout: string): Promise<void> {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(basename(folder)))
    throw new UserError(
      'usage-name',
      `'${basename(folder)}' can't name a task`,
      'give a folder with --into whose last part has small letters, digits and single dashes between them',
    );
  const inside = relative(checkout, await realFolder(folder));
  if (inside !== '..' && !inside.startsWith(`..${sep}`))
    throw new UserError(
      'usage-folder',
      `${folder} lies in the checkout, which stays as it is`,
      `give a folder beside it: --into ${join(dirname(checkout), `${basename(folder)}-task`)}`,
    );
  const there = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw new UserError('usage-folder', `${folder} can't be used: ${describeError(error)}`, 'give another with --into');
  });
  if (there.length > 0)
    throw new UserError('task-exists', `${folder} is not empty`, 'give a new folder with --into; nothing was changed');
}

/** Without links, as far as it exists. */
async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    return dirname(folder) === folder ? folder : join(await realFolder(dirname(folder)), basename(folder));
  }
}

function taskYaml(
  adapter: Adapter,
  { title, yaml, substitutes }: AdapterTask,
  made: { readonly folder: string; readonly checkout: string; readonly state: CheckoutState },
): string {
  const { commit } = made.state;
  const place = relative(resolve(made.folder), made.checkout);
  return `# ${adapter.repository} as a task. Edit what you like; every key is explained in docs/reference/task.schema.json.
name: ${quoted(basename(made.folder))}
title: ${quoted(title)}
source: # the files of the task are read from here; nothing is written there
  checkout: ${quoted(place)}
  repository: ${adapter.repository}
${commit === undefined ? '' : `  commit: '${commit}'\n`}  written_for: '${adapter.commit}'
${substitutes === undefined ? '' : `  substitutes: [${substitutes.join(', ')}] # modules of Assay stand in for these packages: a deviation that every result names\n`}${yaml}`;
}

/** A checkout of an unknown commit may lack what the adapter counts on: then nothing stays behind. */
async function loadOrRemove(folder: string, files: readonly string[]): Promise<Task> {
  try {
    return await loadTask(folder);
  } catch (error) {
    for (const file of files) await rm(join(folder, file.split('/')[0] ?? file), { recursive: true, force: true });
    throw error;
  }
}

async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  } catch (error) {
    const code = systemErrorCode(error) === 'ENOSPC' ? 'disk-full' : 'campaign-unwritable';
    throw new UserError(code, `can't write ${folder}: ${describeError(error)}`, 'give a folder that you may write', {
      cause: error,
    });
  }
}
