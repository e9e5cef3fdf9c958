import { mean, standardDeviation } from '../../stats/summary.ts';
import type { Measured } from './claim.ts';

/** What is measured, and the range outside which a number is surely something else. */
export interface Quantity {
  readonly name: string;
  readonly unit: string;
  readonly low: number;
  readonly high: number;
  readonly otherUnits: string;
}

/** A model of 50304 equally likely tokens has 10.83; the best record is far above 2. */
export const LOSS: Quantity = {
  name: 'validation loss',
  unit: 'nats per token',
  low: 2,
  high: 12,
  otherUnits: 'perplexity or bits per byte',
};

/** The first record took 45 minutes, which is 2700 s. */
export const SECONDS: Quantity = {
  name: 'training time',
  unit: 'seconds',
  low: 5,
  high: 3600,
  otherUnits: 'minutes or milliseconds',
};

export const BITS_PER_BYTE: Quantity = {
  name: 'val_bpb',
  unit: 'bits per byte',
  low: 0.3,
  high: 3,
  otherUnits: 'nats per token or perplexity',
};

/** Statistics of one series of runs. */
export interface SampleStatistics {
  readonly n: number;
  readonly mean: number;
  /** Undefined with one run, or where none was published. */
  readonly sd: number | undefined;
  /** Undefined where only statistics were published. */
  readonly values: readonly number[] | undefined;
}

/** What was measured, or why it can't be used: sentences that begin with `where`. */
export type SampleReading =
  | { readonly sample: SampleStatistics; readonly problems?: undefined }
  | { readonly sample?: undefined; readonly problems: readonly string[] };

/** Every value must be finite and in the range of its unit: one that isn't makes the whole series unusable, it is never dropped. */
export function readSample(where: string, measured: Measured, quantity: Quantity): SampleReading {
  const isList = isValueList(measured);
  const problems = isList
    ? measured.flatMap((value, index) => valueProblems(`${where}[${index}]`, value, quantity))
    : statisticsProblems(where, measured, quantity);
  if (isList && measured.length === 0) problems.push(`${where} has no runs`);
  if (problems.length > 0) return { problems };
  if (!isList) return { sample: { n: measured.n, mean: measured.mean, sd: measured.sd, values: undefined } };
  // Of equal values, binary fractions can leave a spread of 1e-16, with which any test passes.
  const varies = measured.some((value) => value !== measured[0]);
  const sd = measured.length > 1 ? (varies ? standardDeviation(measured) : 0) : undefined;
  return { sample: { n: measured.length, mean: mean(measured), sd, values: measured } };
}

/** n, mean and sd under one prefix, for the numbers of a check. */
export function statisticsNumbers(prefix: string, { n, mean: middle, sd }: SampleStatistics): Record<string, number> {
  return { [`${prefix}N`]: n, [`${prefix}Mean`]: middle, ...(sd === undefined ? {} : { [`${prefix}Sd`]: sd }) };
}

function statisticsProblems(
  where: string,
  measured: Exclude<Measured, readonly number[]>,
  quantity: Quantity,
): string[] {
  const { n, mean: middle, sd } = measured;
  const problems = valueProblems(`${where}.mean`, middle, quantity);
  if (!Number.isSafeInteger(n) || n < 1) problems.push(`${where}.n must be a whole number of runs, got ${n}`);
  if (sd === undefined) return problems;
  if (!Number.isFinite(sd) || sd < 0) problems.push(`${where}.sd must be a number, 0 or more, got ${sd}`);
  else if (n === 1) problems.push(`${where}.sd can't be: one run has no spread`);
  else if (sd > quantity.high - quantity.low)
    problems.push(`${where}.sd is ${sd}, which can't be ${quantity.unit}: is it ${quantity.otherUnits}?`);
  return problems;
}

function valueProblems(where: string, value: number, { name, unit, low, high, otherUnits }: Quantity): string[] {
  if (!Number.isFinite(value)) return [`${where} is ${value}: a ${name} must be a finite number`];
  if (value >= low && value <= high) return [];
  return [
    `${where} is ${value}, outside ${low} to ${high}, where a ${name} in ${unit} lies: is it ${otherUnits}, or a failed run?`,
  ];
}

function isValueList(measured: Measured): measured is readonly number[] {
  return Array.isArray(measured);
}
