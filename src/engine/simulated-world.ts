import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { candidateId, type CandidateId } from '../domain/ids.ts';
import type { Change, Proposal } from '../domain/hypothesis.ts';
import { experimentOf, type Experiment } from '../domain/state.ts';
import type { TrialOutcome, TrialPlan } from '../domain/trial.ts';
import type { Attempt, AttemptEnd, AttemptHandle, Executor } from '../executor/executor.ts';
import type { Judge, TrialContext } from '../judge/judge.ts';
import { createRandom } from '../stats/random.ts';
import type { Workshop } from './workshop/workshop.ts';

export interface SimulatedWorld {
  readonly executor: Executor;
  readonly judge: Judge;
  readonly workshop: Workshop;
  readonly baseline: CandidateId;
  /** How often each token was really started: more than once is a doubled trial. */
  readonly starts: ReadonlyMap<string, number>;
  /** The true value of a candidate, without noise. */
  truth(candidate: CandidateId): number;
  /** What its change wrote; empty for the starting point. */
  filesOf(candidate: CandidateId): Readonly<Record<string, string | null>>;
}

export interface SimulationOptions {
  readonly sigma: number;
  readonly slots?: number;
  readonly seed?: string;
  /** Outcome of a trial instead of a measurement, to simulate failures. */
  readonly fail?: (plan: TrialPlan, token: string) => TrialOutcome | undefined;
  /** What the machine adds to every measurement of this trial. */
  readonly drift?: (plan: TrialPlan) => number;
}

/**
 * A task without programs, for tests and for simulations of the gate: a candidate is a sum of planted gains, a trial is its true value
 * plus normal noise, half of it shared by trials of one seed. Lives apart from any engine, as real trials do. Lower is better.
 *
 * A proposal plants the gain that is written in its change: `{ type: 'files', files: { gain: '0.5', … } }`. Undoing it takes it out.
 */
export function createSimulatedWorld(options: SimulationOptions): SimulatedWorld {
  const truths = new Map<CandidateId, number>();
  const written = new Map<CandidateId, Readonly<Record<string, string | null>>>();
  const plans = new Map<string, TrialPlan>();
  const starts = new Map<string, number>();
  const baseline = fakeCommit('baseline');
  truths.set(baseline, 10);
  const truth = (candidate: CandidateId): number => {
    const value = truths.get(candidate);
    if (value === undefined) throw new Error(`unknown candidate ${candidate}`);
    return value;
  };
  const gainOf = ({ candidate, reference }: Experiment): number =>
    candidate && reference ? truth(reference) - truth(candidate) : 0;
  const measure = (plan: TrialPlan): number => {
    const world = options.seed ?? 'world';
    const shared = createRandom(`${world}:${plan.seed}`).normal();
    const own = createRandom(`${world}:${plan.seed}:${plan.candidate}:${plan.trial}`).normal();
    return truth(plan.candidate) + (options.drift?.(plan) ?? 0) + options.sigma * Math.SQRT1_2 * (shared + own);
  };
  return {
    baseline,
    starts,
    truth,
    filesOf: (candidate) => written.get(candidate) ?? {},
    workshop: {
      name: () => Promise.resolve(),
      implement: (proposal: Proposal, state) => {
        const parent = experimentOf(state, proposal.parent).candidate ?? baseline;
        const { change } = proposal;
        const unchanged = { kind: 'candidate', filesChanged: 0, linesAdded: 0, linesRemoved: 0 } as const;
        if (change.type === 'none') return Promise.resolve({ ...unchanged, candidate: parent, tree: parent });
        const gain = change.type === 'undo' ? -gainOf(experimentOf(state, change.experiment)) : plantedGain(change);
        const candidate = fakeCommit(JSON.stringify([parent, change]));
        truths.set(candidate, truth(parent) - gain);
        if (change.type === 'files') written.set(candidate, change.files);
        return Promise.resolve({ ...unchanged, filesChanged: 1, linesAdded: 1, candidate, tree: candidate });
      },
    },
    judge: {
      prepare: ({ token, plan, slot }: TrialContext): Promise<Attempt> => {
        plans.set(token, plan);
        return Promise.resolve({ token, slot, phases: [] });
      },
      conclude: ({ plan, token }): Promise<TrialOutcome> => {
        const failed = options.fail?.(plan, token);
        if (failed) return Promise.resolve(failed);
        const result = { value: measure(plan), metrics: {}, checks: [] };
        return Promise.resolve({ status: 'succeeded', result, facts: { wallSeconds: 1 } });
      },
    },
    executor: simulatedExecutor(options.slots ?? 2, starts),
  };
}

function plantedGain(change: Change): number {
  return change.type === 'files' ? Number(change.files['gain'] ?? 0) : 0;
}

function simulatedExecutor(slots: number, starts: Map<string, number>): Executor {
  const handleOf = (token: string): AttemptHandle => ({ token, directory: token });
  const end: AttemptEnd = { kind: 'finished', slot: 0, phases: [], sandbox: 'process' };
  return {
    slots: Array.from({ length: slots }, (_, index) => ({ index, cores: [index], gpus: [] })),
    sandbox: 'process',
    device: 'a simulation',
    submit: ({ token }) => {
      starts.set(token, (starts.get(token) ?? 0) + 1);
      return Promise.resolve(handleOf(token));
    },
    find: (token) => Promise.resolve(starts.has(token) ? handleOf(token) : undefined),
    observe: () => Promise.resolve({ state: 'ended', end }),
    ended: async () => {
      await nextTurn();
      return end;
    },
    cancel: () => Promise.resolve(),
    clean: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function fakeCommit(content: string): CandidateId {
  return candidateId(createHash('sha1').update(content).digest('hex'));
}
