/** The benchmarks whose contracts are known. */
export const CONTRACTS = ['speedrun-track-1', 'speedrun-track-3', 'nanochat'] as const;
export type ContractName = (typeof CONTRACTS)[number];

/** What was published of a series of runs: every value, or only how many, their mean and their sample standard deviation. */
export type Measured = readonly number[] | SummaryStatistics;

export interface SummaryStatistics {
  readonly n: number;
  readonly mean: number;
  /** With divisor n - 1. Undefined: not published. */
  readonly sd?: number | undefined;
}

export interface Track1Claim {
  readonly contract: 'speedrun-track-1';
  readonly claim: { readonly loss: Measured; readonly seconds?: Measured | undefined };
  /** The record to beat. */
  readonly baseline?: Track1Baseline | undefined;
}

export interface Track1Baseline {
  readonly seconds: Measured;
  readonly loss?: Measured | undefined;
  /** It was run again on the hardware of the claim. A time from elsewhere is no baseline. */
  readonly sameHardware: boolean;
}

export interface Track3Claim {
  readonly contract: 'speedrun-track-3';
  readonly claim: Track3Side;
  /** The result that the claim says to improve on. Undefined: only validity is checked. */
  readonly predecessor?: Track3Side | undefined;
}

export interface Track3Side {
  readonly loss: Measured;
  /** The step at which every one of the runs was read. */
  readonly steps: number;
}

export interface NanochatClaim {
  readonly contract: 'nanochat';
  readonly claim: NanochatSide;
  readonly baseline: NanochatSide & { readonly sameHardware: boolean };
  /** The i-th run of both sides shares its seed or its slot: the differences are tested. */
  readonly paired: boolean;
}

export interface NanochatSide {
  /** Validation bits per byte. */
  readonly bpb: Measured;
  /** One a run. Undefined: not published. */
  readonly seeds?: readonly number[] | undefined;
}

/** What somebody says to have measured, ready to be checked. */
export type PublicClaim = Track1Claim | Track3Claim | NanochatClaim;

/**
 * - `accepted`: the numbers meet the contract.
 * - `rejected`: they don't.
 * - `valid-but-not-pairwise-significant`: they reach the target, but do not show that the predecessor would not have.
 * - `unusable`: they can't be judged: missing, doubled, not finite, in another unit.
 */
export type ClaimOutcome = 'accepted' | 'rejected' | 'valid-but-not-pairwise-significant' | 'unusable';

/** One condition of a contract with everything that went into it. */
export interface ClaimCheck {
  readonly name: string;
  /** The condition in words. */
  readonly asked: string;
  readonly passed: boolean;
  readonly numbers: Readonly<Record<string, number>>;
}

export interface Verification {
  readonly contract: ContractName;
  readonly outcome: ClaimOutcome;
  /** Sentences; at least one. */
  readonly reasons: readonly string[];
  /** True and worth knowing, but decides nothing. */
  readonly warnings: readonly string[];
  readonly checks: readonly ClaimCheck[];
}

export function unusable(contract: ContractName, reasons: readonly string[]): Verification {
  return { contract, outcome: 'unusable', reasons, warnings: [], checks: [] };
}
