import { requireSample } from './argument-checks.ts';

export function mean(values: readonly number[]): number {
  requireSample('values', values, 1);
  return sumOf(values) / values.length;
}

/** Sample variance with divisor n - 1, in squared units of the values. */
export function variance(values: readonly number[]): number {
  requireSample('values', values, 2);
  return squaredDeviations(values) / (values.length - 1);
}

/** Sample standard deviation with divisor n - 1. */
export function standardDeviation(values: readonly number[]): number {
  return Math.sqrt(variance(values));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between order statistics: type 7 of Hyndman and Fan 1996, NumPy's default. */
export function quantile(values: readonly number[], probability: number): number {
  requireSample('values', values, 1);
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`probability must be between 0 and 1, got ${probability}`);
  }
  const sorted = values.toSorted((left, right) => left - right);
  const position = (sorted.length - 1) * probability;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

/** Sum of (x - mean)^2. */
export function squaredDeviations(values: readonly number[]): number {
  const centre = mean(values);
  return sumOf(values.map((value) => (value - centre) ** 2));
}

export type PooledVariance = {
  /** In squared units of the values. */
  readonly variance: number;
  readonly df: number;
};

/**
 * The common variance of several groups that may have different means. Groups with one value carry no information and
 * are skipped; throws when no group has two.
 */
export function pooledVariance(groups: readonly (readonly number[])[]): PooledVariance {
  const useful = groups.filter((group) => group.length >= 2);
  const df = sumOf(useful.map((group) => group.length - 1));
  if (df < 1)
    throw new RangeError(`groups need at least one group with 2 values, got ${groups.length} groups with none`);
  return { variance: sumOf(useful.map(squaredDeviations)) / df, df };
}

/** Pearson's correlation; undefined when either side does not vary. */
export function correlation(left: readonly number[], right: readonly number[]): number | undefined {
  requireSample('left', left, 2);
  requireSample('right', right, 2);
  if (left.length !== right.length) {
    throw new RangeError(`left and right must have equal length, got ${left.length} and ${right.length}`);
  }
  const leftMean = mean(left);
  const rightMean = mean(right);
  const product = sumOf(left.map((value, index) => (value - leftMean) * ((right[index] as number) - rightMean)));
  const scale = Math.sqrt(squaredDeviations(left) * squaredDeviations(right));
  return scale === 0 ? undefined : Math.max(-1, Math.min(1, product / scale));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
