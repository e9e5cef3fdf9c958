import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import type { Task } from '../task.ts';
import type { ReadOnlyMount } from './environment.ts';
import { requiredPackages, unmetRequirements } from './requirements.ts';
import { runCommand } from './run-command.ts';
import { satisfies } from './versions.ts';

/** What an interpreter says about itself. */
export interface Interpreter {
  readonly executable: string;
  readonly implementation: string;
  readonly version: string;
  /** Of the virtual environment, if it is one. */
  readonly prefix: string;
  readonly basePrefix: string;
  /** Where packages are installed. */
  readonly packageFolders: readonly string[];
  /** Installed versions of the packages asked for, by normalized name. */
  readonly packages: Readonly<Record<string, string>>;
}

export type Needs = {
  readonly python: string;
  readonly requirements: readonly string[];
  readonly imports: readonly string[];
  /** Packages that would be used: their versions are asked for, and none is missed. */
  readonly optional?: readonly string[];
};

export type Probe =
  | {
      readonly interpreter: Interpreter;
      /** What is missing for the task, in words; empty if nothing is. */ readonly unmet: readonly string[];
    }
  | { readonly interpreter: undefined; readonly unmet: readonly [string] };

/** `-I` on every call: neither the user's own packages nor PYTHONPATH are there in a sandbox. */
const DESCRIBE = `
import json, platform, sys, sysconfig
from importlib import metadata
packages = {}
for name in sys.argv[1:]:
    try:
        packages[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps({
    "executable": sys.executable,
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "prefix": sys.prefix,
    "basePrefix": sys.base_prefix,
    "packageFolders": sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *filter(lambda p: p.endswith("-packages"), sys.path)}),
    "packages": packages,
}))
`;
const IMPORT = 'import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)';

const DESCRIBE_TIMEOUT_SECONDS = 20;
const IMPORT_TIMEOUT_SECONDS = 180;

export function needsOf(task: Pick<Task, 'requirements' | 'spec'>): Needs {
  const { python, imports, optional = [] } = task.spec.environment;
  return { python, imports, optional, requirements: task.requirements };
}

/** Runs an interpreter and holds it against what a task needs. */
export async function probeInterpreter(python: string, needs: Needs, signal?: AbortSignal): Promise<Probe> {
  const limits = { timeoutSeconds: DESCRIBE_TIMEOUT_SECONDS, ...(signal === undefined ? {} : { signal }) };
  const described = await runCommand(
    [python, '-I', '-c', DESCRIBE, ...requiredPackages([...needs.requirements, ...(needs.optional ?? [])])],
    limits,
  );
  if (!described.ok)
    return { interpreter: undefined, unmet: [`it does not run: ${described.lines.at(-1) ?? described.reason}`] };
  const interpreter = JSON.parse(described.output) as Interpreter;
  const unmet = unmetRequirements(needs.requirements, interpreter.packages);
  if (!satisfies(interpreter.version, needs.python))
    unmet.unshift(`it is Python ${interpreter.version}, not ${needs.python}`);
  if (unmet.length === 0 && needs.imports.length > 0) {
    const imported = await runCommand([interpreter.executable, '-I', '-c', IMPORT, ...needs.imports], {
      ...limits,
      timeoutSeconds: IMPORT_TIMEOUT_SECONDS,
    });
    if (!imported.ok)
      unmet.push(`import ${needs.imports.join(', ')} fails: ${imported.lines.at(-1) ?? imported.reason}`);
  }
  return { interpreter, unmet };
}

const SYSTEM_PREFIXES: ReadonlySet<string> = new Set(['/', '/usr', '/usr/local']);

/**
 * What has to be visible for the interpreter to run, beside the system's own folders. A folder of its own is named even below /usr:
 * what lies around it there may be hidden (see LocalExecutorOptions).
 */
export function interpreterMounts({ executable, prefix, basePrefix }: Interpreter): ReadOnlyMount[] {
  const hops = linkChain(executable).map((path) => dirname(dirname(path)));
  const folders = [prefix, basePrefix, ...hops, realpathSync(basePrefix)].filter(
    (folder) => !SYSTEM_PREFIXES.has(folder),
  );
  const outermost = [...new Set(folders)].filter(
    (folder) => !folders.some((other) => other !== folder && isWithin(folder, other)),
  );
  return outermost.map((folder) => ({ source: folder, target: folder }));
}

/** A path and everything its links lead over, the real file last. */
function linkChain(path: string): string[] {
  const chain = [path];
  for (let current = path; lstatSync(current).isSymbolicLink() && chain.length < 40;) {
    current = resolve(dirname(current), readlinkSync(current));
    chain.push(current);
  }
  return [...chain, realpathSync(path)];
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
