import type { Interval } from './hypothesis.ts';
import type { FailureKind } from './trial.ts';

export type VerdictKind = 'keep' | 'near-miss' | 'inconclusive' | 'discard' | 'suspected-hack' | 'failed';

/** The stage of the gate at which an experiment ended. */
export type GateStage = 'implement' | 'static' | 'screen' | 'replicate' | 'confirm';

/**
 * A rule of the task that a confirmation is held to, by name. `pairwise`: better than its reference. `spread`: its pairs vary as others
 * do, or its evidence stands up to its own spread. `target`: better than a fixed value. `hidden`: better on data that no search stage
 * scored. `not-worse`: a removal that loses less than the smallest gain of interest.
 */
export interface RuleOutcome {
  readonly rule: 'pairwise' | 'spread' | 'target' | 'hidden' | 'not-worse';
  readonly holds: boolean;
  /** What was measured against what, in numbers. */
  readonly detail: string;
}

/** The numbers behind a verdict. Gains are in the metric's units, positive is better. */
export interface Evidence {
  /**
   * What a keep says. Absent: a gain. `not-worse`: the candidate is simpler and loses less than the smallest gain of interest; it is no
   * discovery, and its gain counts as 0.
   */
  readonly claim?: 'not-worse';
  /** Every rule that the confirmation (or the ablation) was held to. */
  readonly rules?: readonly RuleOutcome[];
  /** Of an ablation: what the change that was taken out carries in its present company, with its 95 % interval. */
  readonly carries?: { readonly gain: number; readonly interval: Interval };
  /** Difference of the screening pair. */
  readonly screenGain?: number;
  /** Posterior probability, after the screen, that the gain exceeds the smallest gain of interest. */
  readonly screenProbability?: number;
  readonly replicatePairs?: number;
  readonly replicateMeanGain?: number;
  /** Evidence against 'no gain' from the replication pairs alone. */
  readonly eValue?: number;
  /** The e-value that online false-discovery control asked for. */
  readonly eValueNeeded?: number;
  /** Which test of the campaign this was (the first is 1). */
  readonly testIndex?: number;
  readonly confirmPairs?: number;
  readonly confirmMeanGain?: number;
  readonly confirmInterval?: Interval;
  readonly confirmP?: number;
  readonly hiddenMeanGain?: number;
  /** The estimate to quote: the confirmed gain shrunk for selection. */
  readonly shrunkenGain?: number;
  /** Standard deviation of one trial used in the decisions, and where it came from. */
  readonly sigma?: number;
  readonly sigmaSource?: string;
}

export interface Verdict {
  readonly kind: VerdictKind;
  readonly stage: GateStage;
  /** Present exactly when kind is 'failed'. */
  readonly failure?: FailureKind | 'conflict';
  /** Plain words, most important first; never empty. */
  readonly reasons: readonly [string, ...string[]];
  readonly evidence: Evidence;
}
