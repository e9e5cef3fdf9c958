import type { FinalComparison, Limits, TaskFacts } from '../domain/events.ts';
import { BASELINE_EXPERIMENT, type CandidateId, type ExperimentId } from '../domain/ids.ts';
import { isSound } from '../domain/batch.ts';
import { isStanding, lineage, type Calibration, type CampaignState, type NoiseFloor } from '../domain/state.ts';
import type { SandboxKind, Stage } from '../domain/trial.ts';
import type { VerdictKind } from '../domain/verdict.ts';
import { roleOf, standingComparison, withoutUndefined } from './results.ts';
import { screenAgreement, type ScreenAgreement } from './screen-agreement.ts';

/** A campaign in one page. What is unknown is absent. */
export interface CampaignSummary {
  readonly campaign: string;
  readonly task: TaskFacts;
  readonly createdAt: number;
  readonly lastEventAt: number;
  /** Milliseconds that engines worked on it. */
  readonly activeMs: number;
  readonly limits: Limits;
  readonly finished?: { readonly reason: string; readonly at: number };
  readonly device?: string;
  readonly slots?: number;
  readonly sandbox?: { readonly kind: SandboxKind; readonly isStrong: boolean; readonly words: string };
  /** Hypotheses that became experiments: measurements of the start and of the champion are not among them. */
  readonly experiments: number;
  readonly open: number;
  readonly verdicts: Readonly<Record<VerdictKind, number>>;
  readonly rejectedProposals: number;
  readonly trials: number;
  readonly attempts: number;
  readonly start: { readonly candidate: CandidateId; readonly mean?: number; readonly runs?: number };
  readonly champion: ChampionSummary;
  readonly comparison?: FinalComparison;
  readonly noise?: NoiseFloor;
  readonly calibration: Calibration & { readonly share?: number };
  /** Online false-discovery control: tests begun, tests that ended in a keep, and the sum of the levels granted. */
  readonly tests: {
    readonly count: number;
    readonly rejections: number;
    readonly horizon: number;
    readonly levelGranted: number;
  };
  readonly stages: readonly StageTime[];
  /** Of a task whose screens are shorter than its other trials, say. */
  readonly screens?: ScreenAgreement;
  /** What the keeps that stand have cost, everything that was tried for them included. Absent: nothing stands. */
  readonly perKeep?: { readonly keeps: number; readonly trials: number; readonly seconds: number };
  readonly guards: GuardSummary;
  /** Keeps that were taken back. */
  readonly retractions: number;
}

export interface GuardSummary {
  /** Canaries and honest controls that came to their end, and those of them that were wrong. */
  readonly reported: number;
  readonly failed: number;
  readonly batches: {
    readonly total: number;
    /** Every guard reported and was right. */
    readonly sound: number;
    readonly void: number;
    /** Guards are still to report. */
    readonly open: number;
  };
  /** Why the latest batch has no guards, if it has none. */
  readonly unguarded?: string;
}

export interface ChampionSummary {
  readonly experiment: ExperimentId;
  /** False: nothing has beaten the starting point. */
  readonly isNew: boolean;
  readonly candidate?: CandidateId;
  readonly statement: string;
  /** The kept steps from the start to it, oldest first. */
  readonly steps: readonly ExperimentId[];
  /** Sum of the shrunken gains of those steps: an estimate until the final comparison measures it. */
  readonly estimatedGain?: number;
}

export interface StageTime {
  /** `guard`: canaries and honest controls, whichever stage they went through. `profile`: no trials, and part of no verdict. */
  readonly stage: Stage | 'guard' | 'profile';
  readonly seconds: number;
  /** Of all trial seconds, 0 to 1. */
  readonly share: number;
}

const SANDBOX_WORDS: Readonly<Record<SandboxKind, string>> = {
  bubblewrap: 'bubblewrap: read-only system, no network, own processes',
  process: 'a plain process: limits only. Candidates could reach files and network of this machine',
};

/** @param now milliseconds since 1970; only a running engine makes it matter. */
export function campaignSummary(state: CampaignState, now: number): CampaignSummary {
  const { engine, noise, finished, calibration } = state;
  return withoutUndefined<CampaignSummary>({
    campaign: state.campaign,
    task: state.task,
    createdAt: state.createdAt,
    lastEventAt: state.lastEventAt,
    activeMs: workedMs(state, now),
    limits: state.limits,
    finished: finished && { reason: finished.reason, at: finished.at },
    device: engine?.device,
    slots: engine?.slots,
    sandbox: engine && sandboxSummary(engine.sandbox),
    experiments: Math.max(0, state.experimentCount - state.measurementCount),
    open: [...state.open].filter((id) => !isGuard(state, id)).length,
    verdicts: { ...state.verdictCounts },
    rejectedProposals: state.rejectedProposals,
    trials: state.trialCount,
    attempts: state.attemptCount,
    start: { candidate: state.baseline, ...noise?.start },
    champion: championSummary(state),
    comparison: standingComparison(state),
    noise,
    calibration: {
      ...calibration,
      ...(calibration.checked > 0 ? { share: calibration.covered / calibration.checked } : {}),
    },
    tests: { ...state.tests, horizon: state.testHorizon, levelGranted: levelGranted(state) },
    stages: stageTimes(state),
    screens: screenAgreement(state),
    perKeep: perKeep(state),
    guards: guardSummary(state),
    retractions: state.retractions,
  });
}

export function sandboxSummary(kind: SandboxKind): NonNullable<CampaignSummary['sandbox']> {
  return { kind, isStrong: kind === 'bubblewrap', words: SANDBOX_WORDS[kind] };
}

function championSummary(state: CampaignState): ChampionSummary {
  const experiment = state.experiments.get(state.champion);
  const kept = championSteps(state);
  const gains = kept.map((id) => state.experiments.get(id)?.verdict?.evidence.shrunkenGain);
  const isKnown = gains.length > 0 && gains.every((gain) => gain !== undefined);
  return withoutUndefined<ChampionSummary>({
    experiment: state.champion,
    isNew: state.champion !== BASELINE_EXPERIMENT,
    candidate: experiment?.candidate ?? (state.champion === BASELINE_EXPERIMENT ? state.baseline : undefined),
    statement: experiment?.proposal.hypothesis.statement ?? '',
    steps: kept,
    estimatedGain: isKnown ? gains.reduce<number>((sum, gain) => sum + (gain ?? 0), 0) : undefined,
  });
}

/** The kept experiments from the start to the champion, oldest first. */
export function championSteps(state: CampaignState): readonly ExperimentId[] {
  return lineage(state, state.champion)
    .filter(
      ({ id, verdict, proposal }) =>
        id !== BASELINE_EXPERIMENT && verdict?.kind === 'keep' && proposal.operator !== 'baseline',
    )
    .map(({ id }) => id)
    .toReversed();
}

function levelGranted(state: CampaignState): number {
  let sum = 0;
  for (const { test } of state.experiments.values()) sum += test?.level ?? 0;
  return sum;
}

function stageTimes(state: CampaignState): readonly StageTime[] {
  const entries = Object.entries(state.trialSecondsByStage) as [StageTime['stage'], number][];
  const total = entries.reduce((sum, [, seconds]) => sum + seconds, 0);
  return entries.map(([stage, seconds]) => ({ stage, seconds, share: total > 0 ? seconds / total : 0 }));
}

function perKeep(state: CampaignState): CampaignSummary['perKeep'] {
  const keeps = [...state.experiments.values()].filter(
    (experiment) => roleOf(experiment) === 'hypothesis' && isStanding(experiment),
  ).length;
  if (keeps === 0) return undefined;
  const seconds = Object.values(state.trialSecondsByStage).reduce((sum, each) => sum + each, 0);
  return { keeps, trials: state.trialCount / keeps, seconds: seconds / keeps };
}

function guardSummary(state: CampaignState): GuardSummary {
  const { reported, failed, voidedBatches } = state.guards;
  const total = state.batch?.number ?? 0;
  // Batches that are not remembered any more have nothing open in them.
  const open = [...state.batches.values()].filter((batch) => batch.voided === undefined && !isSound(batch)).length;
  const unguarded = state.batch?.unguarded;
  return {
    reported,
    failed,
    batches: { total, sound: Math.max(0, total - voidedBatches - open), void: voidedBatches, open },
    ...(unguarded === undefined ? {} : { unguarded }),
  };
}

function isGuard(state: CampaignState, id: ExperimentId): boolean {
  const experiment = state.experiments.get(id);
  return experiment !== undefined && roleOf(experiment) === 'guard';
}

function workedMs(state: CampaignState, now: number): number {
  const { engine } = state;
  // Of an engine that was killed, the log knows only that it lived until its last event; the caller passes that as `now`.
  const running = engine && engine.stoppedAt === undefined ? now - engine.startedAt : 0;
  return state.activeMs + Math.max(0, running);
}
