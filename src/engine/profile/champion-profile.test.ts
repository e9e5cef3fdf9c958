import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { BASELINE_EXPERIMENT, candidateId } from '../../domain/ids.ts';
import type { CampaignState } from '../../domain/state.ts';
import { simulatedCampaign, type SimulatedCampaign } from '../simulated-campaign.fixture.ts';
import { createSimulatedWorld, type SimulatedWorld } from '../simulated-world.ts';
import { PROFILE_SHARE, profileDue } from './champion-profile.ts';
import { listening, PROFILE_FILE } from './profile.fixture.ts';

/** Runs of the stage 'profile' leave this as their profile.json. Undefined: nothing. */
function profiledWorld(left: unknown = PROFILE_FILE): SimulatedWorld & { readonly profiled: string[] } {
  const world = createSimulatedWorld({ sigma: 0.01, slots: 1 });
  const profiled: string[] = [];
  return {
    ...world,
    profiled,
    judge: {
      ...world.judge,
      prepare: async (context) => {
        const { plan, token, slot, directory } = context;
        if (plan.stage !== 'profile') return world.judge.prepare(context);
        profiled.push(plan.candidate);
        // The leftovers of an engine that is dead may still be at it, in a test.
        await mkdir(path.join(directory, 'output'), { recursive: true });
        if (left !== undefined) await writeFile(path.join(directory, 'output', 'profile.json'), JSON.stringify(left));
        return { token, slot, phases: [] };
      },
    },
  };
}

async function typesOf(campaign: SimulatedCampaign): Promise<readonly string[]> {
  return (await campaign.records()).map(({ event }) => event.type);
}

test('the engine profiles each champion once, and who proposes sees the newest', async () => {
  const world = profiledWorld();
  const seen: { champion: string; profile: string | undefined }[] = [];
  await using campaign = await simulatedCampaign({
    world,
    limits: { experiments: 4 },
    gains: [0],
    slots: 1,
    proposer: listening(({ state, profile }) => seen.push({ champion: state.champion, profile: profile?.experiment })),
    guarded: { isProfiled: true },
  });
  const { state } = await campaign.run();
  expect(state.verdictCounts.keep).toBeGreaterThan(1);
  expect(new Set(world.profiled).size).toBe(world.profiled.length);
  expect(world.profiled[0]).toBe(world.baseline);
  // A champion of the campaign, not only its start.
  expect(seen.filter(({ profile }) => profile !== undefined && profile !== BASELINE_EXPERIMENT)).not.toHaveLength(0);
  expect(state.profiling).toBeUndefined();
  expect(state.trialCount).toBe([...world.starts.keys()].filter((token) => !token.startsWith('profile-')).length);
});

test('no profile is taken while trials that decide wait for a slot, nor once nothing may be proposed', async () => {
  const world = profiledWorld();
  await using campaign = await simulatedCampaign({
    world,
    limits: { experiments: 3 },
    gains: [0.5],
    slots: 1,
    guarded: { isProfiled: true },
  });
  await campaign.run();
  const waiting = new Map<string, string>();
  let proposals = 0;
  for (const { event } of await campaign.records()) {
    if (event.type === 'trial.planned') waiting.set(event.plan.trial, event.plan.stage);
    if (event.type === 'trial.submitted') waiting.delete(event.trial);
    if (event.type === 'experiment.proposed') proposals += 1;
    if (event.type !== 'profile.submitted') continue;
    expect([...waiting.values()].filter((stage) => stage !== 'screen')).toEqual([]);
    // The start is one of them.
    expect(proposals).toBeLessThan(1 + 3);
  }
});

test('a task without the phase is never profiled', async () => {
  const world = profiledWorld();
  await using campaign = await simulatedCampaign({ world, limits: { experiments: 3 }, gains: [0.5], slots: 1 });
  await campaign.run();
  expect(world.profiled).toEqual([]);
});

test('what leaves no profile is said once, and not tried again', async () => {
  const world = profiledWorld({ ...PROFILE_FILE, steps: -1 });
  await using campaign = await simulatedCampaign({
    world,
    limits: { experiments: 4 },
    gains: [0],
    slots: 1,
    guarded: { isProfiled: true },
  });
  await campaign.run();
  const failed = (await campaign.records()).flatMap(({ event }) => (event.type === 'profile.failed' ? [event] : []));
  expect(failed).toMatchObject([{ experiment: BASELINE_EXPERIMENT, reason: expect.stringContaining('steps') }]);
  expect(await typesOf(campaign)).toContain('campaign.finished');
});

test.each([
  [2, 'experiment.profiled'],
  [3, 'profile.failed'],
])('a profile that was lost with the machine is tried again, as a trial is: lost %i times', async (times, last) => {
  const world = profiledWorld();
  const { executor } = world;
  let lost = 0;
  const isLost = (token: string): boolean => token.startsWith('profile-e0') && lost < times;
  const rebooted: SimulatedWorld = {
    ...world,
    judge: {
      ...world.judge,
      prepare: async (context) => {
        const { token, slot } = context;
        return isLost(token) ? { token, slot, phases: [] } : world.judge.prepare(context);
      },
    },
    executor: {
      ...executor,
      ended: async (handle, signal) => {
        if (!isLost(handle.token)) return executor.ended(handle, signal);
        lost += 1;
        return { kind: 'lost', detail: 'its supervisor is gone' };
      },
    },
  };
  await using campaign = await simulatedCampaign({
    world: rebooted,
    limits: { experiments: 12 },
    gains: [0],
    slots: 1,
    guarded: { isProfiled: true },
  });
  await campaign.run();
  const ends = (await typesOf(campaign)).filter((type) => type === 'experiment.profiled' || type === 'profile.failed');
  expect(ends).toHaveLength(3);
  expect(ends.at(-1)).toBe(last);
});

test('a killed engine leaves no profile twice: the next one finds what was started', async () => {
  for (let dieAfter = 1; dieAfter <= 30; dieAfter += 1) {
    const world = profiledWorld();
    await using campaign = await simulatedCampaign({
      world,
      limits: { experiments: 2 },
      gains: [0],
      slots: 1,
      guarded: { isProfiled: true },
    });
    await campaign.run({ dieAfter }).catch(() => {});
    const { state } = await campaign.run();
    expect(state.finished).toBeDefined();
    expect(state.profiling).toBeUndefined();
    expect(await typesOf(campaign)).toContain('experiment.profiled');
    expect(Math.max(...world.starts.values())).toBe(1);
  }
});

test('what is stopped at once is profiled by the next engine, under another token', async () => {
  const world = profiledWorld();
  const aborting = new AbortController();
  let asked = 0;
  const { executor } = world;
  const never: SimulatedWorld['executor'] = {
    ...executor,
    ended: async (handle, signal) => {
      if (!handle.token.startsWith('profile-') || asked > 0) return executor.ended(handle, signal);
      asked += 1;
      aborting.abort();
      return new Promise<never>(() => {});
    },
  };
  await using campaign = await simulatedCampaign({
    world: { ...world, executor: never },
    limits: { experiments: 2 },
    gains: [0],
    slots: 1,
    guarded: { isProfiled: true },
  });
  await campaign.run({ stop: aborting.signal, abort: aborting.signal });
  await campaign.run();
  const tokens = (await campaign.records()).flatMap(({ event }) =>
    event.type === 'profile.submitted' ? [event.token] : [],
  );
  expect(tokens).toEqual(['profile-e0-1', 'profile-e0-2']);
  expect(await typesOf(campaign)).toContain('experiment.profiled');
});

test('profiles have a stage of their own, and a share of the time of the slots', () => {
  const started = 1_000_000;
  const at = (seconds: number): number => started + seconds * 1000;
  const proposal = { operator: 'baseline' };
  const start = { id: BASELINE_EXPERIMENT, proposal, candidate: candidateId('a'.repeat(40)) };
  const state = (profile: number): CampaignState =>
    ({
      champion: BASELINE_EXPERIMENT,
      experiments: new Map([[BASELINE_EXPERIMENT, start]]),
      noise: {},
      trials: new Map(),
      activeMs: 0,
      engine: { startedAt: started, slots: 2 },
      trialSecondsByStage: { profile },
    }) as unknown as CampaignState;
  // The first one is made at once.
  expect(profileDue(state(0), at(0))).toBe(BASELINE_EXPERIMENT);
  const enough = 10 / (PROFILE_SHARE * 2);
  expect(profileDue(state(10), at(enough - 1))).toBeUndefined();
  expect(profileDue(state(10), at(enough + 1))).toBe(BASELINE_EXPERIMENT);
});
