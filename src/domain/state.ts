import type { AuditReport } from './audit.ts';
import type { Batch } from './batch.ts';
import type { DriftRecord } from './drift.ts';
import type { ScreenNoise } from './screen-noise.ts';
import type { Direction, FinalComparison, Limits, TaskFacts } from './events.ts';
import { isMeasurement, type Operator, type Proposal } from './hypothesis.ts';
import type { CandidateId, ExperimentId, TrialId } from './ids.ts';
import type { Profile } from './profile.ts';
import type { SandboxKind, Stage, TrialOutcome, TrialPlan } from './trial.ts';
import type { Verdict, VerdictKind } from './verdict.ts';

/** What is remembered of an experiment for the whole campaign: small, since there may be a hundred thousand. */
export interface Experiment {
  readonly id: ExperimentId;
  /** Bodies of whole-file and diff changes are dropped once they are a commit; the log keeps them. */
  readonly proposal: Proposal;
  readonly proposedAt: number;
  readonly candidate?: CandidateId;
  readonly reference?: CandidateId;
  readonly filesChanged?: number;
  readonly linesAdded?: number;
  readonly linesRemoved?: number;
  /** Set when the screen was passed: the numbers that were fixed before the first replication pair. */
  readonly test?: { readonly index: number; readonly level: number; readonly variance: number; readonly tau: number };
  readonly replicated: boolean;
  readonly verdict?: Verdict;
  readonly concludedAt?: number;
  /** Of the candidate's own measured values. */
  readonly measured?: { readonly count: number; readonly mean: number };
  /** Wall seconds of every ended trial that it asked for, its references included. */
  readonly trialSeconds: number;
  /** What the audits of the change itself found, those that found nothing left out. */
  readonly changeAudits?: readonly AuditReport[];
  /** The batch that it was proposed in. Undefined before the first. */
  readonly batch?: number;
  /** Its keep does not stand any more. */
  readonly retracted?: { readonly cause: 'audit' | 'reproduction' | 'batch'; readonly reason: string };
  /** It holds the change of this retracted experiment. */
  readonly builtOn?: ExperimentId;
  /** Versions of the audits that have looked at it as a keep. */
  readonly auditedBy?: Readonly<Record<string, number>>;
  /** Where its time goes, as its own process said. Only of those that somebody asked for. */
  readonly profile?: Profile;
  /** An engine tried to profile it, and it left nothing. */
  readonly isProfileless?: true;
  /** So many profiles of it ended with the machine that they ran on. */
  readonly profilesLost?: number;
}

export type TrialState = 'planned' | 'submitted' | 'ended';

/** A trial of an experiment that is still open. Trials of concluded experiments live in the log only. */
export interface Trial {
  readonly plan: TrialPlan;
  readonly state: TrialState;
  /** Number of the latest attempt; 0 before the first. */
  readonly attempt: number;
  /** Attempts that were lost (killed from outside, machine gone). */
  readonly lost: number;
  readonly token?: string;
  /** Present when ended. A lost or cancelled attempt leaves the trial 'planned' again. */
  readonly outcome?: TrialOutcome;
}

/** A reference run that several screening trials share: same seed, close in time. */
export interface ScreenBlock {
  readonly pair: number;
  readonly seed: number;
  readonly reference: CandidateId;
  readonly trial: TrialId;
  readonly uses: number;
  /** Undefined until it is measured; null when it failed. */
  readonly value?: number | null;
}

export interface NoiseFloor {
  readonly runs: number;
  readonly mean: number;
  readonly sigma: number;
  readonly sigmaUsed: number;
  readonly trialSeconds: number;
  /** Of the starting point, which later measurements of the noise floor say nothing of. */
  readonly start: { readonly runs: number; readonly mean: number };
}

export interface OperatorRecord {
  readonly operator: Operator;
  readonly pulls: number;
  readonly keeps: number;
  readonly totalSeconds: number;
  /** Sum of the shrunken gains of its keeps. */
  readonly totalGain: number;
}

/** What one experiment brought and cost, for the bandit that chooses operators. */
export interface OperatorPull {
  readonly operator: Operator;
  /** Shrunken gain of a keep; 0 for every other verdict. */
  readonly gain: number;
  readonly seconds: number;
}

/** How predictions fared: of those that could be checked, how many intervals held the confirmed gain. */
export interface Calibration {
  readonly checked: number;
  readonly covered: number;
  readonly tooHigh: number;
  readonly tooLow: number;
}

export interface CampaignState {
  readonly seq: number;
  readonly lastEventAt: number;
  readonly campaign: string;
  readonly createdAt: number;
  readonly task: TaskFacts;
  readonly limits: Limits;
  readonly searchSeed: number;
  readonly testHorizon: number;
  readonly baseline: CandidateId;
  readonly champion: ExperimentId;
  readonly noise?: NoiseFloor;
  /** Whether the machine is still what it was when the noise floor was measured. Undefined until it is. */
  readonly drift?: DriftRecord;
  /** Of a task whose screens are apart, once a reference was screened. */
  readonly screenNoise?: ScreenNoise;
  readonly engine?: {
    readonly pid: number;
    readonly host: string;
    readonly slots: number;
    readonly sandbox: SandboxKind;
    readonly device: string;
    readonly startedAt: number;
    /** Undefined while it runs, as far as the log knows. */
    readonly stoppedAt?: number;
  };
  /** Milliseconds that engines ran before the present one. */
  readonly activeMs: number;
  readonly experiments: ReadonlyMap<ExperimentId, Experiment>;
  /** The first experiment that had each tree of files: what a duplicate repeats. */
  readonly trees: ReadonlyMap<string, ExperimentId>;
  /** Not concluded, oldest first. */
  readonly open: ReadonlySet<ExperimentId>;
  readonly trials: ReadonlyMap<TrialId, Trial>;
  /** Trials of each open experiment, oldest first. */
  readonly trialsOf: ReadonlyMap<ExperimentId, readonly TrialId[]>;
  readonly screenBlocks: ReadonlyMap<number, ScreenBlock>;
  readonly experimentCount: number;
  /** Of those, the ones that only measure: the starting point, and the champion beside it. They use up no limit. */
  readonly measurementCount: number;
  readonly trialCount: number;
  readonly pairCount: number;
  readonly attemptCount: number;
  readonly rejectedProposals: number;
  readonly verdictCounts: Readonly<Record<VerdictKind, number>>;
  readonly tests: { readonly count: number; readonly rejections: number };
  /** Pooled within-experiment sum of squares of paired differences, and its degrees of freedom. */
  readonly pairedDifferences: { readonly sumOfSquares: number; readonly degrees: number };
  readonly operators: ReadonlyMap<Operator, OperatorRecord>;
  /** The last experiments that were concluded, oldest first; a bounded number. */
  readonly recentPulls: readonly OperatorPull[];
  readonly calibration: Calibration;
  /** Wall seconds of ended trials by what they were for. Guards run through the stages of others but are counted apart; so are profiles. */
  readonly trialSecondsByStage: Readonly<Record<Stage | 'guard' | 'profile', number>>;
  /** How many profiles engines have started; the number names the next one's token. */
  readonly profiles: number;
  /** The profile that is under way. */
  readonly profiling?: { readonly experiment: ExperimentId; readonly token: string };
  /** The batch that new experiments join. */
  readonly batch?: Batch;
  /** Batches of open experiments, the present one included. */
  readonly batches: ReadonlyMap<number, Batch>;
  readonly guards: {
    readonly reported: number;
    readonly failed: number;
    readonly voidedBatches: number;
    /** Batches that were void since the last sound one. */
    readonly voidsInARow: number;
  };
  readonly retractions: number;
  /** The last comparison of a champion with the start. It is not made twice for the same champion: that would be another look. */
  readonly lastComparison?: FinalComparison;
  readonly finished?: { readonly reason: string; readonly at: number; readonly comparison?: FinalComparison };
}

/** Positive when `value` is better than `reference`. In the metric's units. */
export function gain(direction: Direction, value: number, reference: number): number {
  return direction === 'minimize' ? reference - value : value - reference;
}

/** The experiment with this id. @throws Error on an id that the log does not hold: a bug of ours. */
export function experimentOf(state: CampaignState, id: ExperimentId): Experiment {
  const found = state.experiments.get(id);
  if (!found) throw new Error(`no experiment ${id} in campaign ${state.campaign}`);
  return found;
}

/** An experiment that only measures how much an unchanged candidate varies: its candidate is its own reference. */
export function measuresNoise({ proposal, candidate, reference }: Experiment): boolean {
  return proposal.operator === 'baseline' && candidate !== undefined && candidate === reference;
}

/** The trials of an open experiment, oldest first. */
export function openTrials(state: CampaignState, id: ExperimentId): readonly Trial[] {
  return (state.trialsOf.get(id) ?? []).flatMap((trial) => {
    const found = state.trials.get(trial);
    return found ? [found] : [];
  });
}

/** The lineage of an experiment up to the baseline, itself first. Combined branches contribute their first parent only. */
export function lineage(state: CampaignState, id: ExperimentId): readonly Experiment[] {
  const chain: Experiment[] = [];
  for (let at: ExperimentId | undefined = id; at;) {
    const experiment: Experiment | undefined = state.experiments.get(at);
    if (!experiment || chain.includes(experiment)) break;
    chain.push(experiment);
    at = experiment.proposal.parent === experiment.id ? undefined : experiment.proposal.parent;
  }
  return chain;
}

/** The experiment whose candidate this one was measured against; undefined for the baseline. */
export function referenceOf(state: CampaignState, experiment: Experiment): Experiment | undefined {
  const { operator, parent } = experiment.proposal;
  if (parent === experiment.id) return undefined;
  const above = experimentOf(state, parent);
  // A replication measures its parent's candidate again, against what the parent was measured against.
  return operator === 'replicate' ? referenceOf(state, above) : above;
}

/**
 * Estimated gain over the starting point: the sum of the shrunken gains of the kept steps down to it. Each link was measured on
 * its own; the sum only ranks branches, the final comparison measures.
 */
export function estimatedTotalGain(state: CampaignState, experiment: Experiment): number {
  let total = 0;
  for (let at: Experiment | undefined = experiment; at; at = referenceOf(state, at)) {
    if (at.verdict?.kind === 'keep') total += at.verdict.evidence.shrunkenGain ?? 0;
  }
  return total;
}

/** Whether something may be built on it: kept, not retracted, and holding nothing that was. */
export function isStanding(experiment: Experiment): boolean {
  return experiment.verdict?.kind === 'keep' && !experiment.retracted && experiment.builtOn === undefined;
}

/** The experiments whose candidates hold the change of this one, oldest first: by parent, and by what was merged in. */
export function descendantsOf(state: CampaignState, id: ExperimentId): readonly ExperimentId[] {
  const holding = new Set<ExperimentId>([id]);
  for (const { id: other, proposal } of state.experiments.values()) {
    if (holding.has(other) || isMeasurement(proposal.operator)) continue;
    const { change } = proposal;
    const merged = change.type === 'merge' && holding.has(change.otherExperiment);
    const undone = change.type === 'undo' && change.experiment === id;
    if (!undone && (holding.has(proposal.parent) || merged)) holding.add(other);
  }
  holding.delete(id);
  return [...holding];
}
