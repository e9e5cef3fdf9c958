import type { Interval } from './hypothesis.ts';

const MINUS = '−';

/** How many decimals show a tenth of sigma: more would be noise. Undefined sigma: as many as the value itself seems to have. */
export function decimalsFor(sigma: number | undefined): number | undefined {
  if (sigma === undefined || !(sigma > 0) || !Number.isFinite(sigma)) return undefined;
  return Math.min(10, Math.max(0, Math.ceil(-Math.log10(sigma)) + 1));
}

/** A value of the metric. */
export function showValue(value: number | undefined, decimals?: number): string {
  if (value === undefined) return '';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-6)) return value.toExponential(3).replace('-', MINUS);
  return (decimals === undefined ? String(Number(value.toPrecision(6))) : value.toFixed(decimals)).replace('-', MINUS);
}

/** A gain, always with its sign; positive is better. */
export function showGain(value: number | undefined, decimals?: number): string {
  if (value === undefined) return '';
  const text = showValue(Math.abs(value), decimals ?? decimalsFor(Math.abs(value) / 10));
  return `${value < 0 ? MINUS : '+'}${text}`;
}

export function showInterval(interval: Interval | undefined, decimals?: number): string {
  return interval ? `${showGain(interval.low, decimals)} to ${showGain(interval.high, decimals)}` : '';
}

/** `p = 0.023`, `p < 0.0001`. */
export function pWords(p: number): string {
  const text = showP(p);
  return text.startsWith('<') ? `p ${text}` : `p = ${text}`;
}

/** A p-value, to two digits; a tiny one as a bound. */
export function showP(p: number | undefined): string {
  if (p === undefined) return '';
  if (p < 0.0001) return '< 0.0001';
  return p < 0.001 ? p.toFixed(4) : p < 0.1 ? String(Number(p.toPrecision(2))) : p.toFixed(2);
}
