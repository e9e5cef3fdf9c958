import type { CandidateId, ExperimentId } from './ids.ts';

export type HypothesisKind =
  | 'algorithmic'
  | 'hyper-parameter'
  | 'systems'
  | 'simplification'
  | 'combination'
  | 'ablation'
  | 'replication';

/** Which move of the search made the proposal. The bandit shares the budget among these. */
export type Operator = 'baseline' | 'guard' | 'tune' | 'pattern' | 'combine' | 'ablate' | 'replicate' | 'invent';

/** Operators that test no hypothesis: the starting point, the champion beside it, and the guards of a batch. */
export function isMeasurement(operator: Operator): operator is 'baseline' | 'guard' {
  return operator === 'baseline' || operator === 'guard';
}

/** A closed interval. For gains: in the metric's units, positive is better whatever the direction. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** What is believed and why. */
export interface Hypothesis {
  readonly kind: HypothesisKind;
  /** What is expected, in one sentence. */
  readonly statement: string;
  /** Why, with the source where there is one. */
  readonly rationale: string;
  /** Where the proposer expects the gain over the parent to fall, four times out of five. Undefined: no prediction made. */
  readonly predictedGain?: Interval;
}

/** A value of a module-level constant, as Python's literals have them. */
export type KnobValue = number | boolean | string | readonly KnobValue[];

/**
 * How a candidate differs from its parent(s). Only data: the same change on the same parent gives the same tree.
 */
export type Change =
  | { readonly type: 'none' }
  | { readonly type: 'knobs'; readonly values: Readonly<Record<string, KnobValue>> }
  | { readonly type: 'pattern'; readonly pattern: string; readonly action: 'apply' | 'remove' }
  | { readonly type: 'merge'; readonly other: CandidateId; readonly otherExperiment: ExperimentId }
  | { readonly type: 'undo'; readonly experiment: ExperimentId; readonly change: Change }
  | { readonly type: 'files'; readonly files: Readonly<Record<string, string | null>> }
  | { readonly type: 'diff'; readonly diff: string };

export interface Proposal {
  readonly operator: Operator;
  /** Who proposed: the proposer's name, for credit and for the bandit. */
  readonly proposer: string;
  /** The experiment whose candidate is changed and that the new candidate is measured against. */
  readonly parent: ExperimentId;
  readonly hypothesis: Hypothesis;
  readonly change: Change;
}
