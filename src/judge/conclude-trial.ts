import { join } from 'node:path';
import type { Check, FailureKind, TrialFacts, TrialOutcome } from '../domain/trial.ts';
import type { AttemptEnd, PhaseEnd } from '../executor/executor.ts';
import type { JudgePhase, JudgeTask } from './judge-task.ts';
import { phaseFailure } from './phase-failure.ts';
import { lastLines, readEnd } from './plain-text.ts';
import { readClaim, type ReadClaim } from './read-claim.ts';
import { readResult, type ResultFile } from './read-result.ts';

export interface EndedTrial {
  readonly task: JudgeTask;
  /** Those of the trial's stage. */
  readonly phases: readonly JudgePhase[];
  /** Folder of the attempt: output of the phases, and the folder `result`. */
  readonly directory: string;
  readonly end: AttemptEnd;
  readonly claimPattern: RegExp;
  readonly claimTolerance: number;
}

const CLAIM_BYTES = 256 * 1024;
const COMPLAINT_BYTES = 16 * 1024;
const COMPLAINT_LINES = 8;

/** From the end of an attempt and what it left on disk to an outcome. Whatever a candidate left there, it does not throw. */
export async function concludeTrial(trial: EndedTrial): Promise<TrialOutcome> {
  const { end, phases } = trial;
  if (end.kind === 'lost') return { status: 'failed', failure: 'lost', reason: end.detail, facts: {} };
  const claimed = await findClaim(trial);
  const facts = collectFacts(trial, end, claimed);
  for (const phase of phases) {
    const ended = end.phases.find((one) => one.name === phase.name);
    if (ended === undefined) return fail('crash', `phase '${phase.name}' did not run`, facts);
    const complaint = ended.reason === 'exited' && ended.exitCode === 0 ? '' : await complaintOf(trial, phase);
    const failure = phaseFailure(phase, ended, complaint);
    if (failure === undefined) continue;
    if (failure.kind === 'cancelled') return { status: 'cancelled', reason: failure.reason, facts };
    // A judge that had refused the candidate before it failed has refused it. It never had accepted it.
    const written = phase.trust === 'judge' ? await readResult(join(trial.directory, 'result')) : undefined;
    if (written?.kind === 'refused') return refuse(written, facts);
    return fail(failure.failure, failure.reason, facts);
  }
  return judgeResult(trial, await readResult(join(trial.directory, 'result')), claimed, facts);
}

function judgeResult(
  trial: EndedTrial,
  written: ResultFile,
  claimed: ReadClaim | undefined,
  facts: TrialFacts,
): TrialOutcome {
  const { objective, range, guards } = trial.task;
  if (written.kind === 'unusable') return fail('invalid-metric', written.reason, facts);
  if (written.kind === 'refused') return refuse(written, facts);
  const { metric, value } = written;
  const invalid = (reason: string) => fail('invalid-metric', reason, facts, written.checks);
  if (metric !== objective.metric)
    return invalid(`the judge measured '${metric.slice(0, 100)}', the task asks for '${objective.metric}'`);
  if (!Number.isFinite(value)) return invalid(`${metric} is not a finite number`);
  if (range.low !== undefined && value < range.low)
    return invalid(`${metric} is ${value}, below ${range.low}, the lowest value that can be true`);
  if (range.high !== undefined && value > range.high)
    return invalid(`${metric} is ${value}, above ${range.high}, the highest value that can be true`);
  for (const guard of guards) {
    const guarded = Object.hasOwn(written.metrics, guard.metric) ? written.metrics[guard.metric] : undefined;
    const why = guard.why === undefined ? '' : ` (${guard.why})`;
    if (guarded === undefined || !Number.isFinite(guarded))
      return invalid(`the guard on ${guard.metric} is broken: it was not measured${why}`);
    if (guard.min !== undefined && guarded < guard.min)
      return invalid(`the guard on ${guard.metric} is broken: ${guarded} is below ${guard.min}${why}`);
    if (guard.max !== undefined && guarded > guard.max)
      return invalid(`the guard on ${guard.metric} is broken: ${guarded} is above ${guard.max}${why}`);
  }
  const checks = [...written.checks, ...substituteChecks(trial.task), ...claimChecks(trial, value, claimed)];
  return { status: 'succeeded', result: { value, metrics: written.metrics, checks }, facts };
}

/** A deviation that no judge's module has to know of. */
function substituteChecks({ substitutes = [] }: JudgeTask): Check[] {
  if (substitutes.length === 0) return [];
  const names = substitutes.join(', ');
  return [{ id: 'substitutes', ok: true, detail: `a deviation: modules of Assay stand in for ${names}` }];
}

/** Notes on honesty. They change no outcome: a claim is never used for a decision. */
function claimChecks(trial: EndedTrial, value: number, claimed: ReadClaim | undefined): Check[] {
  const { metric } = trial.task.objective;
  const claim = claimed !== undefined && Object.hasOwn(claimed.claim, metric) ? claimed.claim[metric] : undefined;
  if (claimed === undefined || claim === undefined) return [];
  const isClose = Math.abs(claim - value) <= trial.claimTolerance * Math.max(Math.abs(value), Number.MIN_VALUE);
  const checks: Check[] = [
    {
      id: 'claim-vs-result',
      ok: isClose,
      detail: `the candidate claims ${metric} ${claim}, the judge measured ${value}`,
    },
  ];
  if (claimed.doubled.has(metric)) {
    checks.push({
      id: 'claim.doubled',
      ok: false,
      detail: `the candidate printed ${metric} more than once; the last one counts as its claim`,
    });
  }
  return checks;
}

/** What the last candidate's phase that printed any numbers says. */
async function findClaim(trial: EndedTrial): Promise<ReadClaim | undefined> {
  for (const phase of trial.phases.toReversed()) {
    if (phase.trust !== 'candidate') continue;
    const output = await readEnd(join(trial.directory, `${phase.name}.out`), CLAIM_BYTES);
    const claimed = output === undefined ? undefined : readClaim(output, trial.claimPattern, trial.task.claimFinal);
    if (claimed !== undefined) return claimed;
  }
  return undefined;
}

async function complaintOf(trial: EndedTrial, phase: JudgePhase): Promise<string> {
  const text = (await readEnd(join(trial.directory, `${phase.name}.err`), COMPLAINT_BYTES)) ?? '';
  return lastLines(text, COMPLAINT_LINES);
}

function collectFacts(
  trial: EndedTrial,
  end: Extract<AttemptEnd, { kind: 'finished' }>,
  claimed: ReadClaim | undefined,
): TrialFacts {
  const budgeted = trial.phases.find((phase) => phase.budget !== undefined)?.name;
  const budgetSeconds = end.phases.find((phase) => phase.name === budgeted)?.budgetSeconds;
  const observed = end.phases.flatMap((phase) => phase.observations?.costSeconds ?? []);
  const peaks = end.phases.flatMap((phase) => phase.peakMemoryBytes ?? []);
  return {
    ...(end.phases.length > 0 && { wallSeconds: end.phases.reduce((total, phase) => total + phase.wallSeconds, 0) }),
    ...(budgetSeconds !== undefined && { budgetSeconds }),
    ...(peaks.length > 0 && { peakMemoryBytes: Math.max(...peaks) }),
    ...(observed.length > 0 && { observeSeconds: observed.reduce((total, seconds) => total + seconds, 0) }),
    slot: end.slot,
    sandbox: end.sandbox,
    phases: Object.fromEntries(end.phases.map((phase: PhaseEnd) => [phase.name, phase.wallSeconds])),
    ...(claimed && { claim: claimed.claim }),
  };
}

function fail(failure: FailureKind, reason: string, facts: TrialFacts, checks: readonly Check[] = []): TrialOutcome {
  return { status: 'failed', failure, reason, ...(checks.length > 0 && { checks }), facts };
}

function refuse(refusal: Extract<ResultFile, { kind: 'refused' }>, facts: TrialFacts): TrialOutcome {
  const { failure, reason, checks, suspected } = refusal;
  return {
    status: 'failed',
    failure,
    reason,
    ...(checks.length > 0 && { checks }),
    ...(suspected && { suspected }),
    facts,
  };
}
