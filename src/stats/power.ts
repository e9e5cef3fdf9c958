import { requireCount, requirePositive, requireProbability } from './argument-checks.ts';
import { normalCdf, normalQuantile } from './normal.ts';

export type PairedDesign = {
  /** True gain to detect, in units of the metric. */
  readonly gain: number;
  /** Standard deviation of one paired difference. */
  readonly sigma: number;
  /** One-sided. */
  readonly alpha: number;
};

/**
 * Pairs needed by a one-sided paired test with known sigma: n = ((z_alpha + z_power) sigma / gain)^2, rounded up.
 * With sigma estimated from the same few pairs the t-test needs about z_alpha^2 / 2 more.
 */
export function pairsForPower(design: PairedDesign & { readonly power: number }): number {
  checkDesign(design);
  requireProbability('power', design.power);
  const z = normalQuantile(1 - design.alpha) + normalQuantile(design.power);
  return z <= 0 ? 1 : Math.ceil(((z * design.sigma) / design.gain) ** 2 - 1e-9);
}

/** Chance that n pairs detect the gain. */
export function powerOfPairs(design: PairedDesign & { readonly n: number }): number {
  checkDesign(design);
  requireCount('n', design.n, 1);
  return normalCdf((design.gain / design.sigma) * Math.sqrt(design.n) - normalQuantile(1 - design.alpha));
}

function checkDesign(design: PairedDesign): void {
  requirePositive('gain', design.gain);
  requirePositive('sigma', design.sigma);
  requireProbability('alpha', design.alpha);
}
