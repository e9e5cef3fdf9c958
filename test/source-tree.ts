import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '..');

/** Every file that is or would be committed, by its path in the repository, with `/`. */
export function repositoryFiles(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  return listed.filter((file) => file !== '' && isPlainFile(path.join(ROOT, file))).toSorted();
}

/** A link shows what is in the repository under its own name already. */
function isPlainFile(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

export function readRepositoryFile(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

export interface SourceImport {
  /** Path in the repository of what is imported. */
  readonly target: string;
  /** Erased before it runs: `import type`, `export type … from`, or a type in a type's place. */
  readonly isType: boolean;
}

/** The imports of our own files. Our style puts one import in one statement with a literal path, so a pattern is enough. */
export function importsOf(file: string, text: string): SourceImport[] {
  const statement =
    /^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'(\.[^']+)'|^\s*import\s+()'(\.[^']+)'|\bimport\(\s*()'(\.[^']+)'/gm;
  const found: SourceImport[] = [];
  for (const match of text.matchAll(statement)) {
    const specifier = match[2] ?? match[4] ?? match[6];
    if (specifier === undefined) continue;
    found.push({ target: path.posix.join(path.posix.dirname(file), specifier), isType: match[1] !== undefined });
  }
  return found;
}
