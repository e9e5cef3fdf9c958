import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Limits } from '../domain/events.ts';
import type { CampaignState } from '../domain/state.ts';
import type { Proposer } from '../proposer/proposer.ts';
import type { Attempt } from '../executor/executor.ts';
import { createRandom } from '../stats/random.ts';
import { inMemoryStore } from '../store/memory/memory-store.ts';
import type { EventRecord, Store } from '../store/store.ts';
import { CampaignLog } from './campaign-log.ts';
import { Engine, type EngineControls, type EngineExit, type EngineParts } from './engine.ts';
import { firstEvents } from './first-events.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './gate/rules.ts';
import { loadState } from './load-state.ts';
import { trialSeed } from './seeds.ts';
import type { SimulatedWorld } from './simulated-world.ts';

const SECRET = Buffer.alloc(32, 7);
const NEVER = new AbortController().signal;

export const SIMULATED_RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0.05 };

/** A campaign in memory on a simulated world, on which one engine after another can run. */
export interface SimulatedCampaign extends AsyncDisposable {
  readonly store: Store;
  readonly records: () => Promise<readonly EventRecord[]>;
  /** One engine, until it is finished or asked to stop. */
  run(
    options?: Partial<EngineControls> & {
      now?: () => number;
      limits?: Limits;
      /** Appends fail from the next one on, as if it had been killed. */ dieAfter?: number;
    },
  ): Promise<{ state: CampaignState; exit: EngineExit }>;
}

/** @param gains what each proposal plants on the champion, drawn from these. */
export async function simulatedCampaign(options: {
  readonly world: SimulatedWorld;
  readonly limits: Limits;
  readonly gains: readonly number[];
  /** Instead of planting gains. */
  readonly proposer?: Proposer;
  readonly searchSeed?: number;
  readonly slots?: number;
  readonly screensApart?: boolean;
  /** What guards it, what audits its trials, and whether it is profiled. */
  readonly guarded?: Pick<EngineParts, 'batches' | 'auditTrial' | 'changeAudits' | 'keepAudits' | 'isProfiled'> &
    Partial<Pick<EngineParts, 'workshop'>>;
}): Promise<SimulatedCampaign> {
  const { world, limits, gains, searchSeed = 1, slots = 2, screensApart = false } = options;
  const attemptsRoot = await mkdtemp(path.join(tmpdir(), 'assay-simulated-'));
  const store = inMemoryStore();
  const task = {
    name: 'simulated',
    path: '/no',
    hash: 'none',
    metric: 'loss',
    direction: 'minimize',
    start: 'only',
    screensApart,
  } as const;
  const testHorizon = Math.max(10, Math.ceil((limits.experiments ?? 100) * 0.3));
  const created = {
    type: 'campaign.created',
    campaign: 'test',
    task,
    limits,
    searchSeed,
    testHorizon,
    assayVersion: '0',
  } as const;
  await store.append(firstEvents({ ...created, baseline: world.baseline }, world.baseline));
  let engines = 0;
  const run: SimulatedCampaign['run'] = async (controls = {}) => {
    engines += 1;
    const owner = { id: `engine-${engines}`, host: 'here', pid: 1, processStart: 1 };
    const attempt = await store.acquireLease('engine', owner, 60_000, () => false);
    if (!attempt.granted) throw new Error('the lease was not granted');
    const { dieAfter = Number.POSITIVE_INFINITY } = controls;
    let appends = 0;
    const mortal: Store = Object.assign(Object.create(store) as Store, {
      append: (...args: Parameters<Store['append']>) => {
        appends += 1;
        if (appends > dieAfter) throw new Error('killed');
        return store.append(...args);
      },
      saveSnapshot: (...args: Parameters<Store['saveSnapshot']>) => store.saveSnapshot(...args),
    });
    const log = new CampaignLog({ store: mortal, lease: attempt.lease, state: (await loadState(store)).state });
    if (controls.limits) await log.append([{ type: 'campaign.extended', limits: controls.limits }]);
    const machine = { pid: 1, host: 'here', sandbox: 'process', device: 'none', assayVersion: '0' } as const;
    await log.append([{ type: 'engine.started', slots, ...machine }]);
    const parts = {
      ...world,
      ...options.guarded,
      log,
      proposer: options.proposer ?? plantingProposer(gains),
      rules: SIMULATED_RULES,
      seedOf: (stage: Parameters<typeof trialSeed>[1], pair: number) => trialSeed(SECRET, stage, pair),
      attemptsRoot,
      // What a killed engine had under way goes no further.
      executor: {
        ...world.executor,
        submit: (work: Attempt) => (appends > dieAfter ? new Promise<never>(() => {}) : world.executor.submit(work)),
      },
      now: controls.now ?? Date.now,
    };
    const exit = await new Engine(parts, { stop: controls.stop ?? NEVER, abort: controls.abort ?? NEVER }).run();
    await log.append([{ type: 'engine.stopped', reason: exit.reason }]);
    return { state: log.state, exit };
  };
  const records = async (): Promise<readonly EventRecord[]> => {
    const found: EventRecord[] = [];
    for await (const record of store.read()) found.push(record);
    return found;
  };
  return {
    store,
    run,
    records,
    [Symbol.asyncDispose]: () => rm(attemptsRoot, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function plantingProposer(gains: readonly number[]): Proposer {
  return {
    name: 'planting',
    propose: ({ state, seed }) => {
      const gain = createRandom(seed).pick(gains);
      return Promise.resolve({
        operator: 'invent',
        proposer: 'planting',
        parent: state.champion,
        hypothesis: { kind: 'algorithmic', statement: `a gain of ${gain}`, rationale: 'planted' },
        change: { type: 'files', files: { gain: String(gain), nonce: seed } },
      });
    },
  };
}
