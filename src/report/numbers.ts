import type { Interval } from '../domain/hypothesis.ts';

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

/** A p-value, to two digits; a tiny one as a bound. */
export function showP(p: number | undefined): string {
  if (p === undefined) return '';
  if (p < 0.0001) return '< 0.0001';
  return p < 0.001 ? p.toFixed(4) : p < 0.1 ? String(Number(p.toPrecision(2))) : p.toFixed(2);
}

/** An e-value: how many times better 'a gain' predicted the data than 'no gain'. */
export function showEValue(value: number | undefined): string {
  if (value === undefined) return '';
  if (value >= 1e6) return value.toExponential(1).replace('e+', 'e');
  return value >= 100 ? value.toFixed(0) : value >= 0.01 ? String(Number(value.toPrecision(2))) : '< 0.01';
}

export function showPercent(share: number): string {
  const percent = share * 100;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** `0.42 s`, `12 s`, `4 min 10 s`, `3 h 12 min`, `2 d 4 h`. */
export function showSeconds(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  if (seconds < 9.95) return `${Number(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joinUnits(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return joinUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(seconds / 3600);
  return joinUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

export function showMilliseconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '' : showSeconds(milliseconds / 1000);
}

/** `1 pair`, `6 pairs`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
