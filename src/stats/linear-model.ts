import { requirePositive } from './argument-checks.ts';
import type { Random } from './random.ts';

export type LinearObservation = {
  readonly features: readonly number[];
  readonly target: number;
  /** Variance of the target's noise. */
  readonly noiseVariance: number;
};

export type CoefficientPrior = { readonly mean: number; readonly sd: number };

/** Posterior of a linear model's coefficients: normal, with the mean and the Cholesky factor of the precision. */
export type LinearModel = { readonly mean: readonly number[]; readonly factor: readonly (readonly number[])[] };

/** Bayesian linear regression with independent normal priors and known noise (Bishop 2006, section 3.3). */
export function fitLinearModel(
  observations: readonly LinearObservation[],
  priors: readonly CoefficientPrior[],
): LinearModel {
  const size = priors.length;
  const precision = priors.map((prior, row) => {
    requirePositive(`priors[${row}].sd`, prior.sd);
    return priors.map((_, column) => (row === column ? 1 / prior.sd ** 2 : 0));
  });
  const shift = priors.map((prior) => prior.mean / prior.sd ** 2);
  for (const { features, target, noiseVariance } of observations) {
    if (features.length !== size) throw new RangeError(`features must have ${size} values, got ${features.length}`);
    requirePositive('noiseVariance', noiseVariance);
    for (let row = 0; row < size; row++) {
      const scaled = at(features, row) / noiseVariance;
      if (scaled === 0) continue;
      shift[row] = at(shift, row) + scaled * target;
      const line = precision[row] as number[];
      for (let column = 0; column < size; column++) line[column] = at(line, column) + scaled * at(features, column);
    }
  }
  const factor = choleskyFactor(precision);
  return { mean: solveTransposed(factor, solveLower(factor, shift)), factor };
}

/** One draw of the coefficients from the posterior. */
export function drawCoefficients(model: LinearModel, random: Random): number[] {
  const offset = solveTransposed(
    model.factor,
    model.mean.map(() => random.normal()),
  );
  return model.mean.map((value, index) => value + at(offset, index));
}

/** Lower L with L L' = matrix. */
function choleskyFactor(matrix: readonly (readonly number[])[]): number[][] {
  const factor: number[][] = [];
  matrix.forEach((line, row) => {
    const current: number[] = [];
    for (let column = 0; column <= row; column++) {
      const other = column === row ? current : (factor[column] as number[]);
      let rest = at(line, column);
      for (let index = 0; index < column; index++) rest -= at(current, index) * at(other, index);
      current.push(column === row ? Math.sqrt(rest) : rest / at(other, column));
    }
    factor.push(current);
  });
  return factor;
}

function solveLower(factor: readonly (readonly number[])[], right: readonly number[]): number[] {
  const solution: number[] = [];
  factor.forEach((line, row) => {
    const rest = solution.reduce((sum, value, index) => sum - at(line, index) * value, at(right, row));
    solution.push(rest / at(line, row));
  });
  return solution;
}

function solveTransposed(factor: readonly (readonly number[])[], right: readonly number[]): number[] {
  const solution = [...right];
  for (let row = factor.length - 1; row >= 0; row--) {
    const line = factor[row] as readonly number[];
    const value = at(solution, row) / at(line, row);
    solution[row] = value;
    for (let index = 0; index < row; index++) solution[index] = at(solution, index) - at(line, index) * value;
  }
  return solution;
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}
