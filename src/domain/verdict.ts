import type { Interval } from './hypothesis.ts';
import type { FailureKind } from './trial.ts';

export type VerdictKind = 'keep' | 'near-miss' | 'inconclusive' | 'discard' | 'suspected-hack' | 'failed';

/** The stage of the gate at which an experiment ended. */
export type GateStage = 'implement' | 'static' | 'screen' | 'replicate' | 'confirm';

/** The numbers behind a verdict. Gains are in the metric's units, positive is better. */
export interface Evidence {
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
