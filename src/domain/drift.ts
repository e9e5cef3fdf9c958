import type { CandidateId } from './ids.ts';
import type { Scored } from './scored.ts';

/** How strongly the newest measurement counts in the chart's average. */
export const DRIFT_WEIGHT = 0.2;

/** So many candidates are remembered; the one that was measured longest ago is forgotten first. */
const REFERENCES_REMEMBERED = 8;

/**
 * A chart of repeated measurements of unchanged candidates: as long as nothing about the machine changes, the points are independent
 * draws around 0 with standard deviation 1. What limits it has is for the gate to say.
 */
export interface DriftRecord {
  /** Points since the noise floor was measured last. */
  readonly points: number;
  /** Exponentially weighted mean of them, in sigmas; 0 before the first. */
  readonly average: number;
  /** What is known of each reference, the one that was measured last at the end, apart for each kind of value. */
  readonly references: readonly ReferenceMean[];
}

export interface ReferenceMean {
  readonly candidate: CandidateId;
  readonly scored: Scored;
  readonly count: number;
  readonly mean: number;
}

/**
 * Standard deviation that the chart takes. The upper bound that decisions take would find a drift late; the estimate itself, from so few
 * runs, would often be too small. In between: false alarms are as rare as with sigma known (simulated in src/engine/gate/drift.test.ts).
 */
export function chartSigma(noise: {
  readonly runs: number;
  readonly sigma: number;
  readonly sigmaUsed: number;
}): number {
  const { runs, sigma, sigmaUsed } = noise;
  // No bound is so far above its estimate: the task's floor is in force.
  if (sigmaUsed > 4 * sigma) return sigmaUsed;
  return sigma * (1 + 0.75 / Math.max(1, runs - 1));
}

/** The chart starts anew from runs that have just measured the noise floor. */
export function startDrift(candidate: CandidateId, runs: number, mean: number): DriftRecord {
  return { points: 0, average: 0, references: [{ candidate, scored: 'search', count: runs, mean }] };
}

/**
 * One more run of a reference. It is compared with the mean of all earlier runs of the same candidate, and divided by the standard
 * deviation of that difference: `sigma * sqrt(1 + 1 / count)` (recursive residuals; Hawkins 1987). A first run makes no point.
 *
 * @param run.sigma standard deviation of one run, in units of the metric.
 */
export function observeReference(
  drift: DriftRecord,
  run: { readonly candidate: CandidateId; readonly scored: Scored; readonly value: number; readonly sigma: number },
): DriftRecord {
  const { candidate, scored, value, sigma } = run;
  const isSame = (reference: ReferenceMean): boolean =>
    reference.candidate === candidate && reference.scored === scored;
  const before = drift.references.find(isSame);
  const count = (before?.count ?? 0) + 1;
  const mean = before ? before.mean + (value - before.mean) / count : value;
  const others = drift.references.filter((reference) => !isSame(reference));
  const references = [...others, { candidate, scored, count, mean } as const].slice(-REFERENCES_REMEMBERED);
  if (!before || !(sigma > 0)) return { ...drift, references };
  const point = (value - before.mean) / (sigma * Math.sqrt(1 + 1 / before.count));
  return {
    points: drift.points + 1,
    average: DRIFT_WEIGHT * point + (1 - DRIFT_WEIGHT) * drift.average,
    references,
  };
}
