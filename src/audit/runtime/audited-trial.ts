import type { AuditReport } from '../../domain/audit.ts';
import type { SandboxKind, TrialOutcome } from '../../domain/trial.ts';
import type { AttemptEnd, PhaseEnd } from '../../executor/executor.ts';
import type { MemberObservations } from '../../executor/observations.ts';
import type { JudgePhase, JudgeProcess } from '../../judge/judge-task.ts';
import { RUNTIME_AUDITS } from '../catalogue/runtime-audits.ts';

/** What an audit must know of a phase's contract. */
export interface AuditedPhase extends Pick<JudgePhase, 'name' | 'trust'> {
  readonly budget?: {
    readonly limitSeconds: number;
    readonly graceSeconds: number;
    /** Seconds on a core that trusted code may use before the clock starts. Undefined: no limit. */
    readonly startUpSeconds?: number;
  };
  readonly peer?: Pick<JudgeProcess, 'trust'>;
}

export interface AuditedResources {
  /** Cores of the trial's slot. */
  readonly cores: number;
  /** Threads of all processes of a candidate together. Undefined: no limit. */
  readonly threads?: number;
}

export interface AuditedTrial {
  readonly end: AttemptEnd;
  readonly outcome: TrialOutcome;
  /** Those of the trial's stage, in order. */
  readonly phases: readonly AuditedPhase[];
  readonly resources: AuditedResources;
}

/** A process of the candidate that ran in a phase. */
export interface Member {
  /** For people: the phase, and whether it is its peer. */
  readonly label: string;
  readonly role: 'main' | 'peer';
  readonly phase: AuditedPhase;
  readonly end: PhaseEnd;
  /** Undefined: nobody watched it. */
  readonly seen: MemberObservations | undefined;
}

export type FinishedEnd = Extract<AttemptEnd, { kind: 'finished' }>;

export interface Context {
  readonly outcome: TrialOutcome;
  readonly end: FinishedEnd;
  readonly sandbox: SandboxKind;
  readonly resources: AuditedResources;
  /** Phases that were started, with their ends. */
  readonly phases: readonly { readonly phase: AuditedPhase; readonly end: PhaseEnd }[];
  /** The candidate's processes in them. */
  readonly candidates: readonly Member[];
}

export interface Finding {
  readonly finding: AuditReport['finding'];
  readonly detail: string;
}

const ORDER = ['passed', 'noted', 'fired'] as const;
const VERSIONS = new Map(RUNTIME_AUDITS.map(({ id, version }) => [id, version]));
const LONGEST_DETAIL = 600;

/** The part of an attempt that audits look at. Undefined: it is lost, so nothing is known. */
export function contextOf(trial: AuditedTrial): Context | undefined {
  const { end, outcome, resources } = trial;
  if (end.kind === 'lost') return undefined;
  const phases = trial.phases.flatMap((phase) => {
    const ended = end.phases.find((one) => one.name === phase.name);
    return ended === undefined || ended.reason === 'not-started' ? [] : [{ phase, end: ended }];
  });
  return { outcome, end, sandbox: end.sandbox, resources, phases, candidates: phases.flatMap(candidatesOf) };
}

function candidatesOf({ phase, end }: Context['phases'][number]): Member[] {
  const members: Member[] = [];
  const add = (role: Member['role'], label: string): void => {
    members.push({ label, role, phase, end, seen: end.observations?.[role] });
  };
  if (phase.trust === 'candidate') add('main', phase.name);
  if (phase.peer?.trust === 'candidate') add('peer', `${phase.name} (peer)`);
  return members;
}

/** One report for all that an audit looked at, the worst counts. None if one of them could not be seen, or if there were none. */
export function reportOf(audit: string, findings: readonly (Finding | undefined)[]): AuditReport[] {
  const version = VERSIONS.get(audit);
  if (version === undefined) throw new Error(`no such audit: ${audit}`);
  const seen = findings.filter((one) => one !== undefined);
  if (seen.length === 0 || seen.length < findings.length) return [];
  const worst = seen.reduce((most, { finding }) => Math.max(most, ORDER.indexOf(finding)), 0);
  const finding = ORDER[worst] ?? 'fired';
  const detail = seen
    .toSorted((one, other) => ORDER.indexOf(other.finding) - ORDER.indexOf(one.finding))
    .map((one) => one.detail)
    .join('; ');
  return [{ audit, version, finding, detail: detail.slice(0, LONGEST_DETAIL) }];
}

export function seconds(value: number): string {
  return `${Number(value.toFixed(3))} s`;
}

export function counted(count: number, one: string, more = `${one}s`): string {
  return `${count} ${count === 1 ? one : more}`;
}
