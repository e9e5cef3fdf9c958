import type { Batch } from './batch.ts';
import type { EventOf } from './events.ts';
import type { Operator } from './hypothesis.ts';
import { BASELINE_EXPERIMENT, type ExperimentId, type TrialId } from './ids.ts';
import type { CampaignState, Experiment, OperatorRecord, ScreenBlock, Trial } from './state.ts';
import type { Stage } from './trial.ts';
import type { VerdictKind } from './verdict.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The state as the reducer holds it: the same shape, with collections that can change. */
export interface WorkingState extends Mutable<
  Omit<
    CampaignState,
    | 'experiments'
    | 'trees'
    | 'open'
    | 'trials'
    | 'trialsOf'
    | 'screenBlocks'
    | 'operators'
    | 'verdictCounts'
    | 'trialSecondsByStage'
    | 'batches'
  >
> {
  experiments: Map<ExperimentId, Experiment>;
  trees: Map<string, ExperimentId>;
  open: Set<ExperimentId>;
  trials: Map<TrialId, Trial>;
  trialsOf: Map<ExperimentId, TrialId[]>;
  screenBlocks: Map<number, ScreenBlock>;
  operators: Map<Operator, OperatorRecord>;
  verdictCounts: Record<VerdictKind, number>;
  trialSecondsByStage: Record<Stage | 'guard' | 'profile', number>;
  batches: Map<number, Batch>;
}

export function initialState(event: EventOf<'campaign.created'>, at: number): WorkingState {
  return {
    seq: 0,
    lastEventAt: at,
    campaign: event.campaign,
    createdAt: at,
    task: event.task,
    limits: event.limits,
    searchSeed: event.searchSeed,
    testHorizon: event.testHorizon,
    baseline: event.baseline,
    champion: BASELINE_EXPERIMENT,
    activeMs: 0,
    experiments: new Map(),
    trees: new Map(),
    open: new Set(),
    trials: new Map(),
    trialsOf: new Map(),
    screenBlocks: new Map(),
    operators: new Map(),
    recentPulls: [],
    experimentCount: 0,
    measurementCount: 0,
    trialCount: 0,
    pairCount: 0,
    attemptCount: 0,
    rejectedProposals: 0,
    verdictCounts: { keep: 0, 'near-miss': 0, inconclusive: 0, discard: 0, 'suspected-hack': 0, failed: 0 },
    tests: { count: 0, rejections: 0 },
    pairedDifferences: { sumOfSquares: 0, degrees: 0 },
    calibration: { checked: 0, covered: 0, tooHigh: 0, tooLow: 0 },
    trialSecondsByStage: { baseline: 0, screen: 0, replicate: 0, confirm: 0, final: 0, guard: 0, profile: 0 },
    profiles: 0,
    batches: new Map(),
    guards: { reported: 0, failed: 0, voidedBatches: 0, voidsInARow: 0 },
    retractions: 0,
  };
}

/** Replaces one experiment; one that the log does not hold is left alone. */
export function updateExperiment(
  state: WorkingState,
  id: ExperimentId,
  change: (experiment: Experiment) => Experiment,
): void {
  const experiment = state.experiments.get(id);
  if (experiment) state.experiments.set(id, change(experiment));
}
