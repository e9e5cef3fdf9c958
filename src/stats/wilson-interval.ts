import { normalQuantile } from './normal.ts';

/**
 * Interval of a share from a count (E. B. Wilson 1927, https://doi.org/10.2307/2276774): sensible also for 0 of n and n of n, where
 * the usual normal interval has no width.
 *
 * @param options.confidence two-sided; default 0.95.
 * @returns undefined for 0 of 0: nothing is known of the share.
 * @throws RangeError unless 0 <= successes <= total, both whole.
 */
export function wilsonInterval(
  successes: number,
  total: number,
  options: { readonly confidence?: number } = {},
): { readonly low: number; readonly high: number } | undefined {
  if (!Number.isInteger(successes) || !Number.isInteger(total) || successes < 0 || successes > total)
    throw new RangeError(`a share of ${successes} of ${total} can't be`);
  if (total === 0) return undefined;
  const z = normalQuantile(1 - (1 - (options.confidence ?? 0.95)) / 2);
  const share = successes / total;
  const scale = 1 + z ** 2 / total;
  const centre = (share + z ** 2 / (2 * total)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2));
  // Rounding must not take the ends beyond what is certain.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === total ? 1 : Math.min(1, centre + half),
  };
}
