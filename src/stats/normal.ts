import { requireProbability } from './argument-checks.ts';
import { complementaryErrorFunction, scaledComplementaryErrorFunction } from './error-function.ts';

export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/** P(Z <= z) for a standard normal, accurate to about 1e-15 relative in the left tail. */
export function normalCdf(z: number): number {
  return 0.5 * complementaryErrorFunction(-z * Math.SQRT1_2);
}

/** ln P(Z <= z), without underflow for z as low as -1e150. */
export function logNormalCdf(z: number): number {
  if (z > -1) return Math.log1p(-0.5 * complementaryErrorFunction(z * Math.SQRT1_2));
  return logScaledNormalCdf(z) - 0.5 * z * z;
}

/** z^2 / 2 + ln P(Z <= z): the part of the logarithm that is left where the two terms cancel for large negative z. */
export function logScaledNormalCdf(z: number): number {
  return z > -1 ? 0.5 * z * z + logNormalCdf(z) : Math.log(0.5 * scaledComplementaryErrorFunction(-z * Math.SQRT1_2));
}

/** The z with P(Z <= z) = probability. Algorithm AS 241 (PPND16), M. J. Wichura 1988; relative error about 1e-16. */
export function normalQuantile(probability: number): number {
  requireProbability('probability', probability);
  const offset = probability - 0.5;
  if (Math.abs(offset) <= 0.425) {
    const r = 0.180625 - offset * offset;
    return (offset * polynomial(centreTop, r)) / polynomial(centreBottom, r);
  }
  const r = Math.sqrt(-Math.log(offset < 0 ? probability : 1 - probability));
  const size =
    r <= 5
      ? polynomial(middleTop, r - 1.6) / polynomial(middleBottom, r - 1.6)
      : polynomial(farTop, r - 5) / polynomial(farBottom, r - 5);
  return offset < 0 ? -size : size;
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}

const centreTop = [
  3.387132872796366608, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
  4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
];
const centreBottom = [
  1, 4.2313330701600911252e1, 6.871870074920579083e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
  3.930789580009271061e4, 2.8729085735721942674e4, 5.226495278852854561e3,
];
const middleTop = [
  1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504, 1.27045825245236838258,
  2.4178072517745061177e-1, 2.27238449892691845833e-2, 7.7454501427834140764e-4,
];
const middleBottom = [
  1, 2.05319162663775882187, 1.6763848301838038494, 6.8976733498510000455e-1, 1.4810397642748007459e-1,
  1.51986665636164571966e-2, 5.475938084995344946e-4, 1.05075007164441684324e-9,
];
const farTop = [
  6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 2.9656057182850489123e-1,
  2.6532189526576123093e-2, 1.2426609473880784386e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
];
const farBottom = [
  1, 5.9983220655588793769e-1, 1.3692988092273580531e-1, 1.48753612908506148525e-2, 7.868691311456132591e-4,
  1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15,
];
