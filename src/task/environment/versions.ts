/** A version of a Python package, as far as comparing needs it (https://peps.python.org/pep-0440/). */
interface Version {
  readonly release: readonly number[];
  /** Orders development, alpha, beta, candidate, final and post releases of one number. */
  readonly phase: readonly [rank: number, number: number];
  readonly local: string;
}

const VERSION =
  /^v?(?:\d+!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[-_.]?(\d*))?(?:[-_.]?(?:post|dev)\d*)*(?:\+([a-z0-9.]+))?$/i;
const PHASE_RANKS: Readonly<Record<string, number>> = {
  dev: 0,
  a: 1,
  alpha: 1,
  b: 2,
  beta: 2,
  c: 3,
  rc: 3,
  pre: 3,
  preview: 3,
  post: 5,
  rev: 5,
  r: 5,
};
const FINAL_RANK = 4;

function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text.trim());
  if (match?.[1] === undefined) return undefined;
  const rank = match[2] === undefined ? FINAL_RANK : (PHASE_RANKS[match[2].toLowerCase()] ?? FINAL_RANK);
  return { release: match[1].split('.').map(Number), phase: [rank, Number(match[3] ?? 0)], local: match[4] ?? '' };
}

function compare(left: Version, right: Version): number {
  for (let index = 0; index < Math.max(left.release.length, right.release.length); index++) {
    const difference = (left.release[index] ?? 0) - (right.release[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.phase[0] - right.phase[0] || left.phase[1] - right.phase[1];
}

/**
 * Whether a version satisfies all of `>=3.10,<4`. A local part (`2.1+cpu`) counts only where the specifier has one.
 * A version or specifier that cannot be read is never satisfied, except by equality of the texts.
 */
export function satisfies(version: string, specifiers: string): boolean {
  return specifiers
    .split(',')
    .map((specifier) => specifier.trim())
    .filter((specifier) => specifier !== '')
    .every((specifier) => satisfiesOne(version, specifier));
}

function satisfiesOne(versionText: string, specifier: string): boolean {
  const match = /^(===|==|!=|>=|<=|~=|>|<)\s*(\S+)$/.exec(specifier);
  const operator = match?.[1];
  const wanted = match?.[2] ?? '';
  if (operator === '===' || versionText === wanted)
    return versionText === wanted && !['!=', '<', '>'].includes(operator ?? '');
  const version = parseVersion(versionText);
  const bound = parseVersion(wanted.replace(/\.\*$/, ''));
  if (version === undefined || bound === undefined) return false;
  const startsWith = (release: readonly number[]): boolean =>
    release.every((part, index) => part === (version.release[index] ?? 0));
  const isSame = wanted.endsWith('.*')
    ? startsWith(bound.release)
    : compare(version, bound) === 0 && (bound.local === '' || bound.local === version.local);
  switch (operator) {
    case '==':
      return isSame;
    case '!=':
      return !isSame;
    case '>=':
      return compare(version, bound) >= 0;
    case '<=':
      return compare(version, bound) <= 0;
    case '>':
      return compare(version, bound) > 0;
    case '<':
      return compare(version, bound) < 0;
    case '~=':
      return compare(version, bound) >= 0 && startsWith(bound.release.slice(0, -1));
    default:
      return false;
  }
}
