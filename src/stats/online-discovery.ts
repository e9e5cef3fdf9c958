import { requireCount, requireProbability } from './argument-checks.ts';

/**
 * 1 / sum over t >= 1 of 1 / ((t + 1) ln^2(t + 1)). The sum is 2.10974280...: the first million terms plus the tail,
 * whose integral is 1 / ln(10^6 + 2), stay below 2.10975, so the weights sum to at most 1.
 */
const weightConstant = 1 / 2.10975;

/** Share gamma_t of the error budget given to the t-th test, t = 1, 2, ... The shares sum to at most 1. */
export function discoveryWeight(testIndex: number): number {
  requireCount('testIndex', testIndex, 1);
  return weightConstant / ((testIndex + 1) * Math.log(testIndex + 1) ** 2);
}

export type GrantedLevelOptions = {
  /** False-discovery rate allowed over the whole campaign. */
  readonly alpha: number;
  /** 1 for the first hypothesis ever tested. Every attempt counts, also repeated and inconclusive ones. */
  readonly testIndex: number;
  /** Hypotheses accepted before this test began. */
  readonly rejectionsBefore: number;
};

/**
 * The level of the e-LOND procedure (Xu and Ramdas 2024, "Online multiple testing with e-values"): accept the hypothesis
 * when its e-value is at least 1 / level. The false-discovery rate stays at or below alpha under any dependence between the
 * tests. Fix the level before the test's first pair; then "e-value ever reached 1 / level" is itself a valid e-value.
 */
export function grantedLevel(options: GrantedLevelOptions): number {
  requireProbability('alpha', options.alpha);
  requireCount('rejectionsBefore', options.rejectionsBefore);
  return Math.min(1, options.alpha * discoveryWeight(options.testIndex) * (options.rejectionsBefore + 1));
}

/** The e-value that a test must reach: 1 / grantedLevel. */
export function neededEValue(options: GrantedLevelOptions): number {
  return 1 / grantedLevel(options);
}
