import { parseRequirement } from './environment/requirements.ts';
import type { Problem } from './problem.ts';
import type { TaskSpec } from './schema.ts';
import type { TaskFile } from './task-files.ts';
import type { YamlSource } from './yaml-source.ts';

/** The requirement lines of a task, from its list or from its file, without comments. */
export function checkRequirements(
  source: YamlSource,
  spec: Partial<TaskSpec>,
  files: readonly TaskFile[],
): { requirements: string[]; problems: Problem[] } {
  const listed = spec.environment?.requirements ?? [];
  const path = ['environment', 'requirements'];
  const file = files.find(({ role }) => role === 'requirements');
  const lines = typeof listed === 'string' ? (file?.content.toString('utf8').split('\n') ?? []) : listed;
  const requirements: string[] = [];
  const problems: Problem[] = [];
  lines.forEach((line, index) => {
    const requirement = line.replace(/(?:^|\s)#.*$/, '').trim();
    if (requirement === '') return;
    const parsed = parseRequirement(requirement);
    if ('mistake' in parsed) {
      const inFile = {
        file: file?.path ?? source.file,
        line: index + 1,
        column: 1,
        path: '',
        found: `'${requirement}'`,
        expected: parsed.mistake,
      };
      problems.push(
        typeof listed === 'string' ? inFile : source.problem([...path, index], { expected: parsed.mistake }),
      );
    } else {
      requirements.push(requirement);
    }
  });
  return { requirements, problems };
}
