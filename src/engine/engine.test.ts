import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Proposal } from '../domain/hypothesis.ts';
import { BASELINE_EXPERIMENT } from '../domain/ids.ts';
import { experimentOf, type CampaignState } from '../domain/state.ts';
import type { Attempt } from '../executor/executor.ts';
import type { Proposer } from '../proposer/proposer.ts';
import { createRandom } from '../stats/random.ts';
import type { EventRecord, LeaseOwner, Store } from '../store/store.ts';
import { inMemoryStore } from '../store/memory/memory-store.ts';
import { CampaignLog } from './campaign-log.ts';
import { Engine } from './engine.ts';
import { firstEvents } from './first-events.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './gate/rules.ts';
import { loadState } from './load-state.ts';
import { trialSeed } from './seeds.ts';
import { createSimulatedWorld, type SimulatedWorld, type SimulationOptions } from './simulated-world.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0.05 };
const ATTEMPTS = mkdtempSync(path.join(tmpdir(), 'assay-engine-test-'));
afterAll(() => rmSync(ATTEMPTS, { recursive: true, force: true }));

const SECRET = Buffer.alloc(32, 7);

/** Proposes a planted gain on the champion, drawn from `gains`. */
function plantingProposer(gains: readonly number[]): Proposer {
  return {
    name: 'planting',
    propose: ({ state, seed }) => {
      const gain = createRandom(seed).pick(gains);
      const proposal: Proposal = {
        operator: 'invent',
        proposer: 'planting',
        parent: state.champion,
        hypothesis: { kind: 'algorithmic', statement: `a gain of ${gain}`, rationale: 'planted' },
        change: { type: 'files', files: { gain: String(gain), nonce: seed } },
      };
      return Promise.resolve(proposal);
    },
  };
}

async function createCampaign(store: Store, world: SimulatedWorld, experiments: number): Promise<void> {
  const task = {
    name: 'simulated',
    path: '/nowhere',
    hash: 'none',
    metric: 'loss',
    direction: 'minimize',
    start: 'only',
  } as const;
  await store.append(
    firstEvents(
      {
        type: 'campaign.created',
        campaign: 'test',
        task,
        baseline: world.baseline,
        limits: { experiments },
        searchSeed: 1,
        testHorizon: experiments,
        assayVersion: '0',
      },
      world.baseline,
    ),
  );
}

interface Run {
  readonly state: CampaignState;
  readonly records: readonly EventRecord[];
}

/** One engine on the log until it ends; with `dieAfter`, its appends fail from the n-th on, as if it had been killed. */
async function runEngine(
  store: Store,
  world: SimulatedWorld,
  gains: readonly number[],
  dieAfter = Infinity,
): Promise<Run> {
  const owner: LeaseOwner = { id: `engine-${dieAfter}`, host: 'here', pid: 1, processStart: 1 };
  const attempt = await store.acquireLease('engine', owner, 60_000, () => false);
  if (!attempt.granted) throw new Error('the lease was not granted');
  const { state } = await loadState(store);
  let appends = 0;
  const mortal: Store = Object.assign(Object.create(store) as Store, {
    append: (...args: Parameters<Store['append']>) => {
      appends += 1;
      if (appends > dieAfter) throw new Error('killed');
      return store.append(...args);
    },
  });
  const log = new CampaignLog({ store: mortal, lease: attempt.lease, state });
  await log.append([
    { type: 'engine.started', pid: 1, host: 'here', slots: 2, sandbox: 'process', device: 'none', assayVersion: '0' },
  ]);
  const never = new AbortController().signal;
  const seedOf = (stage: Parameters<typeof trialSeed>[1], pair: number): number => trialSeed(SECRET, stage, pair);
  const parts = {
    ...world,
    // What a killed engine had under way goes no further.
    executor: {
      ...world.executor,
      submit: (work: Attempt) => (appends > dieAfter ? new Promise<never>(() => {}) : world.executor.submit(work)),
    },
    log,
    proposer: plantingProposer(gains),
    rules: RULES,
    seedOf,
    attemptsRoot: ATTEMPTS,
    now: Date.now,
  };
  await new Engine(parts, { stop: never, abort: never }).run();
  const records: EventRecord[] = [];
  for await (const record of store.read()) records.push(record);
  return { state: log.state, records };
}

function makeWorld(options: Partial<SimulationOptions> = {}): SimulatedWorld {
  return createSimulatedWorld({ sigma: 0.1, ...options });
}

test('a campaign finds planted gains, keeps them in a chain, and re-measures the champion', async () => {
  const store = inMemoryStore();
  const simulated = makeWorld();
  await createCampaign(store, simulated, 40);
  const { state } = await runEngine(store, simulated, [0, 0, 0, -0.5, 1]);
  const champion = experimentOf(state, state.champion);
  expect(state.verdictCounts.keep).toBeGreaterThanOrEqual(3);
  if (!champion.candidate) throw new Error('no champion');
  expect(10 - simulated.truth(champion.candidate)).toBeGreaterThanOrEqual(3);
  const comparison = state.finished?.comparison;
  expect(comparison?.pairs).toBe(RULES.finalPairs);
  expect(Math.abs((comparison?.gain ?? 0) - (10 - simulated.truth(champion.candidate)))).toBeLessThan(0.2);
});

test('every kept step really is better than its reference when gains are far above the noise', async () => {
  const store = inMemoryStore();
  const simulated = makeWorld();
  await createCampaign(store, simulated, 60);
  const { state } = await runEngine(store, simulated, [0, 0, -1, 0.8]);
  for (const { verdict, candidate, reference, id } of state.experiments.values()) {
    if (verdict?.kind !== 'keep' || !candidate || !reference || id === BASELINE_EXPERIMENT) continue;
    if (candidate === reference) continue;
    expect(simulated.truth(candidate)).toBeLessThan(simulated.truth(reference));
  }
});

test('pure noise is not kept: 300 no-op experiments', async () => {
  const store = inMemoryStore();
  const simulated = makeWorld({ seed: 'null' });
  await createCampaign(store, simulated, 300);
  const { state } = await runEngine(store, simulated, [0]);
  expect(state.verdictCounts.keep).toBe(0);
  expect(state.experimentCount).toBe(301);
});

test('killed after each single append, the next engine converges and starts no trial twice', async () => {
  const reference = inMemoryStore();
  const undisturbed = makeWorld();
  await createCampaign(reference, undisturbed, 6);
  const total = (await runEngine(reference, undisturbed, [0, 1])).records.length;
  expect(total).toBeGreaterThan(50);
  for (let dieAfter = 0; dieAfter < total; dieAfter += 1) {
    const store = inMemoryStore();
    const simulated = makeWorld();
    await createCampaign(store, simulated, 6);
    await runEngine(store, simulated, [0, 1], dieAfter).catch((error: unknown) => {
      expect(String(error)).toContain('killed');
    });
    const { state, records } = await runEngine(store, simulated, [0, 1]);
    expect(state.finished, `died after ${dieAfter} appends`).toBeDefined();
    expect(state.open.size).toBe(0);
    expect(Math.max(...simulated.starts.values())).toBe(1);
    const submitted = records.filter(({ event }) => event.type === 'trial.submitted').length;
    const finished = records.filter(({ event }) => event.type === 'trial.finished').length;
    expect(finished).toBe(submitted);
    expect(simulated.starts.size).toBe(submitted);
    const folded = await loadState(store);
    expect(folded.state).toEqual(state);
  }
}, 60_000);

test('a lost attempt is made again and counted; three lost ones fail the experiment', async () => {
  const store = inMemoryStore();
  const lost = { status: 'failed', failure: 'lost', reason: 'the machine went away', facts: {} } as const;
  const simulated = makeWorld({
    fail: (plan, token) =>
      (plan.stage === 'screen' && plan.arm === 'candidate' && plan.experiment === 'e1') || token === 't1-1'
        ? lost
        : undefined,
  });
  await createCampaign(store, simulated, 3);
  const { state } = await runEngine(store, simulated, [0]);
  expect(simulated.starts.has('t1-2')).toBe(true);
  const first = [...state.experiments.values()][1];
  expect(first?.verdict).toMatchObject({ kind: 'failed', failure: 'lost' });
  expect([...simulated.starts.keys()].filter((token) => token.endsWith('-3'))).toHaveLength(1);
});

test('a starting point that fails ends the campaign with words', async () => {
  const store = inMemoryStore();
  const crash = {
    status: 'failed',
    failure: 'crash',
    reason: 'ImportError: no module named torch',
    facts: {},
  } as const;
  const simulated = makeWorld({ fail: () => crash });
  await createCampaign(store, simulated, 3);
  await expect(runEngine(store, simulated, [0])).rejects.toThrow(/starting point failed.*no module named torch/s);
});

test('a candidate that is suspected never wins, whatever it measured before', async () => {
  const store = inMemoryStore();
  const simulated = makeWorld({
    fail: (plan) =>
      plan.stage === 'confirm' && plan.arm === 'candidate'
        ? { status: 'failed', failure: 'invalid-metric', reason: 'sees its future', suspected: true, facts: {} }
        : undefined,
  });
  await createCampaign(store, simulated, 8);
  const { state } = await runEngine(store, simulated, [2]);
  expect(state.verdictCounts.keep).toBe(0);
  expect(state.verdictCounts['suspected-hack']).toBeGreaterThan(0);
  expect(state.champion).toBe(BASELINE_EXPERIMENT);
});
