import { runsAt } from '../domain/trial.ts';
import type { TaskSpec } from './schema.ts';

/**
 * Whether screens run other phases than replications (one of their own, or one less) or one that the baseline lacks, so that their values
 * compare with each other alone.
 */
export function screensApart({ phases }: Pick<TaskSpec, 'phases'>): boolean {
  return phases.some((phase) => {
    const isScreened = runsAt(phase, 'screen');
    return isScreened !== runsAt(phase, 'replicate') || (isScreened && !runsAt(phase, 'baseline'));
  });
}
