import { requireNotNegative, requirePositive } from './argument-checks.ts';

/** ln Gamma(x) for x > 0, relative error about 1e-15. Lanczos 1964 with g = 7 and 9 terms (Godfrey 2001). */
export function logGamma(x: number): number {
  requirePositive('x', x);
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  let series = lanczos[0] as number;
  for (let index = 1; index < lanczos.length; index++) series += (lanczos[index] as number) / (shifted + index);
  const base = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(series);
}

/** Regularised lower incomplete gamma function P(shape, x). */
export function lowerIncompleteGamma(shape: number, x: number): number {
  return incompleteGamma(shape, x).lower;
}

/** Regularised upper incomplete gamma function Q(shape, x) = 1 - P(shape, x), accurate in its tail. */
export function upperIncompleteGamma(shape: number, x: number): number {
  return incompleteGamma(shape, x).upper;
}

/** Series below shape + 1, Lentz's continued fraction above (Press et al., Numerical Recipes, section 6.2). */
function incompleteGamma(shape: number, x: number): { lower: number; upper: number } {
  requirePositive('shape', shape);
  requireNotNegative('x', x);
  if (x === 0) return { lower: 0, upper: 1 };
  const scale = Math.exp(shape * Math.log(x) - x - logGamma(shape));
  if (x < shape + 1) {
    const lower = scale * gammaSeries(shape, x);
    return { lower, upper: 1 - lower };
  }
  const upper = scale * gammaFraction(shape, x);
  return { lower: 1 - upper, upper };
}

function gammaSeries(shape: number, x: number): number {
  let term = 1 / shape;
  let sum = term;
  for (let step = 1; step < 100_000 && term > sum * 1e-17; step++) {
    term *= x / (shape + step);
    sum += term;
  }
  return sum;
}

function gammaFraction(shape: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - shape;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let step = 1; step < 100_000; step++) {
    const a = -step * (step - shape);
    b += 2;
    d = 1 / nonZero(a * d + b, tiny);
    c = nonZero(b + a / c, tiny);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-16) break;
  }
  return fraction;
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

const lanczos = [
  0.99999999999980993227684700473478, 676.520368121885098567009190444019, -1259.13921672240287047156078755283,
  771.3234287776530788486528258894, -176.61502916214059906584551354, 12.507343278686904814458936853,
  -0.13857109526572011689554707, 9.984369578019570859563e-6, 1.50563273514931155834e-7,
];
