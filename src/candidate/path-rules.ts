import { UserError } from '../errors.ts';

/** Characters that HFS+ ignores in names: `.g<U+200C>it` is `.git` there, and `git fsck --strict` says so. */
const IGNORED_BY_HFS = /[\u200C-\u200F\u202A-\u202E\u206A-\u206F\uFEFF]/gu;
const GIT_FOLDER = /^(\.git|git~1)[ .]*([:\\].*)?$/u;
const GIT_MODULES = /^(\.gitmodules|gitmod~\d|gi7eba~\d)/u;

/**
 * Whether a path may name a file of a candidate: relative, inside, UTF-8, never git's own on any file system.
 *
 * @returns what is wrong with it, or undefined.
 */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is absolute';
  if (path.includes('\0')) return 'holds a NUL character';
  if (!path.isWellFormed()) return 'is not valid Unicode';
  if (Buffer.byteLength(path) > 4000) return 'is longer than 4,000 bytes';
  for (const part of path.split('/')) {
    if (part === '' || part === '.') return `has the empty part '${part}'`;
    if (part === '..') return 'leads outside';
    if (Buffer.byteLength(part) > 255) return 'has a part longer than 255 bytes';
    for (const piece of part.replace(IGNORED_BY_HFS, '').toLowerCase().split('\\')) {
      if (GIT_FOLDER.test(piece)) return "names git's own folder";
      if (GIT_MODULES.test(piece)) return 'names a list of submodules, which candidates do not have';
    }
  }
  return undefined;
}

/** @throws UserError `candidate-path` */
export function requirePath(path: string): void {
  const problem = pathProblem(path);
  if (problem === undefined) return;
  throw new UserError(
    'candidate-path',
    `the path ${JSON.stringify(path)} ${problem}`,
    'name files relative to the task, such as src/model.py',
  );
}
