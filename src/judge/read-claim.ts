import type { Claim } from '../domain/trial.ts';
import { UserError, describeError } from '../errors.ts';

export interface ReadClaim {
  readonly claim: Claim;
  /** Names that were given more than once anywhere in the output. The last one counts. */
  readonly doubled: ReadonlySet<string>;
}

const DEFAULT_PATTERN = String.raw`^(\w+):\s+(\S+)$`;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const MAXIMUM_NAMES = 100;
const MAXIMUM_LINE = 300;

/** @throws UserError `task-invalid` */
export function compileClaimPattern(pattern = DEFAULT_PATTERN): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw new UserError(
      'task-invalid',
      `the claim pattern ${pattern} is no regular expression: ${describeError(error)}`,
      'give two groups: name and number',
      {
        cause: error,
      },
    );
  }
}

/** What a candidate says of itself: the lines after the last `---`, or all lines if there is none. Numbers only. */
export function readClaim(output: string, pattern: RegExp): ReadClaim | undefined {
  const lines = output.split('\n');
  const all = parseLines(lines, pattern);
  const mark = lines.findLastIndex((line) => line.trimEnd() === '---');
  const block = mark < 0 ? all : parseLines(lines.slice(mark + 1), pattern);
  const claim = block.values.size > 0 ? block.values : all.values;
  if (claim.size === 0) return undefined;
  return { claim: Object.fromEntries([...claim].slice(0, MAXIMUM_NAMES)), doubled: all.doubled };
}

function parseLines(lines: readonly string[], pattern: RegExp): { values: Map<string, number>; doubled: Set<string> } {
  const values = new Map<string, number>();
  const doubled = new Set<string>();
  for (const line of lines) {
    if (line.length > MAXIMUM_LINE) continue;
    const [, name, text] = pattern.exec(line.trimEnd()) ?? [];
    if (name === undefined || text === undefined || name === '__proto__' || name.length > 64 || !NUMBER.test(text))
      continue;
    const value = Number(text);
    if (!Number.isFinite(value)) continue;
    if (values.has(name)) doubled.add(name);
    values.set(name, value);
  }
  return { values, doubled };
}
