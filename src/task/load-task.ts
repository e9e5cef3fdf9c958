import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError, describeError, systemErrorCode } from '../errors.ts';
import { openCheckout } from './checkout-files.ts';
import { checkPhases } from './check-phases.ts';
import { checkRequirements } from './check-requirements.ts';
import { checkSearch } from './check-search.ts';
import { type CollectedFiles, collectFiles } from './collect-files.ts';
import { taskJsonSchema } from './json-schema.ts';
import { loadPatterns } from './load-patterns.ts';
import type { Pattern } from './patterns.ts';
import { type Problem, TaskError, sortProblems } from './problem.ts';
import { type TaskSpec, taskSchema, taskSections } from './schema.ts';
import { schemaProblems, unknownKeyProblem } from './schema-problems.ts';
import { shippedTaskNames } from './shipped-tasks.ts';
import type { Task } from './task.ts';
import { canonicalJson, listFiles, matchesAny, sha256 } from './task-files.ts';
import { type YamlSource, readYaml } from './yaml-source.ts';

/**
 * Reads the task in a folder.
 *
 * @throws TaskError (a UserError) with all mistakes at once, each with file, line, what was found and what to do.
 */
export async function loadTask(path: string): Promise<Task> {
  const { folder, name, text } = await openTask(path);
  const { source, problems } = readYaml(name, text);
  if (source.value === undefined) throw new TaskError(folder, problems);
  const spec = checkSections(source, problems);
  problems.push(...checkPhases(source, spec), ...checkSearch(source, spec));
  const { checkout, problems: checkoutProblems } = await openCheckout(folder, source, spec);
  problems.push(...checkoutProblems);
  // Without its checkout every glob of the task would be a mistake too.
  const { files: _globs, ...withoutGlobs } = spec;
  const usable = checkoutProblems.length > 0 ? withoutGlobs : spec;
  const collected = await collectFiles(folder, await listFiles(folder), source, usable, checkout);
  const { requirements, problems: requirementProblems } = checkRequirements(source, spec, collected.files);
  const { patterns, problems: patternProblems } = loadPatterns(
    collected.files.filter(({ role }) => role === 'pattern'),
    { editable: spec.files?.editable ?? [], starts: collected.problems.length > 0 ? [] : startTexts(collected, spec) },
  );
  problems.push(...collected.problems, ...requirementProblems, ...patternProblems);
  if (problems.length > 0) throw new TaskError(folder, sortProblems(problems));
  return createTask(folder, name, taskSchema.parse(source.value), collected, patterns, requirements);
}

async function openTask(path: string): Promise<{ folder: string; name: string; text: string }> {
  try {
    const folder = await realpath((await stat(path)).isDirectory() ? path : join(path, '..'));
    for (const name of ['task.yaml', 'task.yml']) {
      try {
        return { folder, name, text: await readFile(join(folder, name), 'utf8') };
      } catch (error) {
        if (systemErrorCode(error) !== 'ENOENT') throw error;
      }
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT')
      throw new UserError('task-missing', `there is no folder ${path}`, givenTask());
    throw new UserError(
      'task-unreadable',
      `the task in ${path} cannot be read: ${describeError(error)}`,
      'Check the permissions of the folder',
      { cause: error },
    );
  }
  throw new UserError(
    'task-missing',
    `${path} is no task: it has no task.yaml`,
    `${givenTask()}; docs/reference/task.schema.json says what task.yaml may hold`,
  );
}

function givenTask(): string {
  return `Give the folder of a task, or one that ships with Assay: ${shippedTaskNames().join(', ')}`;
}

/** Each section on its own: what is right in one can be checked further although another is wrong. */
function checkSections(source: YamlSource, problems: Problem[]): Partial<TaskSpec> {
  const value = source.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(source.problem([], { expected: 'a mapping with name, objective, files and phases' }));
    return {};
  }
  const spec: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (!(key in taskSections)) problems.push(unknownKeyProblem(source, [key], Object.keys(taskSections)));
  }
  for (const [key, section] of Object.entries(taskSections)) {
    const isMissing = !(key in value);
    if (isMissing && section.type === 'optional') continue;
    const parsed = section.safeParse((value as Record<string, unknown>)[key]);
    if (parsed.success) spec[key] = parsed.data;
    else problems.push(...schemaProblems(source, taskJsonSchema(), parsed.error.issues, [key]));
  }
  return spec;
}

/** Where the checkout lies is a fact of the machine; what it holds is hashed file by file. */
function withoutPlace({ source, ...spec }: TaskSpec): object {
  if (source === undefined) return spec;
  const { checkout: _place, ...what } = source;
  return { ...spec, source: what };
}

type FilesByStart = (start: string) => Map<string, Buffer>;

function filesByStart({ files }: CollectedFiles, starts: TaskSpec['starts']): FilesByStart {
  return (start) => {
    const laid = new Map<string, Buffer>();
    for (const { role, path, content } of files) {
      if (role === 'editable' || role === 'protected') laid.set(path, content);
    }
    const overlay = starts[start]?.overlay;
    for (const { role, path, content } of files) {
      if (role === 'overlay' && overlay !== undefined && path.startsWith(`${overlay}/`))
        laid.set(path.slice(overlay.length + 1), content);
    }
    return laid;
  };
}

function startTexts(collected: CollectedFiles, { starts = {} }: Partial<TaskSpec>): Map<string, string>[] {
  const laid = filesByStart(collected, starts);
  return Object.keys(starts).map(
    (start) => new Map([...laid(start)].map(([path, content]) => [path, content.toString('utf8')])),
  );
}

function createTask(
  folder: string,
  name: string,
  spec: TaskSpec,
  collected: CollectedFiles,
  patterns: readonly Pattern[],
  requirements: readonly string[],
): Task {
  const laid = filesByStart(collected, spec.starts);
  const [first = 'default', ...others] = Object.keys(spec.starts);
  const listed = collected.files.map(({ path, role, sha256: hash }) => [path, role, hash]);
  const isProtected = (path: string): boolean => matchesAny(path, spec.files.protected);
  return {
    folder,
    file: join(folder, name),
    name: spec.name,
    title: spec.title ?? spec.name,
    description: spec.description ?? '',
    spec,
    starts: [first, ...others],
    files: collected.files,
    patterns,
    requirements,
    hash: sha256(canonicalJson({ spec: withoutPlace(spec), files: listed })),
    filesFor: (start = first) => {
      if (spec.starts[start] !== undefined) return laid(start);
      throw new UserError(
        'start-unknown',
        `the task '${spec.name}' has no starting point '${start}'`,
        `It has: ${[first, ...others].join(', ')}`,
      );
    },
    isEditable: (path) => matchesAny(path, spec.files.editable) && !isProtected(path),
    isProtected,
  };
}
