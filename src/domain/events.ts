import type { AuditReport } from './audit.ts';
import type { Batch, GuardPlan } from './batch.ts';
import type { CandidateId, ExperimentId, TrialId } from './ids.ts';
import type { Interval, Operator, Proposal } from './hypothesis.ts';
import type { Profile } from './profile.ts';
import type { SandboxKind, TrialOutcome, TrialPlan } from './trial.ts';
import type { Verdict } from './verdict.ts';

/**
 * Everything that can happen in a campaign. Closed: a reader meets exactly these.
 *
 * A change of meaning or of a required field needs a new schema version and a migration (src/store/migrations).
 */
export type AssayEvent =
  | CampaignCreated
  | CampaignExtended
  | EngineStarted
  | EngineStopped
  | NoiseMeasured
  | ExperimentProposed
  | ProposalRejected
  | ExperimentImplemented
  | TrialPlanned
  | TrialSubmitted
  | TrialFinished
  | TrialWithdrawn
  | StagePassed
  | ExperimentAudited
  | ExperimentConcluded
  | VerdictRetracted
  | ExperimentReproduced
  | ProfileSubmitted
  | ExperimentProfiled
  | ProfileFailed
  | BatchOpened
  | GuardReported
  | BatchVoided
  | BatchClosed
  | ChampionChanged
  | CampaignFinished
  | NoteWritten;

export type EventType = AssayEvent['type'];
export type EventOf<Type extends EventType> = Extract<AssayEvent, { type: Type }>;

export type Direction = 'minimize' | 'maximize';

/** What the campaign has to know of its task for ever, even if the task's folder changes or vanishes. */
export interface TaskFacts {
  readonly name: string;
  /** Absolute path the task was read from; for people, never for a decision. */
  readonly path: string;
  /** Hash over every file of the task at creation. */
  readonly hash: string;
  readonly metric: string;
  readonly unit?: string;
  readonly direction: Direction;
  readonly start: string;
  /** A second metric, from data that no search stage scored, that a confirmed gain must also show. */
  readonly holdoutMetric?: string;
  /** Screens run phases of their own, a shorter training say: their values compare with each other alone. */
  readonly screensApart?: boolean;
}

export interface Limits {
  readonly experiments?: number;
  readonly minutes?: number;
}

export interface CampaignCreated {
  readonly type: 'campaign.created';
  readonly campaign: string;
  readonly task: TaskFacts;
  readonly baseline: CandidateId;
  readonly limits: Limits;
  /** Seed of the search's own choices (not of trials). */
  readonly searchSeed: number;
  /** How many tests the false-discovery budget was laid out for. Fixed for ever: choosing it later would be peeking. */
  readonly testHorizon: number;
  readonly assayVersion: string;
}

/** More budget was granted to a campaign that exists. Limits are totals, not additions. */
export interface CampaignExtended {
  readonly type: 'campaign.extended';
  readonly limits: Limits;
}

export interface EngineStarted {
  readonly type: 'engine.started';
  readonly pid: number;
  readonly host: string;
  readonly slots: number;
  readonly sandbox: SandboxKind;
  readonly device: string;
  readonly assayVersion: string;
}

export interface EngineStopped {
  readonly type: 'engine.stopped';
  readonly reason: 'finished' | 'asked' | 'failed';
  readonly detail?: string;
}

/** The spread of the unchanged baseline on this machine, with as many slots busy as the search uses. */
export interface NoiseMeasured {
  readonly type: 'noise.measured';
  readonly runs: number;
  readonly mean: number;
  /** Sample standard deviation of one trial. */
  readonly sigma: number;
  /** The value that decisions use: an upper confidence bound, never below the task's floor. */
  readonly sigmaUsed: number;
  readonly trialSeconds: number;
  /** Why it was measured. Absent: at the start. */
  readonly occasion?: 'start' | 'drift';
  /** Whose runs they were. Absent: the starting point's. */
  readonly candidate?: CandidateId;
}

export interface ExperimentProposed {
  readonly type: 'experiment.proposed';
  readonly experiment: ExperimentId;
  readonly proposal: Proposal;
}

/** A proposal that was turned back before it became an experiment (a duplicate, say). */
export interface ProposalRejected {
  readonly type: 'proposal.rejected';
  readonly proposer: string;
  readonly operator: Operator;
  readonly reason: string;
  readonly duplicateOf?: ExperimentId;
}

export interface ExperimentImplemented {
  readonly type: 'experiment.implemented';
  readonly experiment: ExperimentId;
  readonly candidate: CandidateId;
  /** Hash of the candidate's files: two experiments with the same tree are the same program. */
  readonly tree: string;
  /** The candidate that it is measured against. */
  readonly reference: CandidateId;
  readonly filesChanged: number;
  readonly linesAdded: number;
  readonly linesRemoved: number;
  /** The audits of the change itself. Absent in logs of versions that had none. */
  readonly audits?: readonly AuditReport[];
}

export interface TrialPlanned {
  readonly type: 'trial.planned';
  readonly plan: TrialPlan;
}

/** Written before the executor is asked: a crash between the two is healed by looking for the token. */
export interface TrialSubmitted {
  readonly type: 'trial.submitted';
  readonly trial: TrialId;
  readonly experiment: ExperimentId;
  /** 1 for the first attempt; more only after one was lost (killed from outside, machine gone) or cancelled. */
  readonly attempt: number;
  readonly token: string;
}

export interface TrialFinished {
  readonly type: 'trial.finished';
  readonly trial: TrialId;
  readonly experiment: ExperimentId;
  readonly attempt: number;
  readonly outcome: TrialOutcome;
}

/** A planned trial that will not be run: its experiment is decided by what has run already. */
export interface TrialWithdrawn {
  readonly type: 'trial.withdrawn';
  readonly trial: TrialId;
  readonly experiment: ExperimentId;
}

/** An experiment moved on to the next stage of the gate; says why. */
export interface StagePassed {
  readonly type: 'stage.passed';
  readonly experiment: ExperimentId;
  readonly stage: 'static' | 'screen' | 'replicate';
  readonly reason: string;
  /** The test of the campaign that replication became (stage 'screen' only). */
  readonly testIndex?: number;
  /** The level granted to it by online false-discovery control (stage 'screen' only). */
  readonly level?: number;
  /** Variance of one paired difference and scale of an interesting gain, fixed before the first pair (stage 'screen' only). */
  readonly variance?: number;
  readonly tau?: number;
}

/** Audits on all numbers of an experiment, or of a champion again because the catalogue has changed. */
export interface ExperimentAudited {
  readonly type: 'experiment.audited';
  readonly experiment: ExperimentId;
  /** Why it was looked at: its change was refused, it is about to be kept, or it was kept by an older catalogue. */
  readonly occasion: 'change' | 'keep' | 'again';
  readonly audits: readonly AuditReport[];
}

export interface ExperimentConcluded {
  readonly type: 'experiment.concluded';
  readonly experiment: ExperimentId;
  readonly verdict: Verdict;
}

/** A keep that does not stand any more. Its verdict stays in the log; nothing may be built on it from here on. */
export interface VerdictRetracted {
  readonly type: 'verdict.retracted';
  readonly experiment: ExperimentId;
  readonly cause: 'audit' | 'reproduction' | 'batch';
  readonly reason: string;
  /** Experiments whose candidate holds its change: their own verdicts compared with a reference that holds it too. */
  readonly descendants: readonly ExperimentId[];
}

/** A kept change, rebuilt from its commit in a clean room and measured again on seeds of its own. */
export interface ExperimentReproduced {
  readonly type: 'experiment.reproduced';
  readonly experiment: ExperimentId;
  readonly holds: boolean;
  /** That were run. */
  readonly pairs: number;
  /** Gain, interval and p are absent when the candidate failed a run. */
  readonly gain?: number;
  readonly interval?: Interval;
  /** One-sided paired t-test of 'no gain'. */
  readonly p?: number;
  readonly device: string;
  readonly detail: string;
}

/** The engine looks where the time of an experiment's program goes. Recorded before anything starts. */
export interface ProfileSubmitted {
  readonly type: 'profile.submitted';
  readonly experiment: ExperimentId;
  readonly token: string;
}

/** Where the time of an experiment's program goes, as its own process said. Part of no verdict; the newest one counts. */
export interface ExperimentProfiled {
  readonly type: 'experiment.profiled';
  readonly experiment: ExperimentId;
  readonly device: string;
  readonly profile: Profile;
  /** Wall seconds that it cost the campaign. Absent: somebody asked for it while no engine worked. */
  readonly seconds?: number;
}

/**
 * The engine ran an experiment's profile and has nothing to show for it. It does not try that experiment again unless it was cancelled, or
 * lost with the machine fewer times than a trial may be.
 */
export interface ProfileFailed {
  readonly type: 'profile.failed';
  readonly experiment: ExperimentId;
  readonly seconds: number;
  readonly reason: string;
  readonly cancelled?: true;
  /** Nobody knows how it ended: its supervisor is gone. */
  readonly lost?: true;
}

/** A batch of experiments begins. Its guards are experiments of their own; their numbers come with it. */
export interface BatchOpened {
  readonly type: 'batch.opened';
  readonly batch: Batch['number'];
  readonly guards: readonly GuardPlan[];
  /** The catalogue in force: id and version of every audit. */
  readonly catalogue: Readonly<Record<string, number>>;
  /** Integrity of what trials rely on, before. */
  readonly audits: readonly AuditReport[];
  /** Why the batch has no guards, if it has none. */
  readonly unguarded?: string;
}

/** A canary or an honest control has come to its end. */
export interface GuardReported {
  readonly type: 'guard.reported';
  readonly experiment: ExperimentId;
  readonly batch: number;
  readonly guard: GuardPlan;
  /** The canary was caught for the right reason, or the control passed. */
  readonly ok: boolean;
  /** Audits that fired. */
  readonly fired: readonly string[];
  readonly detail: string;
}

/** A guard was silent or failed: nothing that was decided in this batch counts. */
export interface BatchVoided {
  readonly type: 'batch.voided';
  readonly batch: number;
  readonly reason: string;
}

/** Integrity of what trials rely on, after. */
export interface BatchClosed {
  readonly type: 'batch.closed';
  readonly batch: number;
  readonly audits: readonly AuditReport[];
}

export interface ChampionChanged {
  readonly type: 'champion.changed';
  readonly experiment: ExperimentId;
  readonly candidate: CandidateId;
  readonly reason: string;
}

/** The search is over: the champion beside the starting point on seeds that nothing was chosen by. */
export interface CampaignFinished {
  readonly type: 'campaign.finished';
  readonly reason: string;
  readonly comparison?: FinalComparison;
}

export interface FinalComparison {
  readonly champion: ExperimentId;
  readonly pairs: number;
  readonly baselineMean: number;
  readonly championMean: number;
  /** Mean paired gain with its 95 % interval; positive is better. */
  readonly gain: number;
  readonly interval: Interval;
  /** One-sided paired t-test of 'no gain'. */
  readonly p: number;
}

export interface NoteWritten {
  readonly type: 'note.written';
  readonly kind: 'insight' | 'dead-end' | 'steering' | 'warning';
  readonly text: string;
  readonly experiment?: ExperimentId;
}
