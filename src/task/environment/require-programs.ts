import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError } from '../../errors.ts';
import type { Task } from '../task.ts';

/** Where a sandboxed process finds programs. */
const FOLDERS = ['/usr/bin', '/bin'];

/** Debian's packages of programs that tasks ask for. */
const PACKAGES: Readonly<Record<string, string>> = { cc: 'gcc libc6-dev', gcc: 'gcc libc6-dev', 'c++': 'g++' };

type ProgramNeeds = { readonly spec: { readonly environment: Pick<Task['spec']['environment'], 'programs'> } };

/** @throws UserError `program-missing` when the machine lacks a program that the task requires. */
export async function requirePrograms(task: ProgramNeeds, folders: readonly string[] = FOLDERS): Promise<void> {
  const missing = await missingPrograms(task, folders);
  if (missing.length === 0) return;
  throw new UserError(
    'program-missing',
    `the task needs ${missing.map((name) => `'${name}'`).join(', ')} in ${folders.join(' or ')}, which this machine does not have`,
    programRemedy(missing),
  );
}

/** Names of the programs that are not where a sandboxed process would find them. */
export async function missingPrograms(task: ProgramNeeds, folders: readonly string[] = FOLDERS): Promise<string[]> {
  const { programs } = task.spec.environment;
  const there = await Promise.all(programs.map((name) => isThere(name, folders)));
  return programs.filter((_, index) => there[index] === false);
}

export function programRemedy(missing: readonly string[]): string {
  const packages = missing.map((name) => PACKAGES[name] ?? name);
  return `install it; on Debian: apt-get install ${[...new Set(packages)].join(' ')}`;
}

async function isThere(name: string, folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    try {
      await access(join(folder, name), constants.X_OK);
      return true;
    } catch {
      continue;
    }
  }
  return false;
}
