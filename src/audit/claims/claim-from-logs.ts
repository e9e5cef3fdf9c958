import { readAutoresearchLog } from './autoresearch-log.ts';
import type { ContractName, PublicClaim } from './claim.ts';
import { type SpeedrunRun, readSpeedrunLog } from './speedrun-log.ts';

export interface LogText {
  /** As it is named in messages. */
  readonly name: string;
  readonly text: string;
}

export interface LogClaim {
  readonly logs: readonly LogText[];
  /** Of the baseline or predecessor. */
  readonly against: readonly LogText[];
  /** The baseline ran on the hardware of the claim. */
  readonly sameHardware: boolean;
  /** Track 3: the common step at which the runs are read. One for each side; undefined: the last. */
  readonly stopStep?: number | undefined;
  readonly againstStopStep?: number | undefined;
  /** Nanochat: the i-th logs of both sides belong together. */
  readonly paired: boolean;
}

export type ClaimReading =
  | { readonly claim: PublicClaim; readonly problems?: undefined }
  | { readonly claim?: undefined; readonly problems: readonly string[] };

/** Every log counts: one that can't be read makes the claim unusable, it is never left out. */
export function claimFromLogs(contract: ContractName, given: LogClaim): ClaimReading {
  const problems = repeatedLogs([...given.logs, ...given.against]);
  if (contract === 'nanochat') {
    const [mine, theirs] = [given.logs, given.against].map((logs) => bitsPerByte(logs, problems));
    if (given.against.length === 0) problems.push('nanochat needs logs of the baseline: a gain is over something');
    if (problems.length > 0) return { problems };
    return {
      claim: {
        contract,
        claim: { bpb: mine ?? [] },
        baseline: { bpb: theirs ?? [], sameHardware: given.sameHardware },
        paired: given.paired,
      },
    };
  }
  const track = contract === 'speedrun-track-1' ? 1 : 3;
  const mine = speedrunSide(given.logs, track, given.stopStep, problems);
  const theirs = speedrunSide(given.against, track, given.againstStopStep, problems);
  if (problems.length > 0) return { problems };
  if (contract === 'speedrun-track-1') {
    const baseline = { seconds: theirs.seconds, loss: theirs.loss, sameHardware: given.sameHardware };
    const claim = { loss: mine.loss, seconds: mine.seconds };
    return { claim: { contract, claim, ...(theirs.loss.length > 0 ? { baseline } : {}) } };
  }
  return { claim: { contract, claim: mine, ...(theirs.loss.length > 0 ? { predecessor: theirs } : {}) } };
}

function bitsPerByte(logs: readonly LogText[], problems: string[]): number[] {
  return logs.flatMap(({ name, text }) => {
    const reading = readAutoresearchLog(text);
    if (reading.problem === undefined) return reading.bpb;
    problems.push(`${name}: ${reading.problem}`);
    return [];
  });
}

interface SpeedrunSide {
  readonly loss: readonly number[];
  readonly seconds: readonly number[];
  readonly steps: number;
}

function speedrunSide(
  logs: readonly LogText[],
  track: 1 | 3,
  stopStep: number | undefined,
  problems: string[],
): SpeedrunSide {
  const runs: SpeedrunRun[] = [];
  for (const { name, text } of logs) {
    const reading = readSpeedrunLog(text, track, stopStep);
    if (reading.problem === undefined) runs.push(...reading.runs);
    else problems.push(`${name}: ${reading.problem}`);
  }
  const schedules = [...new Set(runs.map(({ totalSteps }) => totalSteps))];
  if (schedules.length > 1)
    problems.push(`runs of ${schedules.join(', ')} steps are not runs of one program: one step count for all`);
  const repeats = runs.length - new Set(runs.map(({ fingerprint }) => fingerprint)).size;
  if (repeats > 0)
    problems.push(`${repeats} of ${runs.length} runs are copies of another, time for time: a run counts once`);
  return {
    loss: runs.map(({ loss }) => loss),
    seconds: runs.map(({ seconds }) => seconds),
    steps: runs[0]?.steps ?? 0,
  };
}

/** A run that is counted twice makes any result significant. */
function repeatedLogs(logs: readonly LogText[]): string[] {
  const seen = new Map<string, string>();
  return logs.flatMap(({ name, text }) => {
    const first = seen.get(text);
    if (first === undefined) seen.set(text, name);
    return first === undefined ? [] : [`${name} is the same log as ${first}: a run counts once`];
  });
}
