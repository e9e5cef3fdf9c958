/** A straight line from values to places. */
export interface Scale {
  (value: number): number;
  readonly low: number;
  readonly high: number;
}

export function linearScale(low: number, high: number, from: number, to: number): Scale {
  const span = high - low || 1;
  const place = (value: number): number => from + ((value - low) / span) * (to - from);
  return Object.assign(place, { low, high });
}

/** Round values between low and high, about `wanted` of them, with the decimals that tell them apart. */
export function niceTicks(
  low: number,
  high: number,
  wanted: number,
): { readonly values: readonly number[]; readonly decimals: number } {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return { values: [low], decimals: 3 };
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? 10 * power;
  const decimals = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const values: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1)
    values.push(Number((index * step).toFixed(decimals + 1)));
  return { values, decimals };
}

/** For whole numbers: no tick between two of them. */
export function wholeTicks(high: number, wanted: number): readonly number[] {
  return niceTicks(0, Math.max(1, high), wanted).values.filter(Number.isInteger);
}

export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))];
}

/** A place for SVG: a tenth of a pixel is enough. */
export function pixel(value: number): string {
  return String(Math.round(value * 10) / 10);
}
