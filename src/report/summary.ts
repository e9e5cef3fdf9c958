import type { FinalComparison, Limits, TaskFacts } from '../domain/events.ts';
import { BASELINE_EXPERIMENT, type CandidateId, type ExperimentId } from '../domain/ids.ts';
import { lineage, type Calibration, type CampaignState, type NoiseFloor } from '../domain/state.ts';
import type { SandboxKind, Stage } from '../domain/trial.ts';
import type { VerdictKind } from '../domain/verdict.ts';
import { withoutUndefined } from './results.ts';

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
  readonly stage: Stage;
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
    open: state.open.size,
    verdicts: { ...state.verdictCounts },
    rejectedProposals: state.rejectedProposals,
    trials: state.trialCount,
    attempts: state.attemptCount,
    start: { candidate: state.baseline, ...(noise ? { mean: noise.mean, runs: noise.runs } : {}) },
    champion: championSummary(state),
    comparison: finished?.comparison,
    noise,
    calibration: {
      ...calibration,
      ...(calibration.checked > 0 ? { share: calibration.covered / calibration.checked } : {}),
    },
    tests: { ...state.tests, horizon: state.testHorizon, levelGranted: levelGranted(state) },
    stages: stageTimes(state),
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
  const entries = Object.entries(state.trialSecondsByStage) as [Stage, number][];
  const total = entries.reduce((sum, [, seconds]) => sum + seconds, 0);
  return entries.map(([stage, seconds]) => ({ stage, seconds, share: total > 0 ? seconds / total : 0 }));
}

function workedMs(state: CampaignState, now: number): number {
  const { engine } = state;
  // Of an engine that was killed, the log knows only that it lived until its last event; the caller passes that as `now`.
  const running = engine && engine.stoppedAt === undefined ? now - engine.startedAt : 0;
  return state.activeMs + Math.max(0, running);
}
