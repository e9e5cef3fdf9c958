import { execFile } from 'node:child_process';
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../../task/environment/environment.ts';

/** Where an interpreter takes code from, as it says itself. */
const PLACES = `
import json, os, sys, sysconfig
library = os.path.join(sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("INSTSONAME") or "")
print(json.dumps({
    "paths": sys.path,
    "standard": [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")],
    "library": library,
}))
`;
const TIMEOUT_MILLISECONDS = 20_000;
/** Bound into every sandbox as they are. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
const PACKAGE_FOLDERS = ['site-packages', 'dist-packages'];

export interface EnvironmentRoots {
  /** Files and folders, absolute, none within another; some may not exist, and then must not appear. */
  readonly roots: readonly string[];
  /** Packages of the Python that a virtual environment was made from: the environment does not import them. */
  readonly except: readonly string[];
}

/**
 * What trials run when they start this interpreter: the binary and what its links lead over, its library, all it imports from, and the
 * folders that are mounted for it. Not the rest of the system (the C library, drivers): that is root's, and a sandbox cannot write it.
 */
export async function environmentRoots(environment: Pick<Environment, 'python' | 'mounts'>): Promise<EnvironmentRoots> {
  const { stdout } = await promisify(execFile)(environment.python, ['-I', '-c', PLACES], {
    timeout: TIMEOUT_MILLISECONDS,
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
  });
  const { paths, standard, library } = JSON.parse(stdout) as Record<'paths' | 'standard', string[]> & {
    library: string;
  };
  const mounts = environment.mounts.map(({ source }) => source);
  const isShown = (each: string): boolean => [...SYSTEM, ...mounts].some((folder) => isWithin(each, folder));
  const imported = [...paths, ...standard].filter((each) => path.isAbsolute(each) && isShown(each));
  const all = [...mounts, ...imported, ...links(environment.python), ...(library.startsWith('/') ? [library] : [])];
  const roots = outermost([...new Set(all.map((each) => path.resolve(each)))]);
  const except = standard
    .flatMap((folder) => PACKAGE_FOLDERS.map((name) => path.join(folder, name)))
    .filter((folder) => !imported.includes(folder) && !mounts.some((mount) => isWithin(folder, mount)));
  return { roots, except: [...new Set(except)] };
}

/** A path, what its links lead over, and where they end. */
function links(file: string): string[] {
  const chain = [file];
  for (let current = file; lstatSync(current).isSymbolicLink() && chain.length < 40;) {
    current = path.resolve(path.dirname(current), readlinkSync(current));
    chain.push(current);
  }
  return [...chain, realpathSync(file)];
}

function outermost(paths: readonly string[]): string[] {
  return paths.filter((each) => !paths.some((other) => other !== each && isWithin(each, other)));
}

function isWithin(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}
