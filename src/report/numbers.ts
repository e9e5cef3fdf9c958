export { decimalsFor, pWords, showGain, showInterval, showP, showValue } from '../domain/show-number.ts';

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
