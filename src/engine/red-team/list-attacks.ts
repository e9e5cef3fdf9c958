import { guardCases } from '../../audit/red-team/choose-guards.ts';
import { loadFragments } from '../../audit/red-team/load-fragments.ts';
import { loadTask } from '../../task/load-task.ts';

/** One exploit or control that fits a task. */
export interface FittingAttack {
  readonly id: string;
  readonly kind: 'canary' | 'control';
  readonly classes: readonly string[];
  /** Audits of which one must fire; empty for a control. */
  readonly expects: readonly string[];
  readonly does: string;
}

/**
 * What `assay redteam` would run on a task: exploits first, then controls, each in the order of their ids. Runs nothing.
 *
 * @throws UserError when the task or the start is wrong.
 */
export async function listAttacks(
  taskFolder: string,
  wished?: string,
): Promise<{ readonly task: string; readonly attacks: readonly FittingAttack[] }> {
  const task = await loadTask(taskFolder);
  const start = wished ?? task.starts[0];
  task.filesFor(start);
  const attacks = guardCases({ task, start, fragments: await loadFragments() })
    .map(({ id, kind, classes, expects, does }): FittingAttack => ({ id, kind, classes, expects, does }))
    .toSorted((a, b) => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1));
  return { task: task.name, attacks };
}
