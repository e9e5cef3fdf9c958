import { createHash } from 'node:crypto';
import type { AssayEvent, Limits, TaskFacts } from './events.ts';
import type { Change, Interval, Operator, Proposal } from './hypothesis.ts';
import { BASELINE_EXPERIMENT, candidateId, experimentId, trialId, type CandidateId, type ExperimentId } from './ids.ts';
import { applyEvent } from './reduce.ts';
import { initialState, type WorkingState } from './working-state.ts';
import { experimentOf, type Experiment, type NoiseFloor } from './state.ts';
import type { Stage, TrialOutcome } from './trial.ts';
import type { Evidence, Verdict, VerdictKind } from './verdict.ts';

export interface HandMadeOptions {
  readonly task?: Partial<TaskFacts>;
  readonly testHorizon?: number;
  readonly limits?: Limits;
  readonly slots?: number;
  readonly baseline?: CandidateId;
  /** Null: the starting point is still to be measured. */
  readonly noise?: Partial<NoiseFloor> | null;
}

export interface Arms {
  readonly candidate?: TrialOutcome;
  readonly reference?: TrialOutcome;
}

export interface HandMadeExperiment {
  readonly change?: Change;
  readonly operator?: Operator;
  readonly parent?: ExperimentId;
  readonly candidate?: CandidateId;
  readonly tree?: string;
  readonly reference?: CandidateId;
  readonly predictedGain?: Interval;
}

/** A campaign whose events are written one by one, for tests that need a certain state. Lower is better. */
export class HandMadeCampaign {
  readonly state: WorkingState;
  readonly records: { readonly seq: number; readonly at: number; readonly event: AssayEvent }[] = [];

  constructor(options: HandMadeOptions = {}) {
    const { noise = {}, slots = 1, testHorizon = 20, limits = {} } = options;
    const task = {
      name: 'made',
      path: '/made',
      hash: 'h',
      metric: 'loss',
      direction: 'minimize',
      start: 'only',
    } as const;
    const baseline = options.baseline ?? commit('baseline');
    const created = {
      type: 'campaign.created',
      campaign: 'made',
      task: { ...task, ...options.task },
      baseline,
      limits,
      searchSeed: 1,
      testHorizon,
      assayVersion: '0',
    } as const;
    this.state = initialState(created, 0);
    this.write(created, {
      type: 'engine.started',
      pid: 1,
      host: 'here',
      slots,
      sandbox: 'process',
      device: 'none',
      assayVersion: '0',
    });
    this.propose({ operator: 'baseline', candidate: baseline, tree: 'tree of baseline', reference: baseline });
    if (noise === null) return;
    this.write({
      type: 'noise.measured',
      runs: 20,
      mean: 10,
      sigma: 0.1,
      sigmaUsed: 0.1,
      trialSeconds: 1,
      ...noise,
    });
    this.conclude(BASELINE_EXPERIMENT, 'keep');
  }

  write(...events: readonly AssayEvent[]): void {
    for (const event of events) {
      const record = { seq: this.records.length + 1, at: 1000 * this.records.length, event };
      this.records.push(record);
      applyEvent(this.state, record);
    }
  }

  experiment(id: ExperimentId): Experiment {
    return experimentOf(this.state, id);
  }

  /** An experiment that has its candidate; its parent is the champion unless told. */
  propose(made: HandMadeExperiment = {}): ExperimentId {
    const experiment = experimentId(this.state.experimentCount);
    const { operator = 'invent', parent = this.state.champion, tree = `tree of ${experiment}` } = made;
    const proposal: Proposal = {
      operator,
      proposer: 'hand',
      parent,
      hypothesis: {
        kind: 'algorithmic',
        statement: `${experiment} helps`,
        rationale: 'made by hand',
        ...(made.predictedGain ? { predictedGain: made.predictedGain } : {}),
      },
      change: made.change ?? { type: 'none' },
    };
    this.write({ type: 'experiment.proposed', experiment, proposal });
    const above = this.state.experiments.get(parent);
    const reference = made.reference ?? (operator === 'replicate' ? above?.reference : above?.candidate);
    if (!reference) throw new Error(`${parent} has no candidate`);
    const candidate = made.candidate ?? commit(experiment);
    const lines = { filesChanged: 1, linesAdded: 1, linesRemoved: 1 };
    this.write({ type: 'experiment.implemented', experiment, candidate, tree, reference, ...lines });
    return experiment;
  }

  /** One pair of a stage; an arm that is left out still runs. */
  pair(experiment: ExperimentId, stage: Stage, arms: Arms): void {
    const pair = this.state.pairCount + 1;
    const { candidate, reference } = this.experiment(experiment);
    if (!candidate || !reference) throw new Error(`${experiment} has no candidate`);
    for (const [arm, which] of [
      ['reference', reference],
      ['candidate', candidate],
    ] as const) {
      if (stage === 'baseline' && arm === 'reference') continue;
      const trial = trialId(this.state.trialCount + 1);
      this.write({
        type: 'trial.planned',
        plan: { trial, experiment, candidate: which, stage, arm, pair, seed: 100 + pair },
      });
      this.write({ type: 'trial.submitted', trial, experiment, attempt: 1, token: `${trial}-1` });
      const outcome = arms[arm];
      if (outcome) this.write({ type: 'trial.finished', trial, experiment, attempt: 1, outcome });
    }
  }

  /** Pairs with these gains over a reference of 10. */
  gains(experiment: ExperimentId, stage: Stage, ...gains: readonly number[]): void {
    for (const gain of gains) this.pair(experiment, stage, { candidate: measured(10 - gain), reference: measured(10) });
  }

  passScreen(experiment: ExperimentId, test: { level?: number; variance?: number; tau?: number } = {}): void {
    const testIndex = this.state.tests.count + 1;
    const numbers = { level: 0.001, variance: 0.02, tau: 0.1, ...test };
    this.write({ type: 'stage.passed', experiment, stage: 'screen', reason: 'by hand', testIndex, ...numbers });
  }

  passReplication(experiment: ExperimentId): void {
    this.write({ type: 'stage.passed', experiment, stage: 'replicate', reason: 'by hand' });
  }

  conclude(experiment: ExperimentId, kind: VerdictKind, evidence: Evidence = {}): void {
    const verdict: Verdict = { kind, stage: 'confirm', reasons: ['by hand'], evidence };
    this.write({ type: 'experiment.concluded', experiment, verdict });
  }

  /** Concludes as kept and makes it champion. */
  crown(experiment: ExperimentId, gain = 1): void {
    const { candidate } = this.experiment(experiment);
    if (!candidate) throw new Error(`${experiment} has no candidate`);
    this.conclude(experiment, 'keep', { confirmMeanGain: gain, shrunkenGain: gain });
    this.write({ type: 'champion.changed', experiment, candidate, reason: 'by hand' });
  }
}

export function measured(value: number, metrics: Readonly<Record<string, number>> = {}): TrialOutcome {
  return { status: 'succeeded', result: { value, metrics, checks: [] }, facts: { wallSeconds: 1 } };
}

export const CRASHED: TrialOutcome = { status: 'failed', failure: 'crash', reason: 'it crashed', facts: {} };
export const LOST: TrialOutcome = { status: 'failed', failure: 'lost', reason: 'the machine went away', facts: {} };
export const CANCELLED: TrialOutcome = { status: 'cancelled', reason: 'stopped on request', facts: {} };
export const CHEATED: TrialOutcome = {
  status: 'failed',
  failure: 'invalid-metric',
  reason: 'it knows too much',
  checks: [
    { id: 'causality', ok: false, detail: 'position 3 sees position 4' },
    { id: 'normalization', ok: true, detail: 'sums to one' },
  ],
  suspected: true,
  facts: {},
};

/** A made-up commit, the same for the same words. */
export function commit(words: string): CandidateId {
  return candidateId(createHash('sha1').update(words).digest('hex'));
}
