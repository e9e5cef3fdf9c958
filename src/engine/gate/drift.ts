import { DRIFT_WEIGHT } from '../../domain/drift.ts';
import { experimentOf, measuresNoise, type CampaignState } from '../../domain/state.ts';
import { driftLimit } from '../../stats/drift-chart.ts';

/**
 * Whether the machine is no longer what it was when the noise floor was measured: the exponentially weighted mean of what references
 * measured has left its limits of three standard deviations (a false alarm about every 560 runs of references, if sigma is right).
 *
 * Pairs are run side by side, so a drift biases no verdict; it makes the noise floor, which says what a screen is worth, out of date.
 */
export function hasDrifted({ drift }: CampaignState): boolean {
  if (!drift || drift.points === 0) return false;
  return Math.abs(drift.average) > driftLimit({ points: drift.points, weight: DRIFT_WEIGHT });
}

export function isMeasuringNoise(state: CampaignState): boolean {
  return [...state.open].some((id) => measuresNoise(experimentOf(state, id)));
}
