import { requirePositive } from './argument-checks.ts';
import { logGamma } from './gamma-function.ts';

/**
 * Regularised incomplete beta function I_x(a, b).
 * Continued fraction of DiDonato and Morris 1992, in Lentz's form (Press et al., Numerical Recipes, section 6.4).
 *
 * @param complement 1 - x, where the caller knows it more exactly than the subtraction gives.
 */
export function incompleteBeta(a: number, b: number, x: number, complement = 1 - x): number {
  requirePositive('a', a);
  requirePositive('b', b);
  if (!(x >= 0 && x <= 1)) throw new RangeError(`x must be between 0 and 1, got ${x}`);
  if (x === 0 || complement === 0) return x === 0 ? 0 : 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(b, a, complement, x);
  return Math.exp(logSmallSide(a, b, x, complement));
}

function logSmallSide(a: number, b: number, x: number, complement: number): number {
  const logScale = a * Math.log(x) + b * Math.log(complement) + logGamma(a + b) - logGamma(a) - logGamma(b);
  return logScale + Math.log(betaFraction(a, b, x) / a);
}

function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let step = 1; step < 100_000; step++) {
    const even = (step * (b - step) * x) / ((a + 2 * step - 1) * (a + 2 * step));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + step) * (a + b + step) * x) / ((a + 2 * step) * (a + 2 * step + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return fraction;
}

function nonZero(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}
