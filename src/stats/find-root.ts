/**
 * The point where a rising function crosses zero, by bisection to the last bit that matters.
 * The bracket grows by doubling its width until it holds the crossing.
 *
 * @throws RangeError when no crossing lies within 2^60 bracket widths.
 */
export function findRootOfRising(rising: (x: number) => number, low: number, high: number): number {
  let left = low;
  let right = high;
  for (let step = 0; step < 60 && rising(left) > 0; step++) [left, right] = [left - 2 * (right - left), left];
  for (let step = 0; step < 60 && rising(right) < 0; step++) [left, right] = [right, right + 2 * (right - left)];
  if (rising(left) > 0 || rising(right) < 0) {
    throw new RangeError(`no crossing found when starting between ${low} and ${high}`);
  }
  for (let step = 0; step < 200; step++) {
    const middle = 0.5 * (left + right);
    if (middle <= left || middle >= right) break;
    if (rising(middle) < 0) left = middle;
    else right = middle;
  }
  return 0.5 * (left + right);
}
