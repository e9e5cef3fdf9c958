import { requireFinite, requirePositive } from './argument-checks.ts';

export type DriftPoint = {
  /** Exponentially weighted mean, in units of the metric. */
  readonly average: number;
  /** The average may lie this far from the centre before it counts as drift. */
  readonly limit: number;
  readonly isDrifting: boolean;
};

export type DriftChartOptions = {
  /** Expected value of the baseline. */
  readonly centre: number;
  /** Standard deviation of one baseline measurement. */
  readonly sigma: number;
  /** Weight of the newest value. Default 0.2. */
  readonly weight?: number;
  /** Width of the limits in standard deviations of the average. Default 3, a false alarm about every 560 values. */
  readonly width?: number;
};

/** EWMA control chart (Roberts 1959; limits of Lucas and Saccucci 1990, exact for the first values). One point for each value. */
export function driftChart(values: readonly number[], options: DriftChartOptions): DriftPoint[] {
  const { centre, sigma, weight = 0.2, width = 3 } = options;
  requireFinite('centre', centre);
  requirePositive('sigma', sigma);
  requirePositive('width', width);
  if (!(weight > 0 && weight <= 1)) throw new RangeError(`weight must be above 0 and at most 1, got ${weight}`);
  let average = centre;
  return values.map((value, index) => {
    requireFinite(`values[${index}]`, value);
    average = weight * value + (1 - weight) * average;
    const limit = sigma * driftLimit({ points: index + 1, weight, width });
    return { average, limit, isDrifting: Math.abs(average - centre) > limit };
  });
}

/** How far the average of so many points may lie from the centre, in standard deviations of one measurement. */
export function driftLimit(options: {
  readonly points: number;
  readonly weight?: number;
  readonly width?: number;
}): number {
  const { points, weight = 0.2, width = 3 } = options;
  return width * Math.sqrt((weight / (2 - weight)) * (1 - (1 - weight) ** (2 * points)));
}
