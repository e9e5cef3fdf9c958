import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../errors.ts';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** What no program reads: types, maps of sources, and sources of what is compiled beside them. */
const NOT_RUN = /\.(d\.[cm]?ts|[cm]?ts|map|md|markdown|flow)$|(^|\/)(test|tests|docs|example|examples|\.bin)\//;

export function isRun(file: string): boolean {
  return !NOT_RUN.test(file);
}

/**
 * Folders of the packages that a package needs to run, by their place below `node_modules`, in order.
 *
 * @param root holds `package.json` and `node_modules`.
 * @throws UserError `package-missing`.
 */
export function productionPackages(root: string): ReadonlyMap<string, string> {
  const base = realpathSync(root);
  const found = new Map<string, string>();
  const visit = (from: string): void => {
    const manifest = JSON.parse(readFileSync(path.join(from, 'package.json'), 'utf8')) as Manifest;
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const folder = nearest(from, base, name);
      const place = path.relative(path.join(base, 'node_modules'), folder);
      if (found.has(place)) continue;
      found.set(place, folder);
      visit(folder);
    }
  };
  visit(base);
  return new Map([...found].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** As Node looks for it: in the `node_modules` of each folder from here up. */
function nearest(from: string, base: string, name: string): string {
  for (let at = from; ; at = path.dirname(at)) {
    const folder = path.join(at, 'node_modules', name);
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (at === base || path.dirname(at) === at) {
      throw new UserError('package-missing', `the package ${name} is not installed`, "run 'npm ci' in Assay's folder");
    }
  }
}
