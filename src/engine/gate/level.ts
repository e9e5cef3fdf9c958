import { discoveryWeight } from '../../stats/online-discovery.ts';

/**
 * The level that the campaign's false-discovery budget grants to its next test, by e-LOND (Xu and Ramdas 2024):
 * `alpha * weight(t) * (rejections before + 1)`; the test rejects when its e-value reaches 1 / level.
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
