import { dirname } from 'node:path/posix';
import type { AuditReport } from '../../domain/audit.ts';
import { counted, listed, type ChangeInput } from './change-input.ts';
import { report } from './report.ts';
import { STANDARD_MODULES } from './standard-library.ts';

/** What Python, pytest or a build reads of itself, whatever imports it, in any folder. */
const READ_BY_ITSELF =
  /^(?:sitecustomize|usercustomize|conftest|setup|__main__)\.py$|^(?:setup\.cfg|pyproject\.toml|pytest\.ini|tox\.ini|pyvenv\.cfg|noxfile\.py)$|^(?:GNUmakefile|[Mm]akefile|CMakeLists\.txt)$/;
const BUILT = /\.(?:pth|egg-link|so(?:\.\d+)*|pyd|pyc|pyo|dll|dylib|o|a|lo|gch|pch|whl|egg|zip|pkl|pt|npy|npz)$/i;
const BUILT_FOLDER = /^(?:__pycache__|site-packages|dist-packages|node_modules|.+\.(?:egg-info|dist-info|data))$/;
/** Packages that tasks' environments hold without naming them. */
const COMMON_PACKAGES = ['torch', 'numpy', 'triton', 'torchvision', 'scipy', 'pip', 'setuptools', 'pkg_resources'];
const OWN_PACKAGES = ['assay_judge', 'candidate', 'harness', 'sitecustomize', 'usercustomize'];
/** Headers that a C compiler is asked for by name. */
const HEADERS =
  /^(?:assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|stdalign|stdarg|stdatomic|stdbit|stdbool|stdckdint|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|tgmath|threads|time|uchar|unistd|wchar|wctype|pthread|omp|sched|features|bits|sys|gnu|linux|asm|Python|kernels|cuda\w*|\w+intrin|arm_neon|stdc-predef)(?:\.hp?p?|\/.*)$/;

/** Refuses files that would be imported or included in the place of others. */
export function auditShadowedModules({ changes, rules }: ChangeInput): AuditReport {
  const modules = new Set([...STANDARD_MODULES, ...COMMON_PACKAGES, ...OWN_PACKAGES, ...rules.modules]);
  for (const path of rules.protectedFiles.keys()) modules.add(moduleOf(path.split('/').at(-1) ?? ''));
  // Python looks for modules in the folder of the program that it runs.
  const folders = new Set([...rules.ownFiles].filter((path) => path.endsWith('.py')).map((path) => dirname(path)));
  folders.add('.');
  const shadows: string[] = [];
  const notes: string[] = [];
  for (const { path, after } of changes) {
    if (after === undefined || rules.ownFiles.has(path)) continue;
    const parts = path.split('/');
    const name = parts.at(-1) ?? '';
    if (READ_BY_ITSELF.test(name)) shadows.push(`${path}: ${name} is read without being asked for`);
    else if (BUILT.test(name)) shadows.push(`${path} is no source`);
    else if (parts.some((part) => BUILT_FOLDER.test(part))) shadows.push(`${path} lies in a folder for built files`);
    else if (HEADERS.test(parts.slice(-2).join('/')) || HEADERS.test(name))
      shadows.push(`${path} is named like a header that is included by name`);
    else {
      const found = parts.find((part, index) => modules.has(index === parts.length - 1 ? moduleOf(part) : part));
      if (found === undefined || !/\.py[iw]?$/.test(name)) continue;
      const isFirst = folders.has(dirname(parts.slice(0, parts.indexOf(found) + 1).join('/')));
      const words = `${path} would be imported in the place of '${moduleOf(found)}'`;
      if (isFirst) shadows.push(words);
      else notes.push(`${path} is named like the module '${moduleOf(found)}'`);
    }
  }
  if (shadows.length > 0) return report('shadowed-modules', 'fired', listed(shadows));
  const counts = `${counted(changes.length, 'name')} compared with ${modules.size} modules`;
  return report('shadowed-modules', notes.length > 0 ? 'noted' : 'passed', listed([counts, ...notes]));
}

function moduleOf(name: string): string {
  return name.replace(/\..*$/, '').normalize('NFKC');
}
