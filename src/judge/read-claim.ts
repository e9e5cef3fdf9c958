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
      'give two groups, name and number, or named groups',
      {
        cause: error,
      },
    );
  }
}

/**
 * What a candidate says of itself: the lines after the last `---`, or all lines if there is none. Numbers only.
 *
 * @param final with a pattern of named groups: only a line on which these two are equal counts, as the last step of all does.
 */
export function readClaim(output: string, pattern: RegExp, final?: readonly [string, string]): ReadClaim | undefined {
  const lines = output.split(/\r?\n/);
  if (/\(\?<[A-Za-z_]/.test(pattern.source)) return readRecord(lines, pattern, final);
  const all = parseLines(lines, pattern);
  const mark = lines.findLastIndex((line) => line.trimEnd() === '---');
  const block = mark < 0 ? all : parseLines(lines.slice(mark + 1), pattern);
  const claim = block.values.size > 0 ? block.values : all.values;
  if (claim.size === 0) return undefined;
  return { claim: Object.fromEntries([...claim].slice(0, MAXIMUM_NAMES)), doubled: all.doubled };
}

/** The last line that the pattern takes; its named groups are the numbers. A second such line makes all of them doubled. */
function readRecord(
  lines: readonly string[],
  pattern: RegExp,
  final: readonly [string, string] | undefined,
): ReadClaim | undefined {
  const records = lines.flatMap((line): Record<string, string | undefined>[] => {
    const groups = line.length > MAXIMUM_LINE ? undefined : pattern.exec(line.trimEnd())?.groups;
    if (groups === undefined) return [];
    const isFinal = final === undefined || Number(groups[final[0]]) === Number(groups[final[1]]);
    return isFinal ? [groups] : [];
  });
  const numbers = Object.entries(records.at(-1) ?? {}).flatMap(([name, text]): [string, number][] =>
    text !== undefined && NUMBER.test(text) && Number.isFinite(Number(text)) ? [[name, Number(text)]] : [],
  );
  if (numbers.length === 0) return undefined;
  return {
    claim: Object.fromEntries(numbers.slice(0, MAXIMUM_NAMES)),
    doubled: new Set(records.length > 1 ? numbers.map(([name]) => name) : []),
  };
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
