import type { CampaignState, NoiseFloor } from '../../domain/state.ts';
import { sigmaUpperBound } from '../../stats/noise-floor.ts';
import type { GateRules } from './rules.ts';

/** With fewer, what is known of whole trials is taken for screens too. */
const FEWEST_DEGREES = 3;

/**
 * The standard deviation that decisions use: an upper confidence bound, never below the task's floor. It shrinks to the estimate as
 * runs accumulate, so that the gate is careful exactly as long as it knows little.
 */
export function cautiousSigma(input: { sigma: number; degrees: number; mean: number; floor: number }): number {
  const { sigma, degrees, mean, floor } = input;
  // A metric without any noise still has rounding.
  return Math.max(sigmaUpperBound(sigma, degrees), floor, Math.abs(mean) * 1e-9, 1e-12);
}

export interface Spread {
  /** Variance of one paired difference (candidate minus reference on one seed), as the decisions take it. */
  readonly variance: number;
  /** Standard deviation of one trial that corresponds to it. */
  readonly sigma: number;
  readonly degrees: number;
  /** Size of a gain that would be interesting: the scale of the mixture. */
  readonly tau: number;
  readonly source: string;
}

/**
 * The spread of a paired difference: what repeated baselines say (twice the variance of a trial, as if pairing did not help) pooled
 * with the within-experiment spread of all pairs that the campaign has seen (where pairing shows its worth).
 */
export function currentSpread(state: CampaignState, noise: NoiseFloor, rules: GateRules): Spread {
  const { sumOfSquares, degrees: pairDegrees } = state.pairedDifferences;
  const baselineDegrees = Math.max(1, noise.runs - 1);
  const degrees = baselineDegrees + pairDegrees;
  const pooled = (baselineDegrees * 2 * noise.sigma ** 2 + sumOfSquares) / degrees;
  const sigma = cautiousSigma({ sigma: Math.sqrt(pooled / 2), degrees, mean: noise.mean, floor: rules.sigmaFloor });
  return {
    variance: 2 * sigma ** 2,
    sigma,
    degrees,
    tau: Math.max(rules.minimumGain, sigma),
    source: `${noise.runs} baseline runs and ${pairDegrees} degrees of freedom of paired differences`,
  };
}

/** The spread of a screening pair. Screens that are apart from other trials have their own, as soon as references were screened again. */
export function screenSpread(state: CampaignState, noise: NoiseFloor, rules: GateRules): Spread {
  const whole = currentSpread(state, noise, rules);
  const { screenNoise } = state;
  if (!screenNoise || screenNoise.degrees < FEWEST_DEGREES) return whole;
  const { sumOfSquares, degrees } = screenNoise;
  const mean = screenNoise.references.at(-1)?.mean ?? noise.mean;
  const sigma = cautiousSigma({ sigma: Math.sqrt(sumOfSquares / degrees), degrees, mean, floor: rules.sigmaFloor });
  const source = `${degrees} degrees of freedom of references that were screened`;
  return { ...whole, variance: 2 * sigma ** 2, sigma, degrees, source };
}

/** What one screening pair says of the gain, under a prior N(0, tau²) that is never narrower than what was seen. */
export function beliefAfterScreen(screenGain: number, spread: Spread): { mean: number; sd: number } {
  const prior = Math.max(spread.tau, Math.abs(screenGain)) ** 2;
  return {
    mean: (screenGain * prior) / (prior + spread.variance),
    sd: Math.sqrt((prior * spread.variance) / (prior + spread.variance)),
  };
}
