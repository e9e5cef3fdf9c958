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
  /** Rate of false keeps among keeps that online false-discovery control holds over the whole campaign. */
  readonly falseDiscoveryRate: number;
  /** One-sided level of the confirmation's own test. */
  readonly confirmLevel: number;
  /** Metric of data that no search stage scored; a confirmed gain must show there too. */
  readonly holdoutMetric?: string;
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
  falseDiscoveryRate: 0.05,
  confirmLevel: 0.05,
} as const satisfies Omit<GateRules, 'direction' | 'holdoutMetric'>;
