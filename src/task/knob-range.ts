import type { Constant } from './scan-constants.ts';
import type { KnobSetting } from './schema.ts';

/** The values that a knob can have. */
export type KnobDomain =
  | { readonly kind: 'float'; readonly low: number; readonly high: number; readonly scale: 'linear' | 'log' }
  | { readonly kind: 'integer'; readonly low: number; readonly high: number; readonly scale: 'linear' | 'log' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'choice'; readonly choices: readonly (number | string | boolean)[] };

type NumberDomain = Extract<KnobDomain, { low: number }>;

/** Counts at and above this are sizes (widths, lengths, batches), which move in powers of two. */
const SMALLEST_SIZE = 16;
const SHARE_NAME =
  /(?:^|_)(?:DROPOUT|PROB(?:ABILITY)?|FRAC(?:TION)?|SHARE|RATIO|BETA\d?|BETAS|MOMENTUM|EMA|SMOOTHING)(?:_|\[|$)/;
/** What has to divide a width. */
const DIVISOR_NAME = /(?:^|_)(?:HEADS?|GROUPS?)(?:_|\[|$)/;
const NUMBER = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?`;
const COMMENT_RANGE = new RegExp(String.raw`(?:^|\s)(${NUMBER})\s*\.\.\s*(${NUMBER})(?:\s+(log|linear)\b)?`);

/**
 * The domain of a constant: what the task says, else a range in its comment (`# 1e-4..1e-1 log`), else what its value and
 * name suggest. Undefined: a text without choices, which nothing can be inferred for.
 */
export function knobDomain(constant: Constant, setting: KnobSetting | undefined): KnobDomain | undefined {
  if (setting?.choices !== undefined) return { kind: 'choice', choices: setting.choices };
  const { value } = constant;
  if (typeof value === 'string') return undefined;
  if (typeof value === 'boolean') return { kind: 'boolean' };
  const stated = { ...rangeInComment(constant.comment), ...setting };
  const bounds = [stated.low, stated.high];
  const isInteger =
    constant.kind === 'integer' && bounds.every((bound) => bound === undefined || Number.isInteger(bound));
  const inferred: KnobDomain = isInteger ? inferInteger(constant.name, value) : inferFloat(constant.name, value);
  if (stated.scale === undefined && stated.step === undefined && bounds.every((bound) => bound === undefined))
    return inferred;
  const domain = withBounds(numberDomain(inferred, value), value, stated);
  return stated.step === undefined || domain.kind !== 'integer'
    ? domain
    : { kind: 'choice', choices: steps(domain, stated.step) };
}

/** The values of `low: …, high: …, step: …`. */
export function steps({ low, high }: { readonly low: number; readonly high: number }, step: number): number[] {
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, index) => low + index * step);
}

function rangeInComment(comment: string): Pick<KnobSetting, 'low' | 'high' | 'scale'> {
  const match = COMMENT_RANGE.exec(comment);
  const low = Number(match?.[1]);
  const high = Number(match?.[2]);
  if (!(low < high) || (match?.[3] === 'log' && low <= 0)) return {};
  return { low, high, scale: match?.[3] === 'log' ? 'log' : 'linear' };
}

function numberDomain(domain: KnobDomain, value: number): NumberDomain {
  if (domain.kind === 'integer' || domain.kind === 'float') return domain;
  return { kind: 'integer', low: Math.max(1, Math.floor(value / 8)), high: value * 8, scale: 'log' };
}

function withBounds(inferred: NumberDomain, value: number, stated: KnobSetting): NumberDomain {
  const low = stated.low ?? Math.min(inferred.low, stated.high === undefined ? inferred.low : stated.high / 10);
  const high = stated.high ?? Math.max(inferred.high, low + 1, low * 10, value);
  return {
    kind: inferred.kind,
    ...(inferred.kind === 'integer' ? { low: Math.ceil(low), high: Math.floor(high) } : { low, high }),
    scale: low > 0 ? (stated.scale ?? inferred.scale) : 'linear',
  };
}

function inferFloat(name: string, value: number): NumberDomain {
  if (value >= 0.5 && value < 1) {
    // 0.9 and 0.99 differ as 0.1 and 0.01 do: what counts is the distance to 1, here from a tenth to ten times of it.
    return {
      kind: 'float',
      low: Math.max(0, round(1 - 10 * round(1 - value))),
      high: round(1 - round(1 - value) / 10),
      scale: 'linear',
    };
  }
  if (value >= 0 && value < 1 && SHARE_NAME.test(name))
    return { kind: 'float', low: 0, high: Math.max(0.5, round(2 * value)), scale: 'linear' };
  if (value > 0) return { kind: 'float', low: round(value / 10), high: round(value * 10), scale: 'log' };
  if (value === 0) return { kind: 'float', low: 0, high: 1, scale: 'linear' };
  return { kind: 'float', low: round(3 * value), high: round(-value), scale: 'linear' };
}

function inferInteger(name: string, value: number): KnobDomain {
  if ((value >= SMALLEST_SIZE || (value > 0 && DIVISOR_NAME.test(name))) && Number.isInteger(Math.log2(value))) {
    const choices = [-3, -2, -1, 0, 1, 2, 3].map((exponent) => value * 2 ** exponent);
    return { kind: 'choice', choices: choices.filter(Number.isInteger) };
  }
  if (value >= SMALLEST_SIZE) {
    const step = largestStep(value);
    if (step === 1) return { kind: 'integer', low: Math.ceil(value / 4), high: value * 4, scale: 'log' };
    // Not a power of two, yet round: widths and head counts must stay divisible.
    const factors = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4];
    return {
      kind: 'choice',
      choices: [...new Set(factors.map((factor) => Math.max(step, Math.round((value * factor) / step) * step)))],
    };
  }
  if (value > 0) return { kind: 'integer', low: 1, high: 2 * value + 2, scale: 'linear' };
  if (value === 0) return { kind: 'integer', low: 0, high: 4, scale: 'linear' };
  return { kind: 'integer', low: 3 * value, high: -value, scale: 'linear' };
}

/** The largest power of two that divides the value and leaves eight steps below it: 768 moves by multiples of 64, 100 by those of 4. */
function largestStep(value: number): number {
  let step = 1;
  while (value % (step * 2) === 0 && step * 2 <= value / 8) step *= 2;
  return step;
}

/** Without the last digits that binary arithmetic adds: 0.3 instead of 0.30000000000000004. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}
