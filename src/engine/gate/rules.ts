import type { Direction } from '../../domain/events.ts';

/** The task's validity rule, as the gate uses it. Gains are in the metric's units, positive is better. */
export interface GateRules {
  readonly direction: Direction;
  /** Repeated runs of the unchanged start that measure the noise floor. */
  readonly baselineRuns: number;
  /** Smallest gain that is worth knowing of. */
  readonly minimumGain: number;
  /** Sigma of one trial is never taken to be smaller: a lucky calibration must not make the gate blind. */
  readonly sigmaFloor: number;
  /**
   * A screened candidate is replicated when replication would succeed with at least this probability, going by its screen. It
   * filters only; it spends no error budget.
   */
  readonly screenProbability: number;
  /** Replication stops for futility when more pairs would succeed with less than this probability. */
  readonly futilityProbability: number;
  readonly minPairs: number;
  readonly maxPairs: number;
  /** Chosen before, never changed in a campaign. */
  readonly confirmPairs: number;
  readonly finalPairs: number;
  /** Pairs of champion and champion without one change that an ablation runs, always all of them. */
  readonly ablationPairs: number;
  /** Rate of false keeps among keeps that online false-discovery control holds over the whole campaign. */
  readonly falseDiscoveryRate: number;
  /** One-sided level of the confirmation's own test. */
  readonly confirmLevel: number;
  /** Metric of data that no search stage scored; a confirmed gain must show there too. */
  readonly holdoutMetric?: string;
  /** A fixed value that a confirmed candidate must beat on its own, beside beating its reference. */
  readonly target?: TargetRule;
}

/** The threshold rule of a task ("a loss below 3.28 at p < 0.01"). */
export interface TargetRule {
  readonly value: number;
  /** One-sided level of the one-sample t-test of the candidate's confirmation runs against `value`. */
  readonly level: number;
  /** The metric of the result that must beat it. Default: the objective. */
  readonly metric?: string;
  /** Which side of the value is better. */
  readonly direction: Direction;
}

/** For a task that says nothing of its validity, given the noise that was measured. */
export const DEFAULT_GATE_RULES = {
  baselineRuns: 6,
  minimumGain: 0,
  sigmaFloor: 0,
  screenProbability: 0.1,
  futilityProbability: 0.05,
  minPairs: 1,
  maxPairs: 12,
  confirmPairs: 6,
  finalPairs: 6,
  ablationPairs: 6,
  falseDiscoveryRate: 0.05,
  confirmLevel: 0.05,
} as const satisfies Omit<GateRules, 'direction' | 'holdoutMetric' | 'target'>;
