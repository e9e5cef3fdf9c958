import type { PhaseEnd } from '../../executor/executor.ts';
import { counted, seconds, type AuditedPhase, type Context, type Finding, type Member } from './audited-trial.ts';

/** Clocks are read one after another, and a busy machine may pause the reader in between; time servers slew by 0.05 %. */
const CLOCK_TOLERANCE = { seconds: 0.1, part: 0.001 } as const;
/** What an honest program may need beyond its budget: its last step and its last file. */
const OVERTIME = {
  seconds: 0.25,
  part: 0.1,
  /** CPU time after the limit that an honest last step and the saving may take. */
  late: { seconds: 0.15, part: 0.075 },
} as const;
/** A name of a claimed number of seconds. */
const CLAIMED_SECONDS = /^(?:total|training|train|wall|wall_clock|elapsed|run)?_?(?:seconds|secs)$/;
const CLAIM_TOLERANCE = { seconds: 0.1, part: 0.02 } as const;
const CLAIM_TOO_LITTLE = 0.5;

export function clockIntegrity(phase: AuditedPhase, end: PhaseEnd): Finding | undefined {
  const clocks = end.observations?.clocks;
  if (clocks === undefined) return undefined;
  const { monotonic } = clocks;
  const tolerance = CLOCK_TOLERANCE.seconds + CLOCK_TOLERANCE.part * monotonic;
  const apart = (['realtime', 'raw', 'boottime'] as const).filter(
    (name) => !(Math.abs(clocks[name] - monotonic) <= tolerance),
  );
  const detail = `${phase.name}: ${seconds(monotonic)}`;
  if (apart.length === 0) return { finding: 'passed', detail: `${detail} on four clocks` };
  const others = apart.map((name) => `${seconds(clocks[name])} on ${name}`).join(', ');
  // Somebody set the time, or the machine slept: not the candidate's doing. No time server bends the two others apart.
  return {
    finding: apart.includes('raw') ? 'fired' : 'noted',
    detail: `${detail} on the judge's clock, but ${others}`,
  };
}

/** Before the clock starts only trusted code runs. */
export function untimedWork({ phase, end }: Member): Finding | undefined {
  const ready = end.observations?.ready;
  if (ready === undefined) return undefined;
  const used = `${phase.name}: ${seconds(ready.cpuSeconds)} of CPU in ${seconds(ready.wallSeconds)} before the clock`;
  const allowed = phase.budget?.startUpSeconds;
  if (allowed !== undefined && ready.cpuSeconds > allowed)
    return { finding: 'fired', detail: `${used}; ${seconds(allowed)} are meant for it` };
  if (ready.processes > 1)
    return { finding: 'noted', detail: `${used}, by ${counted(ready.processes, 'process', 'processes')}` };
  return { finding: 'passed', detail: used };
}

/**
 * Work after the budget's limit. The grace is there for a busy machine, not for more steps: a late end is excused where the program
 * did little work after its limit, by CPU time. (Time that it waited for its core is no excuse of its own: a program can let two of
 * its processes wait for each other.) Where nobody looked at the limit, all CPU time since the ready byte is held against the budget.
 */
export function overtime({ phase, end, seen }: Member, { resources }: Context): Finding | undefined {
  const { budget } = phase;
  const { budgetSeconds } = end;
  const ready = end.observations?.ready;
  if (budget === undefined || budgetSeconds === undefined || ready === undefined || seen === undefined)
    return undefined;
  const allowed = Math.max(OVERTIME.seconds, OVERTIME.part * budget.limitSeconds);
  const over = budgetSeconds - budget.limitSeconds;
  const detail = `${phase.name}: ${seconds(budgetSeconds)} of ${seconds(budget.limitSeconds)}`;
  const late = lateSeconds(end, seen, resources);
  const allowedLate = Math.max(OVERTIME.late.seconds, OVERTIME.late.part * budget.limitSeconds);
  const worksLate = late !== undefined && late > allowedLate;
  const after = late === undefined ? '' : `, worked ${seconds(late)} after its limit`;
  if (over <= allowed) return { finding: worksLate ? 'fired' : 'passed', detail: `${detail}${after}` };
  // Ended by us: that it was too slow is already what it failed by.
  if (end.reason !== 'exited') return { finding: 'noted', detail: `${detail}, then it was ended` };
  const { census } = seen;
  const worked = Math.max(0, census.cpuSeconds - ready.cpuSeconds) / atOnce(resources, census.peakThreads);
  const waited = census.waitedSeconds === undefined ? '' : `, waited ${seconds(census.waitedSeconds)} for its core`;
  const isExcused = worked <= budget.limitSeconds + allowed && !worksLate;
  return { finding: isExcused ? 'noted' : 'fired', detail: `${detail}; worked ${seconds(worked)}${after}${waited}` };
}

/** CPU time after the limit, by core. Undefined: it had ended by then, or nobody looked. */
function lateSeconds(
  { observations }: Member['end'],
  { census }: NonNullable<Member['seen']>,
  resources: Context['resources'],
): number | undefined {
  const limit = observations?.limit;
  return limit && Math.max(0, census.cpuSeconds - limit.cpuSeconds) / atOnce(resources, census.peakThreads);
}

function atOnce({ cores, threads }: Context['resources'], peak = 1): number {
  return Math.max(1, Math.min(cores, threads ?? cores, peak));
}

/** Seconds that the candidate says it took, against ours. A claim decides nothing. */
export function claimedTime({ outcome, candidates }: Context): Finding | undefined {
  const timed = candidates.filter(({ role }) => role === 'main');
  if (timed.length === 0) return undefined;
  const claims = Object.entries(outcome.facts.claim ?? {}).filter(([name]) => CLAIMED_SECONDS.test(name));
  const ours = Math.max(...timed.map(({ end }) => end.wallSeconds));
  const budgeted = timed.flatMap(({ end }) => end.budgetSeconds ?? []).at(-1);
  const detail = `it took ${seconds(ours)} on our clock`;
  if (claims.length === 0) return { finding: 'passed', detail: `it claims no time; ${detail}` };
  const words = claims.map(([name, value]) => `${name} ${seconds(value)}`).join(', ');
  const isLonger = claims.some(([, value]) => value > ours * (1 + CLAIM_TOLERANCE.part) + CLAIM_TOLERANCE.seconds);
  const isShorter = claims.some(([, value]) => value < CLAIM_TOO_LITTLE * (budgeted ?? 0));
  return { finding: isLonger ? 'fired' : isShorter ? 'noted' : 'passed', detail: `it claims ${words}; ${detail}` };
}
