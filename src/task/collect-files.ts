import type { CheckoutFiles } from './checkout-files.ts';
import { suggestWord } from './nearest-word.ts';
import type { Problem } from './problem.ts';
import type { TaskSpec } from './schema.ts';
import { type FileRole, type TaskFile, matchesAny, readInside } from './task-files.ts';
import type { KeyPath, YamlSource } from './yaml-source.ts';

/** Everything that task.yaml refers to, with its content as it was when the task was loaded. */
export interface CollectedFiles {
  readonly files: readonly TaskFile[];
  readonly problems: readonly Problem[];
}

/** Finds and reads the files of a task. `all` are the paths in its folder; a file of `checkout` counts where the folder has none of its path. */
export async function collectFiles(
  folder: string,
  all: readonly string[],
  source: YamlSource,
  spec: Partial<TaskSpec>,
  checkout?: CheckoutFiles,
): Promise<CollectedFiles> {
  const problems: Problem[] = [];
  const files: TaskFile[] = [];
  const overlays = Object.entries(spec.starts ?? {}).flatMap(([start, { overlay }]) =>
    overlay === undefined ? [] : [{ start, overlay }],
  );
  const patterns = all.filter((path) => matchesAny(path, spec.patterns ?? []));
  const inOverlay = (path: string): boolean => overlays.some(({ overlay }) => path.startsWith(`${overlay}/`));
  // Thresholds, other starts and patterns are not for a candidate's workspace, even under a glob such as '**'.
  const own = all.filter((path) => path !== source.file && !inOverlay(path) && !patterns.includes(path));
  const isOwn = new Set(own);
  const workspace = [...own, ...(checkout?.paths ?? []).filter((path) => !isOwn.has(path))].toSorted();

  const add = async (role: FileRole, path: string, place: KeyPath): Promise<void> => {
    const ofCheckout = checkout !== undefined && (role === 'editable' || role === 'protected') && !isOwn.has(path);
    const read = await readInside(ofCheckout ? checkout.folder : folder, path);
    if ('mistake' in read)
      problems.push(
        source.problem(place, { found: `${path}, ${read.mistake}`, expected: "a file in the task's folder" }),
      );
    else files.push({ path, role, ...read, ...(ofCheckout ? { ofCheckout } : {}) });
  };
  const addGlobs = async (
    role: FileRole,
    globs: readonly string[],
    from: readonly string[],
    place: KeyPath,
  ): Promise<void> => {
    const added = new Set<string>();
    for (const [index, glob] of globs.entries()) {
      const matches = from.filter((path) => matchesAny(path, [glob]));
      // `patterns` may be a single text instead of a list.
      const globPlace = globs.length === 1 && role === 'pattern' ? place : [...place, index];
      if (matches.length === 0) {
        const found = `'${glob}', which matches nothing`;
        problems.push(
          source.problem(globPlace, {
            found,
            expected: `a file or glob in the ${checkout === undefined ? "task's folder" : 'checkout'}`,
            remedy: suggestWord(glob, from),
          }),
        );
      }
      for (const path of matches.filter((match) => !added.has(match))) {
        added.add(path);
        await add(role, path, globPlace);
      }
    }
  };

  await addGlobs('editable', spec.files?.editable ?? [], workspace, ['files', 'editable']);
  await addGlobs('protected', spec.files?.protected ?? [], workspace, ['files', 'protected']);
  await addGlobs('pattern', spec.patterns ?? [], all, ['patterns']);
  await addGlobs('data-input', spec.data?.inputs ?? [], all, ['data', 'inputs']);
  problems.push(...overlapping(files, source));
  for (const { start, overlay } of overlays) {
    const place = ['starts', start, 'overlay'];
    const paths = all.filter((path) => path.startsWith(`${overlay}/`));
    if (paths.length === 0)
      problems.push(source.problem(place, { expected: "a folder with files in the task's folder" }));
    for (const path of paths) {
      const target = path.slice(overlay.length + 1);
      if (matchesAny(target, spec.files?.editable ?? []) && !matchesAny(target, spec.files?.protected ?? [])) {
        await add('overlay', path, place);
      } else {
        const remedy = `Remove ${path}, or make ${target} editable`;
        problems.push(
          source.problem(place, {
            found: `'${overlay}' with ${target}`,
            expected: 'only files that are editable',
            remedy,
          }),
        );
      }
    }
  }
  const requirements = spec.environment?.requirements;
  if (typeof requirements === 'string') {
    const place = ['environment', 'requirements'];
    if (all.includes(requirements)) await add('requirements', requirements, place);
    else
      problems.push(
        source.problem(place, { expected: "a file in the task's folder", remedy: suggestWord(requirements, all) }),
      );
  }
  return { files, problems };
}

function overlapping(files: readonly TaskFile[], source: YamlSource): Problem[] {
  const editable = new Set(files.filter(({ role }) => role === 'editable').map(({ path }) => path));
  const both = files.filter(({ role, path }) => role === 'protected' && editable.has(path)).map(({ path }) => path);
  if (both.length === 0) return [];
  const expected = 'no file that is editable too';
  return [
    source.problem(['files', 'protected'], { found: both.join(', '), expected, remedy: 'Narrow one of the globs' }),
  ];
}
