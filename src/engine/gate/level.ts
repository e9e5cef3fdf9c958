import { discoveryWeight } from '../../stats/online-discovery.ts';

/**
 * The level that the campaign's false-discovery budget grants to its next test, by e-LOND (Xu and Ramdas 2024):
 * `rate * weight(t) * (rejections before + 1)`; the test rejects when its whole e-value reaches 1 / level.
 *
 * A rejection that counts is a keep: fewer than the tests that reached their e-value, which only makes the levels stricter.
 *
 * Half of the weight is shared evenly by the tests up to the horizon that was fixed when the campaign was created, half goes to
 * a tail that never ends, so that a campaign that is extended again and again still holds its rate.
 */
export function grantedLevel(input: {
  falseDiscoveryRate: number;
  /** 1 for the first test of the campaign. */
  testIndex: number;
  rejectionsBefore: number;
  testHorizon: number;
}): number {
  const even = input.testIndex <= input.testHorizon ? 1 / input.testHorizon : 0;
  const weight = 0.5 * even + 0.5 * discoveryWeight(input.testIndex);
  return Math.min(1, input.falseDiscoveryRate * weight * (input.rejectionsBefore + 1));
}

/** Replication that passes on less evidence than this would only move its cost to confirmation. */
const LEAST_EVIDENCE = 5;

/**
 * What the replication's e-value has to reach. A keep needs both replication and confirmation, on data that are independent: passing
 * a fixed test at level c is an e-value of 1 / c (and 0 otherwise), e-values of independent data multiply, so replication has to
 * bring c / level of the whole 1 / level.
 */
export function neededReplicationEvidence(level: number, confirmLevel: number): number {
  return Math.max(LEAST_EVIDENCE, confirmLevel / level);
}
