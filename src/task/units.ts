const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1e-3, s: 1, m: 60, min: 60, h: 3600 };

export const SIZE_PATTERN: RegExp = /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|KiB|MiB|GiB|TiB)$/;
export const DURATION_PATTERN: RegExp = /^(\d+(?:\.\d+)?) ?(ms|s|m|min|h)$/;

/** `4GiB` in bytes; a number is bytes already. The text must match SIZE_PATTERN. */
export function sizeInBytes(size: string | number): number {
  return Math.round(inBaseUnit(size, SIZE_PATTERN, SIZE_UNITS));
}

/** `90s` in seconds; a number is seconds already. The text must match DURATION_PATTERN. */
export function durationInSeconds(duration: string | number): number {
  return inBaseUnit(duration, DURATION_PATTERN, DURATION_UNITS);
}

function inBaseUnit(value: string | number, pattern: RegExp, units: Readonly<Record<string, number>>): number {
  if (typeof value === 'number') return value;
  const match = pattern.exec(value);
  const factor = units[match?.[2] ?? ''];
  if (match?.[1] === undefined || factor === undefined) throw new TypeError(`'${value}' has no known unit`);
  return Number(match[1]) * factor;
}
