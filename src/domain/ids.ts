/** Branded identifiers: the compiler keeps a trial's id from being used as an experiment's. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `e1`, `e2`, …: one hypothesis tested. `e0` is the baseline. */
export type ExperimentId = Branded<'ExperimentId'>;
/** `t1`, `t2`, …: one execution of one candidate with one seed. */
export type TrialId = Branded<'TrialId'>;
/** The full hash of a commit in the campaign's git repository. */
export type CandidateId = Branded<'CandidateId'>;

export function experimentId(number: number): ExperimentId {
  return `e${number}` as ExperimentId;
}

export function trialId(number: number): TrialId {
  return `t${number}` as TrialId;
}

/** @throws TypeError if the text is not a full lower-case hexadecimal commit hash. */
export function candidateId(commit: string): CandidateId {
  if (!/^[0-9a-f]{40,64}$/.test(commit)) {
    throw new TypeError(`'${commit}' is not a full commit hash`);
  }
  return commit as CandidateId;
}

/** The number in `e12` or `t7`. */
export function idNumber(id: ExperimentId | TrialId): number {
  return Number(id.slice(1));
}

/** The experiment that holds the unchanged starting point. */
export const BASELINE_EXPERIMENT: ExperimentId = experimentId(0);
