import { makeObject } from '../../candidate/object-format.ts';
import type { Task } from '../../task/task.ts';
import type { ChangeRules } from './change-input.ts';

/** Variables that the judge gives to every candidate (docs/architecture/judge.md). */
const DOCUMENTED = ['ASSAY_SEED', 'ASSAY_OUTPUT', 'ASSAY_DATA', 'ASSAY_BUDGET_SECONDS', 'ASSAY_CLOCK_START'];
const FOLDERS = ['/workspace', '/output', '/tmp', '/dev/null'];
const IMPORT = /^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)|import[ \t]+([A-Za-z_][\w., \t]*))/gm;

/** What the audits of a change need to know of the task. */
export function changeRulesOf(task: Task): ChangeRules {
  const { spec } = task;
  const protectedFiles = new Map<string, Set<string>>();
  const ownFiles = new Set<string>();
  const modules = new Set<string>();
  for (const start of task.starts) {
    for (const [path, content] of task.filesFor(start)) {
      ownFiles.add(path);
      if (task.isProtected(path)) {
        const ids = protectedFiles.get(path) ?? new Set();
        protectedFiles.set(path, ids.add(makeObject('blob', content).id));
      }
      if (path.endsWith('.py')) for (const name of importsOf(content.toString('utf8'))) modules.add(name);
    }
  }
  for (const name of spec.environment.imports) modules.add(name.split('.')[0] ?? name);
  for (const requirement of task.requirements) {
    const name = /^[A-Za-z0-9][\w.-]*/.exec(requirement)?.[0];
    if (name !== undefined) modules.add(name.toLowerCase().replaceAll('-', '_'));
  }
  const processes = spec.phases.flatMap((phase) => (phase.peer ? [phase, phase.peer] : [phase]));
  const candidates = processes.filter(({ trust }) => trust === 'candidate');
  const judges = processes.filter(({ trust }) => trust === 'judge');
  return {
    isEditable: (path) => task.isEditable(path),
    isProtected: (path) => task.isProtected(path),
    maxDiffBytes: spec.files.maxDiffBytes,
    protectedFiles,
    ownFiles,
    modules,
    variables: new Set([
      ...DOCUMENTED,
      spec.seeds.variable,
      ...Object.keys(spec.environment.variables),
      ...candidates.flatMap(({ variables }) => Object.keys(variables)),
    ]),
    folders: [...new Set([...FOLDERS, ...candidates.flatMap(({ data }) => data.map(({ to }) => to))])],
    isReadByJudge:
      candidates.length === 0 || judges.some(({ command }) => command.some((word) => word.includes('{workspace}'))),
  };
}

/** Modules that a program imports, as far as its lines show; comments and texts may add some, which does no harm. */
function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].flatMap(([, from, list]) =>
    from === undefined ? (list ?? '').split(',').map((name) => name.trim().split(/[.\s]/)[0] ?? '') : [from],
  );
}
