import { UserError } from '../errors.ts';

/** One mistake in a file of a task, with everything needed to find and repair it. */
export interface Problem {
  /** Path of the file, from the task's folder. */
  readonly file: string;
  /** Both count from 1. Undefined: the mistake has no place in the file (the file is missing, say). */
  readonly line?: number;
  readonly column?: number;
  /** `phases[0].budget.limit`; empty for the file as a whole. */
  readonly path: string;
  /** The value as it stands in the file. Undefined: nothing is there. */
  readonly found?: string;
  readonly expected: string;
  /** A sentence that says what to do. */
  readonly remedy?: string;
}

/** `task.yaml:5:14 objective.direction: found 'up', expected 'minimize' or 'maximize'. Did you mean …?` */
export function describeProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
  const path = problem.path === '' ? '' : ` ${problem.path}`;
  const found = problem.found === undefined ? 'missing' : `found ${problem.found}`;
  const remedy = problem.remedy === undefined ? '' : `. ${problem.remedy}`;
  return `${place}${path}: ${found}, expected ${problem.expected}${remedy}`;
}

/** A task that cannot be used. All its mistakes are in the message, one a line. */
export class TaskError extends UserError {
  readonly problems: readonly Problem[];

  constructor(folder: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
    super(
      'task-invalid',
      `the task in ${folder} has ${count}:\n${problems.map((problem) => `  ${describeProblem(problem)}`).join('\n')}`,
      'Correct the lines above. Every key is explained in docs/reference/task.schema.json.',
    );
    this.problems = problems;
  }
}

/** In document order, so that the first line is the first to repair. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(
    (left, right) =>
      Number(left.file !== right.file) * left.file.localeCompare(right.file) ||
      (left.line ?? 0) - (right.line ?? 0) ||
      (left.column ?? 0) - (right.column ?? 0),
  );
}
