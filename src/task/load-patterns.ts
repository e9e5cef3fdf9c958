import { patternJsonSchema } from './json-schema.ts';
import { type Pattern, patternState } from './patterns.ts';
import type { Problem } from './problem.ts';
import { schemaProblems } from './schema-problems.ts';
import { patternSchema } from './schema-search.ts';
import { type TaskFile, matchesAny } from './task-files.ts';
import { type YamlSource, readYaml } from './yaml-source.ts';

export interface PatternContext {
  readonly editable: readonly string[];
  /** The editable files of every starting point. Empty: not known because of other mistakes. */
  readonly starts: readonly ReadonlyMap<string, string>[];
}

/** Reads the pattern files of a task and checks that each can be used with one of its starting points at least. */
export function loadPatterns(
  files: readonly TaskFile[],
  context: PatternContext,
): { patterns: Pattern[]; problems: Problem[] } {
  const patterns: Pattern[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const { source, problems: syntax } = readYaml(file.path, file.content.toString('utf8'));
    problems.push(...syntax);
    if (source.value === undefined) continue;
    const parsed = patternSchema.safeParse(source.value);
    if (!parsed.success) {
      problems.push(...schemaProblems(source, patternJsonSchema(), parsed.error.issues));
      continue;
    }
    const pattern = parsed.data;
    if (patterns.some(({ id }) => id === pattern.id)) {
      problems.push(source.problem(['id'], { expected: 'an id that no other pattern has' }));
    }
    problems.push(...checkEdits(source, pattern, context));
    patterns.push(pattern);
  }
  return { patterns, problems };
}

function checkEdits(source: YamlSource, pattern: Pattern, { editable, starts }: PatternContext): Problem[] {
  const problems: Problem[] = [];
  const { low, high } = pattern.predictedGain ?? { low: 0, high: 0 };
  if (low > high)
    problems.push(source.problem(['predicted_gain'], { expected: `'low' (${low}) not above 'high' (${high})` }));
  pattern.edits.forEach((edit, index) => {
    const path = ['edits', index];
    if (!matchesAny(edit.file, editable))
      problems.push(source.problem([...path, 'file'], { expected: 'an editable file' }));
    if (edit.find === edit.replace)
      problems.push(source.problem([...path, 'replace'], { expected: "another text than 'find'" }));
  });
  if (problems.length > 0 || starts.length === 0) return problems;
  if (starts.some((files) => patternState(files, pattern) !== 'inapplicable')) return [];
  const misfit = pattern.edits.findIndex((edit) =>
    starts.every((files) => occurrences(files.get(edit.file), edit.find) !== 1),
  );
  const index = Math.max(0, misfit);
  const edit = pattern.edits[index];
  const counts = starts.map((files) => occurrences(files.get(edit?.file ?? ''), edit?.find ?? ''));
  return [
    source.problem(['edits', index, 'find'], {
      found: `a text that occurs ${[...new Set(counts)].join(' or ')} times in ${edit?.file} of the starting points`,
      expected: "a pattern that fits one of them: each 'find' exactly once, its 'replace' not at all",
    }),
  ];
}

function occurrences(text: string | undefined, needle: string): number {
  return text === undefined ? 0 : text.split(needle).length - 1;
}
