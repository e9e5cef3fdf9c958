import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CANCELLED } from '../domain/hand-made-campaign.fixture.ts';
import type { EventRecord } from '../store/store.ts';
import { simulatedCampaign } from './simulated-campaign.fixture.ts';
import { createSimulatedWorld, type SimulatedWorld } from './simulated-world.ts';

/** A world in which trials run until they are cancelled, as long as `isStuck`; what was cancelled stays so for ever. */
function stubbornWorld(): SimulatedWorld & { isStuck: boolean } {
  const cancelled = new Set<string>();
  const world = createSimulatedWorld({
    sigma: 0.1,
    fail: (_plan, token) => (cancelled.has(token) ? CANCELLED : undefined),
  });
  const stubborn = {
    ...world,
    isStuck: false,
    executor: {
      ...world.executor,
      ended: (handle: Parameters<typeof world.executor.ended>[0]) =>
        stubborn.isStuck && !cancelled.has(handle.token) ? new Promise<never>(() => {}) : world.executor.ended(handle),
      cancel: ({ token }: Parameters<typeof world.executor.cancel>[0]) => {
        cancelled.add(token);
        return Promise.resolve();
      },
    },
  };
  return stubborn;
}

const tokensOf = (records: readonly EventRecord[], type: 'trial.submitted' | 'trial.finished'): readonly string[] =>
  records.flatMap(({ event }) => (event.type === type ? [`${event.trial}-${event.attempt}`] : []));

test('an engine that was told to stop at once can be resumed: what was cancelled is run again, once', async () => {
  const world = stubbornWorld();
  await using campaign = await simulatedCampaign({ world, limits: { experiments: 3 }, gains: [0, 1] });
  world.isStuck = true;
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  expect((await campaign.run({ abort: abort.signal })).exit.reason).toBe('asked');
  world.isStuck = false;
  const { state, exit } = await campaign.run();
  expect(exit.reason).toBe('finished');
  expect(state.open.size).toBe(0);
  const records = await campaign.records();
  const submitted = tokensOf(records, 'trial.submitted');
  expect(new Set(submitted).size).toBe(submitted.length);
  const stopped = records.filter(
    ({ event }) => event.type === 'trial.finished' && event.outcome.status === 'cancelled',
  );
  expect(stopped).toHaveLength(2);
  expect(submitted.filter((token) => token.endsWith('-2'))).toHaveLength(2);
});

test('stopping gently lets what runs end and starts nothing', async () => {
  const world = createSimulatedWorld({ sigma: 0.1 });
  await using campaign = await simulatedCampaign({ world, limits: { experiments: 50 }, gains: [0] });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 30);
  const { state, exit } = await campaign.run({ stop: stop.signal });
  expect(exit.reason).toBe('asked');
  expect([...state.trials.values()].filter((trial) => trial.state === 'submitted')).toEqual([]);
  const records = await campaign.records();
  expect(records.some(({ event }) => event.type === 'trial.finished' && event.outcome.status !== 'succeeded')).toBe(
    false,
  );
  expect((await campaign.run()).exit.reason).toBe('finished');
});

test('a trial that ends while the engine is busy with something else is taken once, not adopted as well', async () => {
  const simulated = createSimulatedWorld({ sigma: 0.1, slots: 3 });
  const workshop: SimulatedWorld['workshop'] = {
    name: () => sleep(4),
    implement: async (proposal, state) => {
      await sleep(3);
      return simulated.workshop.implement(proposal, state);
    },
  };
  let trials = 0;
  const executor = {
    ...simulated.executor,
    ended: async (handle: Parameters<typeof simulated.executor.ended>[0]) => {
      trials += 1;
      await sleep((7 * trials) % 10);
      return simulated.executor.ended(handle);
    },
  };
  const world = { ...simulated, workshop, executor };
  await using campaign = await simulatedCampaign({ world, limits: { experiments: 40 }, gains: [0, 0, 1], slots: 3 });
  const { exit } = await campaign.run();
  expect(exit.reason).toBe('finished');
  const records = await campaign.records();
  const finished = tokensOf(records, 'trial.finished');
  expect(new Set(finished).size).toBe(finished.length);
  expect([...finished].sort()).toEqual([...tokensOf(records, 'trial.submitted')].sort());
  expect(Math.max(...world.starts.values())).toBe(1);
});

test('a campaign that ran out of time can be given more, and does not wait for trials that were given up', async () => {
  const world = createSimulatedWorld({ sigma: 0.1, slots: 1 });
  await using campaign = await simulatedCampaign({
    world,
    limits: { minutes: 60, experiments: 6 },
    gains: [0],
    slots: 1,
  });
  // Time runs out as soon as the first experiment has its trials planned.
  let hasPlanned = false;
  const watched = campaign.store.append.bind(campaign.store);
  campaign.store.append = (events, lease) => {
    hasPlanned ||= events.some((event) => event.type === 'trial.planned' && event.plan.stage === 'screen');
    return watched(events, lease);
  };
  const first = await campaign.run({ now: () => Date.now() + (hasPlanned ? 3600_000 : 0) });
  expect(first.state.finished?.reason).toContain('the time limit');
  expect(first.state.verdictCounts.inconclusive).toBeGreaterThan(0);
  const second = await campaign.run({ limits: { minutes: 600 } });
  expect(second.state.finished?.reason).toContain('6 experiments');
  expect(second.state.open.size).toBe(0);
});
