import { changeRulesOf } from '../../audit/static/change-rules.ts';
import { decides as catalogueDecides } from '../../audit/catalogue/catalogue.ts';
import type { AuditReport } from '../../domain/audit.ts';
import { BASELINE_EXPERIMENT, trialId, type CandidateId, type ExperimentId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import type { Stage, TrialPlan } from '../../domain/trial.ts';
import type { TaskSpec } from '../../task/schema.ts';
import { screensApart } from '../../task/screens-apart.ts';
import type { NumberAudits } from '../guards/keep-audits.ts';
import { numberAuditor } from '../guards/number-auditor.ts';
import type { CleanRoom } from '../reproduce/clean-room.ts';
import { runPlans, type EndedPlan } from '../reproduce/run-plans.ts';
import type { Subject } from '../reproduce/subject.ts';
import { trialSeed } from '../seeds.ts';
import { auditCandidate } from '../workshop/audit-files.ts';
import type { LoggedExperiment } from './logged-trials.ts';
import type { StaleAudits } from './stale-audits.ts';

/** What looks at an experiment, beside its trials. */
export interface Auditors {
  /** Looks at what a candidate changed of its reference. Both are commits of the room. */
  readonly auditChange: (
    room: CleanRoom,
    reference: CandidateId,
    candidate: CandidateId,
  ) => Promise<readonly AuditReport[]>;
  readonly auditNumbers: NumberAudits;
  /** Whether an audit that fires makes the experiment fall. */
  readonly decides: (audit: string) => boolean;
}

export interface AuditedAgain {
  readonly experiment: ExperimentId;
  /** One for each audit that looked, the worst that it said. */
  readonly reports: readonly AuditReport[];
  /** The version that had looked at it before, by audit. */
  readonly before: Readonly<Record<string, number>>;
  /** Those that make it fall. */
  readonly fired: readonly AuditReport[];
  /** Why some audit could not look. Undefined: all did. */
  readonly problem?: string;
  readonly trials: readonly EndedPlan[];
  /** Milliseconds of the looks that need no run. Absent: not taken. */
  readonly changeMs?: number;
  readonly numbersMs?: number;
  /** Wall seconds of the fresh trials. Absent: none ran. */
  readonly trialSeconds?: number;
}

export interface AgainInput {
  readonly state: CampaignState;
  readonly room: CleanRoom;
  readonly subject: Subject;
  readonly logged: LoggedExperiment;
  readonly stale: StaleAudits;
  readonly signal: AbortSignal;
}

/**
 * One trial of a search stage and one of the confirmation, and one of replication where screens run other phases: those that a candidate
 * is measured by.
 */
export function freshStages(task: Pick<TaskSpec, 'phases'>): readonly Stage[] {
  return screensApart(task) ? ['screen', 'replicate', 'confirm'] : ['screen', 'confirm'];
}

const AUDITORS: Omit<Auditors, 'auditNumbers'> = {
  auditChange: ({ parts, task }, reference, candidate) =>
    auditCandidate(
      { repository: parts.repository, python: parts.python, task },
      changeRulesOf(task),
      reference,
      candidate,
    ),
  decides: catalogueDecides,
};

/** Takes the looks that are due. Nothing is written. */
export async function auditAgain(input: AgainInput, given: Partial<Auditors> = {}): Promise<AuditedAgain> {
  const { state, room, subject, logged, stale } = input;
  const { auditChange, decides } = { ...AUDITORS, ...given };
  const auditNumbers = given.auditNumbers ?? numberAuditor(room.task);
  const { experiment } = subject;
  const { verdict } = experiment;
  const problems: string[] = [];
  const change =
    stale.change.length === 0
      ? undefined
      : await timed(() => auditChange(room, room.here(subject.reference), room.here(subject.candidate)));
  const numbers =
    stale.numbers.length === 0 || !verdict
      ? undefined
      : await timed(() => Promise.resolve(auditNumbers({ state, experiment, trials: logged.trials, verdict })));
  for (const [due, look] of [
    [stale.change, change],
    [stale.numbers, numbers],
  ] as const) {
    const silent = due.filter((id) => !(look?.value ?? []).some(({ audit }) => audit === id));
    if (silent.length > 0) problems.push(`silent: ${silent.join(', ')}`);
  }
  const trials = stale.trials.length === 0 ? [] : await runFresh(input);
  const failures = trials.flatMap(({ plan, outcome }) =>
    outcome.status === 'succeeded' || (outcome.status === 'failed' && outcome.suspected === true)
      ? []
      : [`its trial at '${plan.stage}' ended ${outcome.status}: ${outcome.reason}`],
  );
  problems.push(...failures);
  const seen = worstOf(trials.flatMap(({ outcome }) => outcome.facts.audits ?? []));
  // A trial that came to nothing leaves its audits due; what fired in it fired.
  const trialReports = failures.length > 0 ? seen.filter(({ finding }) => finding === 'fired') : seen;
  const reports = worstOf([...(change?.value ?? []), ...trialReports, ...(numbers?.value ?? [])]);
  const seconds = trials.flatMap(({ outcome }) => outcome.facts.wallSeconds ?? []);
  return {
    experiment: experiment.id,
    reports,
    before: logged.auditedBy,
    fired: [
      ...reports.filter(({ audit, finding }) => finding === 'fired' && decides(audit)),
      ...suspected(trials, reports),
    ],
    trials,
    ...(problems.length === 0 ? {} : { problem: problems.join('; ') }),
    ...(change ? { changeMs: change.ms } : {}),
    ...(numbers ? { numbersMs: numbers.ms } : {}),
    ...(seconds.length === 0 ? {} : { trialSeconds: seconds.reduce((sum, each) => sum + each, 0) }),
  };
}

async function runFresh({ room, subject, signal }: AgainInput): Promise<readonly EndedPlan[]> {
  // Names of trials are those of attempts' folders: unique in the room.
  const stages = freshStages(room.task.spec);
  const first = stages.length * Number(subject.experiment.id.slice(1)) + 1;
  const plans = stages.map((stage, index): TrialPlan => ({
    trial: trialId(first + index),
    experiment: BASELINE_EXPERIMENT,
    candidate: room.here(subject.candidate),
    stage,
    arm: 'candidate',
    pair: first + index,
    seed: trialSeed(room.secret, stage, first + index),
  }));
  return runPlans(room, plans, { signal });
}

/** A judge may refuse a trial without naming an audit of the catalogue: that is enough. */
function suspected(trials: readonly EndedPlan[], reports: readonly AuditReport[]): readonly AuditReport[] {
  if (reports.some(({ finding }) => finding === 'fired')) return [];
  return trials.flatMap(({ plan, outcome }) =>
    outcome.status === 'failed' && outcome.suspected === true
      ? [{ audit: `judge (${plan.stage})`, version: 1, finding: 'fired', detail: outcome.reason } as const]
      : [],
  );
}

const GRAVITY = { passed: 0, noted: 1, fired: 2 } as const;

function worstOf(reports: readonly AuditReport[]): readonly AuditReport[] {
  const worst = new Map<string, AuditReport>();
  for (const report of reports) {
    const before = worst.get(report.audit);
    if (!before || GRAVITY[report.finding] > GRAVITY[before.finding]) worst.set(report.audit, report);
  }
  return [...worst.values()];
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const from = performance.now();
  const value = await work();
  return { value, ms: performance.now() - from };
}
