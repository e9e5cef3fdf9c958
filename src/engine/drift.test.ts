import { expect, test } from 'vitest';
import { loadState } from './load-state.ts';
import { simulatedCampaign } from './simulated-campaign.fixture.ts';
import { createSimulatedWorld, type SimulatedWorld } from './simulated-world.ts';
import { idNumber, trialId } from '../domain/ids.ts';

const SIGMA = 0.1;
const GAINS = [0, 0, 0.6];

/** From a certain trial on the machine is slower: everything measures four sigma worse. */
function driftingWorld(from: number): SimulatedWorld {
  return createSimulatedWorld({ sigma: SIGMA, drift: ({ trial }) => (idNumber(trial) >= from ? 4 * SIGMA : 0) });
}

const EXPERIMENTS = 40;
const DRIFTS_AT = 60;

test('a machine that drifts in the middle: the noise floor is measured again, and verdicts stay right', async () => {
  const world = driftingWorld(DRIFTS_AT);
  await using campaign = await simulatedCampaign({ world, limits: { experiments: EXPERIMENTS }, gains: GAINS });
  const { state, exit } = await campaign.run();
  expect(exit.reason).toBe('finished');
  const records = await campaign.records();
  const measurements = records.filter(({ event }) => event.type === 'noise.measured');
  // With sigma from six runs only, one more may be a false alarm.
  expect([2, 3]).toContain(measurements.length);
  expect(measurements[1]?.event).toMatchObject({ occasion: 'drift', runs: 6 });
  const warning = records.find(({ event }) => event.type === 'note.written' && event.kind === 'warning');
  expect(warning?.event).toMatchObject({ text: expect.stringContaining('not what it was') });
  const planned = records.flatMap(({ event }) => (event.type === 'trial.planned' ? [event.plan] : []));
  const again = planned.find(({ stage, trial }) => stage === 'baseline' && idNumber(trial) > DRIFTS_AT);
  // Soon after it had drifted.
  expect(idNumber(again?.trial ?? trialId(1e9))).toBeLessThan(DRIFTS_AT + 60);
  expect(state.verdictCounts.keep).toBeGreaterThan(0);
  for (const { verdict, candidate, reference, proposal } of state.experiments.values()) {
    if (verdict?.kind !== 'keep' || proposal.operator === 'baseline' || !candidate || !reference) continue;
    expect(world.truth(candidate)).toBeLessThan(world.truth(reference));
  }
  // What measures the machine uses up no experiment of the limit.
  expect(state.experimentCount - state.measurementCount).toBe(EXPERIMENTS);
});

test('killed after any append around the second measurement, the next engine goes on and nothing is run twice', async () => {
  let measured = 0;
  const whole = driftingWorld(DRIFTS_AT);
  await using undisturbed = await simulatedCampaign({
    world: whole,
    limits: { experiments: EXPERIMENTS },
    gains: GAINS,
  });
  await undisturbed.run();
  const total = (await undisturbed.records()).length;
  let kills = 0;
  for (let dieAfter = 100; dieAfter < Math.min(total, 340); dieAfter += 24) {
    kills += 1;
    const world = driftingWorld(DRIFTS_AT);
    await using campaign = await simulatedCampaign({ world, limits: { experiments: EXPERIMENTS }, gains: GAINS });
    await campaign.run({ dieAfter }).catch((error: unknown) => expect(String(error)).toContain('killed'));
    const { state } = await campaign.run();
    expect(state.finished, `died after ${dieAfter} appends`).toBeDefined();
    expect(state.open.size).toBe(0);
    expect(Math.max(...world.starts.values())).toBe(1);
    const types = (await campaign.records()).map(({ event }) => event);
    const drifts = types.filter((event) => event.type === 'noise.measured' && event.occasion === 'drift').length;
    const opened = types.filter(
      (event) => event.type === 'experiment.proposed' && event.proposal.operator === 'baseline',
    ).length;
    // The starting point, the final comparison where there is a champion, and one experiment for each measurement.
    expect(opened - drifts, `died after ${dieAfter} appends`).toBe(state.finished?.comparison ? 2 : 1);
    measured += drifts > 0 ? 1 : 0;
    expect((await loadState(campaign.store)).state).toEqual(state);
  }
  // A champion that comes in just then hides the shift: it has a mean of its own.
  expect(measured).toBeGreaterThan(0.6 * kills);
}, 60_000);
