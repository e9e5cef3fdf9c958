import type { CandidateId } from '../../domain/ids.ts';
import type { KnobSpace } from '../../search/knob-space.ts';
import type { Pattern, PatternState } from '../../task/patterns.ts';

/** What can be changed in a candidate without reading its code: its knobs and the task's patterns. */
export interface SearchSpace {
  readonly patterns: readonly Pattern[];
  /** Empty: the candidate has no constants that may be tuned. */
  knobs(candidate: CandidateId): Promise<KnobSpace>;
  patternStates(candidate: CandidateId): Promise<ReadonlyMap<string, PatternState>>;
}
