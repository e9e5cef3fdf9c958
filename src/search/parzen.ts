import { logNormalCdf, normalCdf, normalQuantile } from '../stats/normal.ts';
import { standardDeviation } from '../stats/summary.ts';
import type { Random } from '../stats/random.ts';
import { cellOf, choiceIndexOf, positionOf, valueAt } from './knob-coordinate.ts';
import {
  choicesOf,
  type KnobDimension,
  type KnobSpace,
  type KnobValue,
  type KnobValues,
  type NumericKnob,
} from './knob-space.ts';

/** A mixture of product kernels over a knob space, one kernel for each observed point and one wide prior. */
export type ParzenEstimator = {
  readonly sample: (random: Random) => KnobValues;
  readonly logDensity: (values: KnobValues) => number;
};

export type ParzenOptions = {
  readonly space: KnobSpace;
  /** Points in any order; a knob that a point lacks has the prior kernel there, so the point says nothing about it. */
  readonly points: readonly KnobValues[];
  /** Relative weight of each point; the prior has weight 1. */
  readonly weights: readonly number[];
};

/** One coordinate of all kernels. */
type KernelColumn = {
  readonly sample: (kernel: number, random: Random) => KnobValue;
  /** Adds ln density of the value under each kernel to `sums`. */
  readonly addLogDensity: (value: KnobValue, sums: Float64Array) => void;
};

/**
 * Kernels are joint over all knobs ("multivariate" in Optuna; Falkner, Klein, Hutter 2018), so knobs that work well together
 * stay together. Numeric knobs: normals truncated to the range; integers take the mass of their cell; choices: one
 * observed value smoothed by the prior (Bergstra et al. 2011).
 */
export function createParzenEstimator(options: ParzenOptions): ParzenEstimator {
  const { space, points } = options;
  const weights = [...options.weights, 1];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const logWeights = Float64Array.from(weights, (weight) => Math.log(weight / total));
  const columns = space.map((knob) => createColumn(knob, points, space.length));
  return {
    sample: (random) => {
      const kernel = drawKernel(weights, total * random.uniform());
      return Object.fromEntries(
        space.map((knob, index) => [knob.name, columnAt(columns, index).sample(kernel, random)]),
      );
    },
    logDensity: (values) => {
      const sums = logWeights.slice();
      space.forEach((knob, index) => columnAt(columns, index).addLogDensity(values[knob.name] as KnobValue, sums));
      return logSumOfExponentials(sums);
    },
  };
}

function createColumn(knob: KnobDimension, points: readonly KnobValues[], dimensions: number): KernelColumn {
  const values = points.map((point) => point[knob.name]);
  if (knob.kind === 'float' || knob.kind === 'integer') return createNumericColumn(knob, values, dimensions);
  return createChoiceColumn(knob, values);
}

function createNumericColumn(
  knob: NumericKnob,
  values: readonly (KnobValue | undefined)[],
  dimensions: number,
): KernelColumn {
  const positions = values.map((value) => (typeof value === 'number' ? positionOf(knob, value) : undefined));
  const width = kernelWidth(positions, dimensions);
  // The last kernel, and every point without this knob, is the prior: centred, as wide as the range.
  const centres = new Float64Array(positions.length + 1).fill(0.5);
  const widths = new Float64Array(positions.length + 1).fill(1);
  positions.forEach((position, kernel) => {
    if (position === undefined) return;
    centres[kernel] = position;
    widths[kernel] = width;
  });
  // Minus the logarithm of each kernel's mass inside the range, and for floats of its width.
  const offsets = centres.map((centre, kernel) => {
    const scale = widths[kernel] as number;
    const mass = normalCdf((1 - centre) / scale) - normalCdf(-centre / scale);
    return -Math.log(mass) - (knob.kind === 'integer' ? 0 : Math.log(scale));
  });
  const addFloat = (value: number, sums: Float64Array): void => {
    const position = positionOf(knob, value);
    for (let kernel = 0; kernel < sums.length; kernel++) {
      const z = (position - (centres[kernel] as number)) / (widths[kernel] as number);
      sums[kernel] = (sums[kernel] as number) + (offsets[kernel] as number) - 0.5 * z * z;
    }
  };
  const cellMasses = new Map<number, Float64Array>();
  const addInteger = (value: number, sums: Float64Array): void => {
    let masses = cellMasses.get(value);
    if (!masses) {
      const cell = cellOf(knob, value);
      masses = centres.map((centre, kernel) => {
        const scale = widths[kernel] as number;
        return logMass((cell.low - centre) / scale, (cell.high - centre) / scale);
      });
      cellMasses.set(value, masses);
    }
    for (let kernel = 0; kernel < sums.length; kernel++) {
      sums[kernel] = (sums[kernel] as number) + (offsets[kernel] as number) + (masses[kernel] as number);
    }
  };
  return {
    sample: (kernel, random) =>
      valueAt(knob, sampleTruncated(centres[kernel] as number, widths[kernel] as number, random)),
    addLogDensity: (value, sums) => (knob.kind === 'integer' ? addInteger : addFloat)(value as number, sums),
  };
}

function createChoiceColumn(knob: KnobDimension, values: readonly (KnobValue | undefined)[]): KernelColumn {
  const choices = choicesOf(knob) ?? [];
  const indices = [...values.map((value) => (value === undefined ? undefined : choiceIndexOf(knob, value))), undefined];
  // Each kernel shares a prior of one observation over all kernels and choices.
  const prior = 1 / indices.length;
  const norm = 1 + choices.length * prior;
  const [logSame, logOther, logUnknown] = [
    Math.log((1 + prior) / norm),
    Math.log(prior / norm),
    -Math.log(choices.length),
  ];
  return {
    sample: (kernel, random) => {
      const observed = indices[kernel];
      const isObserved = observed !== undefined && random.uniform() * norm < 1;
      return isObserved ? (choices[observed] as KnobValue) : random.pick(choices);
    },
    addLogDensity: (value, sums) => {
      const index = choiceIndexOf(knob, value);
      for (let kernel = 0; kernel < sums.length; kernel++) {
        const observed = indices[kernel];
        const logShare = observed === undefined ? logUnknown : observed === index ? logSame : logOther;
        sums[kernel] = (sums[kernel] as number) + logShare;
      }
    },
  };
}

/**
 * Scott's rule on the spread of the points (Scott 1992), so that kernels narrow as the good points gather. At most Optuna's
 * fixed 0.2 of the range times the same power of n, at least Bergstra's "magic clip" of 1 / min(100, n + 2).
 */
function kernelWidth(positions: readonly (number | undefined)[], dimensions: number): number {
  const known = positions.filter((position) => position !== undefined);
  const scott = Math.max(known.length, 1) ** (-1 / (dimensions + 4));
  const spread = known.length < 2 ? 0.2 : Math.min(0.2, standardDeviation(known));
  return Math.max(spread * scott, 1 / Math.min(100, known.length + 2));
}

function sampleTruncated(centre: number, scale: number, random: Random): number {
  const low = normalCdf(-centre / scale);
  const high = normalCdf((1 - centre) / scale);
  const probability = low + random.uniform() * (high - low);
  if (probability <= 0 || probability >= 1) return centre;
  return centre + scale * normalQuantile(probability);
}

/** ln(Phi(high) - Phi(low)), on the tail where the difference keeps its digits. */
function logMass(low: number, high: number): number {
  const [left, right] = low > 0 ? [-high, -low] : [low, high];
  const mass = normalCdf(right) - normalCdf(left);
  return mass > 1e-280 ? Math.log(mass) : logNormalCdf(right);
}

function drawKernel(weights: readonly number[], target: number): number {
  let sum = 0;
  const found = weights.findIndex((weight) => (sum += weight) > target);
  return found < 0 ? weights.length - 1 : found;
}

function logSumOfExponentials(terms: Float64Array): number {
  let largest = -Infinity;
  for (const term of terms) largest = Math.max(largest, term);
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - largest);
  return largest + Math.log(sum);
}

function columnAt(columns: readonly KernelColumn[], index: number): KernelColumn {
  return columns[index] as KernelColumn;
}
