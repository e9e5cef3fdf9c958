import type { CandidateId } from './ids.ts';

/** So many candidates are remembered; the one that was measured longest ago is forgotten first. */
const REFERENCES_REMEMBERED = 8;

/**
 * How much screens vary that are apart from all other trials: the spread of the runs of their references, each around its own mean.
 * The noise floor is of whole trials and says nothing of them.
 */
export interface ScreenNoise {
  readonly sumOfSquares: number;
  readonly degrees: number;
  readonly references: readonly { readonly candidate: CandidateId; readonly count: number; readonly mean: number }[];
}

/** One more run of a reference (Welford 1962). */
export function observeScreen(
  noise: ScreenNoise | undefined,
  run: { readonly candidate: CandidateId; readonly value: number },
): ScreenNoise {
  const { candidate, value } = run;
  const { sumOfSquares, degrees, references } = noise ?? { sumOfSquares: 0, degrees: 0, references: [] };
  const before = references.find((one) => one.candidate === candidate);
  const others = references.filter((one) => one !== before);
  const count = (before?.count ?? 0) + 1;
  const mean = before ? before.mean + (value - before.mean) / count : value;
  return {
    sumOfSquares: sumOfSquares + (before ? (value - before.mean) * (value - mean) : 0),
    degrees: degrees + (before ? 1 : 0),
    references: [...others, { candidate, count, mean }].slice(-REFERENCES_REMEMBERED),
  };
}
