/**
 * exp(x^2) erfc(x), the scaled complementary error function: finite wherever erfc underflows (x > 26).
 * Grows as 2 exp(x^2) for negative x, and is Infinity below about -26.6.
 * Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function", 1969; relative
 * error about 1e-16.
 */
export function scaledComplementaryErrorFunction(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.46875) return Math.exp(x * x) * (1 - smallErrorFunction(x));
  const tail = size <= 4 ? middleTail(size) : farTail(size);
  return x > 0 ? tail : 2 * Math.exp(x * x) - tail;
}

/** 1 - erf(x), with full relative accuracy in the right tail down to 1e-300. */
export function complementaryErrorFunction(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.46875) return 1 - smallErrorFunction(x);
  const right = expOfMinusSquare(size) * (size <= 4 ? middleTail(size) : farTail(size));
  return x > 0 ? right : 2 - right;
}

function smallErrorFunction(x: number): number {
  const square = x * x;
  let top = 1.85777706184603153e-1 * square;
  let bottom = square;
  for (let index = 0; index < 3; index++) {
    top = (top + (smallTop[index] as number)) * square;
    bottom = (bottom + (smallBottom[index] as number)) * square;
  }
  return (x * (top + (smallTop[3] as number))) / (bottom + (smallBottom[3] as number));
}

function middleTail(x: number): number {
  let top = 2.15311535474403846e-8 * x;
  let bottom = x;
  for (let index = 0; index < 7; index++) {
    top = (top + (middleTop[index] as number)) * x;
    bottom = (bottom + (middleBottom[index] as number)) * x;
  }
  return (top + (middleTop[7] as number)) / (bottom + (middleBottom[7] as number));
}

function farTail(x: number): number {
  if (x === Infinity) return 0;
  const inverse = 1 / (x * x);
  let top = 1.63153871373020978e-2 * inverse;
  let bottom = inverse;
  for (let index = 0; index < 4; index++) {
    top = (top + (farTop[index] as number)) * inverse;
    bottom = (bottom + (farBottom[index] as number)) * inverse;
  }
  const correction = (inverse * (top + (farTop[4] as number))) / (bottom + (farBottom[4] as number));
  return (inverseSquareRootOfPi - correction) / x;
}

/** exp(-x^2) with x split at 1/16, so that the rounding of x^2 does not cost digits. */
function expOfMinusSquare(x: number): number {
  const coarse = Math.trunc(x * 16) / 16;
  return Math.exp(-coarse * coarse) * Math.exp(-(x - coarse) * (x + coarse));
}

const inverseSquareRootOfPi = 5.6418958354775628695e-1;
const smallTop = [3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3];
const smallBottom = [2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3];
const middleTop = [
  5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2, 8.8195222124176909e2,
  1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
];
const middleBottom = [
  1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
  4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
];
const farTop = [
  3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2,
  6.58749161529837803e-4,
];
const farBottom = [
  2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3,
];
