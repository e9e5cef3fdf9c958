import { runsAt } from '../domain/trial.ts';
import type { TaskSpec } from './schema.ts';

/** Whether screens have phases of their own, so that their values compare with each other alone. */
export function screensApart({ phases }: Pick<TaskSpec, 'phases'>): boolean {
  return phases.some((phase) => runsAt(phase, 'screen') && !runsAt(phase, 'baseline'));
}
