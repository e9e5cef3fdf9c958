import { createHash } from 'node:crypto';
import type { AssayEvent, Direction, TaskFacts } from '../domain/events.ts';
import type { Proposal } from '../domain/hypothesis.ts';
import { BASELINE_EXPERIMENT, candidateId, type CandidateId } from '../domain/ids.ts';
import { applyEvent } from '../domain/reduce.ts';
import { initialState, type WorkingState } from '../domain/working-state.ts';
import type { TrialOutcome, TrialPlan } from '../domain/trial.ts';
import { advanceOne } from '../engine/advance.ts';
import { DEFAULT_GATE_RULES, type GateRules } from '../engine/gate/rules.ts';
import { proposalEvents } from '../engine/propose.ts';
import { runnableTrials } from '../engine/schedule.ts';
import { createRandom } from '../stats/random.ts';
import { simulateTrial, type Idea } from './simulated-trial.fixture.ts';
import type { EventRecord } from '../store/store.ts';

export interface Simulation {
  readonly ideas: readonly Idea[];
  readonly direction?: Direction;
  readonly task?: Partial<TaskFacts>;
  readonly noise?: number;
  readonly start?: number;
  readonly seed?: number;
  readonly rules?: Partial<GateRules>;
  /** Leave the last idea open and the campaign unfinished. */
  readonly unfinished?: boolean;
  readonly limits?: { experiments?: number; minutes?: number };
  /** Makes real commits; without it hashes are made up. */
  readonly commit?: (
    idea: number,
    parent: CandidateId | undefined,
  ) => Promise<{ candidate: CandidateId; tree: string }>;
  readonly sandbox?: 'bubblewrap' | 'process';
}

export interface SimulatedCampaign {
  readonly events: readonly AssayEvent[];
  readonly records: readonly EventRecord[];
  readonly state: WorkingState;
}

const STARTED = Date.UTC(2026, 4, 4, 9, 0, 0);

/** A campaign by the real gate on a made-up landscape: the events that an engine with one slot would have written. */
export async function simulateCampaign(simulation: Simulation): Promise<SimulatedCampaign> {
  const { ideas, noise = 0.002, start = 1.25, limits = { experiments: ideas.length, minutes: 600 } } = simulation;
  const direction = simulation.direction ?? 'minimize';
  const sandbox = simulation.sandbox ?? 'bubblewrap';
  const rules: GateRules = {
    ...DEFAULT_GATE_RULES,
    direction,
    minimumGain: noise / 4,
    sigmaFloor: noise / 4,
    ...simulation.rules,
  };
  const random = createRandom(simulation.seed ?? 1);
  const effects = new Map<string, number>();
  const ideaOf = new Map<string, Idea>();
  const events: AssayEvent[] = [];
  const records: EventRecord[] = [];
  let at = STARTED;
  let state: WorkingState | undefined;
  const write = (...added: readonly AssayEvent[]): WorkingState => {
    for (const event of added) {
      const record = { seq: records.length + 1, at, event };
      if (!state && event.type === 'campaign.created') state = initialState(event, at);
      if (state) applyEvent(state, record);
      events.push(event);
      records.push(record);
    }
    if (!state) throw new Error('a campaign begins with campaign.created');
    return state;
  };
  const commit =
    simulation.commit ??
    (async (idea: number) => ({ candidate: candidateId(hash(`commit ${idea}`)), tree: hash(`tree ${idea}`) }));

  const baseline = await commit(0, undefined);
  effects.set(baseline.candidate, 0);
  const task: TaskFacts = {
    name: 'tiny-lm',
    path: '/tasks/tiny-lm',
    hash: hash('task'),
    metric: 'val_bpb',
    unit: 'bits per byte',
    direction,
    start: 'start',
    ...simulation.task,
  };
  const campaign = {
    campaign: 'demo',
    task,
    baseline: baseline.candidate,
    limits,
    searchSeed: 1,
    testHorizon: 50,
    assayVersion: '0.1.0',
  };
  write(
    { type: 'campaign.created', ...campaign },
    {
      type: 'engine.started',
      pid: 4_000_000,
      host: 'lab',
      slots: 2,
      sandbox,
      device: '2 cores of a CPU',
      assayVersion: '0.1.0',
    },
    { type: 'experiment.proposed', experiment: BASELINE_EXPERIMENT, proposal: baselineProposal() },
    {
      type: 'experiment.implemented',
      experiment: BASELINE_EXPERIMENT,
      ...baseline,
      reference: baseline.candidate,
      filesChanged: 0,
      linesAdded: 0,
      linesRemoved: 0,
    },
  );

  const run = (plan: TrialPlan, attempt: number): TrialOutcome =>
    simulateTrial({
      plan,
      attempt,
      idea: ideaOf.get(plan.candidate),
      better: effects.get(plan.candidate) ?? 0,
      direction,
      start,
      noise,
      random,
      sandbox,
    });
  const settle = (): void => {
    for (;;) {
      const current = write();
      const step = advanceOne(current, rules, (stage, pair) => 1_000 + pair * 7 + stage.length);
      if (step) {
        write(...step);
        continue;
      }
      const [next] = runnableTrials(current);
      if (!next) return;
      const { plan, attempt } = next;
      const ids = { trial: plan.trial, experiment: plan.experiment, attempt: attempt + 1 };
      write({ type: 'trial.submitted', ...ids, token: `${plan.trial}-${attempt + 1}` });
      if (simulation.unfinished && plan.experiment === `e${ideas.length}`) return;
      const outcome = run(plan, attempt + 1);
      at += Math.round((outcome.facts.wallSeconds ?? 0) * 500);
      write({ type: 'trial.finished', ...ids, outcome });
    }
  };

  settle();
  for (const [index, idea] of ideas.entries()) {
    at += 400;
    const current = write();
    const parent = current.experiments.get(current.champion);
    const made = await commit(index + 1, parent?.candidate);
    effects.set(made.candidate, (effects.get(parent?.candidate ?? '') ?? 0) + idea.effect);
    ideaOf.set(made.candidate, idea);
    const proposal: Proposal = {
      operator: idea.operator ?? 'invent',
      proposer: 'scripted',
      parent: current.champion,
      hypothesis: {
        kind: idea.kind ?? 'algorithmic',
        statement: idea.statement,
        rationale: 'it helped elsewhere',
        ...(idea.predicted ? { predictedGain: { low: idea.predicted[0], high: idea.predicted[1] } } : {}),
      },
      change: idea.change ?? { type: 'knobs', values: { WIDTH: index } },
    };
    const facts = { filesChanged: 1, linesAdded: 1 + (index % 9), linesRemoved: 1 + (index % 4) };
    const implementation =
      idea.fails === 'conflict'
        ? ({ kind: 'failed', failure: 'conflict', reason: 'both branches change the same lines of train.py' } as const)
        : ({ kind: 'candidate', ...made, ...facts } as const);
    write(...proposalEvents(current, proposal, implementation).events);
    settle();
  }
  if (!simulation.unfinished) finish(write, settle);
  return { events, records, state: write() };
}

function finish(write: (...events: readonly AssayEvent[]) => WorkingState, settle: () => void): void {
  const state = write();
  const champion = state.experiments.get(state.champion);
  if (state.champion === BASELINE_EXPERIMENT || !champion?.candidate) {
    write({ type: 'campaign.finished', reason: 'nothing beat the starting point' });
  } else {
    const proposal: Proposal = {
      operator: 'baseline',
      proposer: 'engine',
      parent: state.champion,
      hypothesis: {
        kind: 'replication',
        statement: `the champion ${state.champion} is better than the starting point`,
        rationale: 'measured side by side',
      },
      change: { type: 'none' },
    };
    const facts = {
      candidate: champion.candidate,
      tree: hash('final'),
      filesChanged: 0,
      linesAdded: 0,
      linesRemoved: 0,
    };
    const { events } = proposalEvents(state, proposal, { kind: 'candidate', ...facts });
    write(
      ...events.map((event) =>
        event.type === 'experiment.implemented' ? { ...event, reference: state.baseline } : event,
      ),
    );
    settle();
  }
  write({ type: 'engine.stopped', reason: 'finished' });
}

function baselineProposal(): Proposal {
  return {
    operator: 'baseline',
    proposer: 'engine',
    parent: BASELINE_EXPERIMENT,
    hypothesis: { kind: 'replication', statement: 'the starting point', rationale: 'everything is compared with it' },
    change: { type: 'none' },
  };
}

function hash(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}
