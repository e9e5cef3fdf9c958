import type { Stage } from './trial.ts';

/**
 * Whose values compare: search and confirmation may score different data, and screens that are shorter train something else. Values of
 * two kinds are never averaged, charted or set against each other.
 */
export type Scored = 'screen' | 'search' | 'confirm';

/** @param screensApart the task has phases of its own for screens: a shorter run, say. */
export function scoredAt(stage: Stage, screensApart: boolean): Scored {
  if (stage === 'confirm' || stage === 'final') return 'confirm';
  return stage === 'screen' && screensApart ? 'screen' : 'search';
}
