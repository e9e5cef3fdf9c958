import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

import { namesOf } from './knobs.ts';
import { suggestWord } from './nearest-word.ts';
import { type Problem, sortProblems } from './problem.ts';
import { scanConstants } from './scan-constants.ts';
import type { Task } from './task.ts';
import { readYaml } from './yaml-source.ts';

interface NamedAt {
  readonly name: string;
  readonly path: readonly (string | number)[];
  readonly atKey: boolean;
}

/**
 * Names in the task's `knobs` that stand for no constant of any starting point, and for none that a pattern brings in: mistyped,
 * or gone from the files.
 *
 * @param python absolute path of an interpreter
 */
export async function checkKnobNames(python: string, task: Task): Promise<readonly Problem[]> {
  const inStarts = await constantsOfStarts(python, task);
  const inPatterns = new Set(constantsOfPatterns(task));
  const { only = [], exclude, set } = task.spec.knobs;
  const named: readonly NamedAt[] = [
    ...only.map((name, index): NamedAt => ({ name, path: ['knobs', 'only', index], atKey: false })),
    ...exclude.map((name, index): NamedAt => ({ name, path: ['knobs', 'exclude', index], atKey: false })),
    ...Object.keys(set).map((name): NamedAt => ({ name, path: ['knobs', 'set', name], atKey: true })),
  ];
  // How many elements a constant of a pattern has isn't looked at.
  const unknown = named.filter(({ name }) => !inStarts.has(name) && !inPatterns.has(name.replace(/\[.*$/, '')));
  if (unknown.length === 0) return [];
  const { source } = readYaml(basename(task.file), await readFile(task.file, 'utf8'));
  const problems = unknown.map(({ name, path, atKey }) => {
    const remedy = suggestWord(name, [...inStarts, ...inPatterns]) ?? 'Correct the name, or leave it out';
    const expected = 'a constant of a starting point, or of a pattern';
    return source.problem(path, { atKey, found: `'${name}'`, expected, remedy });
  });
  return sortProblems(problems);
}

async function constantsOfStarts(python: string, task: Task): Promise<Set<string>> {
  const names = new Set<string>();
  for (const start of task.starts) {
    const texts = [...task.filesFor(start)]
      .filter(([path]) => path.endsWith('.py') && task.isEditable(path))
      .map(([path, content]) => [path, content.toString('utf8')] as const);
    for (const [file, result] of await scanConstants(python, new Map(texts)))
      if ('constants' in result)
        for (const { name } of result.constants) for (const alias of namesOf(file, name)) names.add(alias);
  }
  return names;
}

/** By the look of their lines: a part of a file can't be parsed. */
function constantsOfPatterns({ patterns }: Task): string[] {
  return patterns
    .flatMap((pattern) => pattern.edits)
    .flatMap(({ file, replace }) =>
      [...unindented(replace).matchAll(/^([A-Z_]\w*)\s*(?::[^=\n]+)?=(?!=)/gm)].flatMap(([, name = '']) =>
        namesOf(file, name),
      ),
    );
}

/** Without the indentation that all lines share. */
function unindented(text: string): string {
  const lines = text.split('\n');
  const depths = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const depth = depths.length === 0 ? 0 : Math.min(...depths);
  return lines.map((line) => line.slice(depth)).join('\n');
}
