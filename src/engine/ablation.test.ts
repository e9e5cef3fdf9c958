import { expect, test } from 'vitest';
import type { AssayEvent } from '../domain/events.ts';
import { BASELINE_EXPERIMENT, experimentId, type ExperimentId } from '../domain/ids.ts';
import { experimentOf } from '../domain/state.ts';
import { initialState } from '../domain/working-state.ts';
import type { Proposer } from '../proposer/proposer.ts';
import { ablate } from '../proposer/search/ablate.ts';
import { handMadeSpace } from '../proposer/search/search.fixture.ts';
import { createRandom } from '../stats/random.ts';
import { simulatedCampaign, type SimulatedCampaign } from './simulated-campaign.fixture.ts';
import { createSimulatedWorld, type SimulatedWorld } from './simulated-world.ts';

const SIGMA = 0.02;

/** Ablations of what the champion holds, and nothing else. */
const ABLATING: Proposer = {
  name: 'ablating',
  propose: async ({ state, seed }) => {
    const champion = experimentOf(state, state.champion);
    const { candidate } = champion;
    if (!candidate) return undefined;
    const space = handMadeSpace();
    const draft = await ablate.draft({
      state,
      champion: { ...champion, candidate },
      space,
      random: createRandom(seed),
    });
    return draft && { operator: 'ablate', proposer: 'ablating', ...draft };
  },
};

/** Writes a chain of keeps by hand, each with its planted gain, as if the gate had let them through. */
async function keepByHand(campaign: SimulatedCampaign, world: SimulatedWorld, gains: readonly number[]): Promise<void> {
  const noise = { runs: 20, mean: 10, sigma: SIGMA, sigmaUsed: SIGMA, trialSeconds: 1 };
  const kept = { kind: 'keep', stage: 'confirm', reasons: ['by hand'], evidence: {} } as const;
  const events: AssayEvent[] = [
    { type: 'noise.measured', ...noise },
    { type: 'experiment.concluded', experiment: BASELINE_EXPERIMENT, verdict: kept },
  ];
  let parent: ExperimentId = BASELINE_EXPERIMENT;
  let reference = world.baseline;
  for (const [index, gain] of gains.entries()) {
    const experiment = experimentId(index + 1);
    const proposal = {
      operator: 'invent',
      proposer: 'hand',
      parent,
      hypothesis: { kind: 'algorithmic', statement: `gain ${gain}`, rationale: 'by hand' },
      change: { type: 'files', files: { gain: String(gain), nonce: `hand ${index}` } },
    } as const;
    // All that the simulated workshop looks at is the parent's candidate.
    const state = initialState({ ...CREATED, baseline: world.baseline }, 0);
    state.experiments.set(parent, {
      id: parent,
      proposal,
      proposedAt: 0,
      replicated: false,
      trialSeconds: 0,
      candidate: reference,
    });
    const made = await world.workshop.implement(proposal, state);
    if (made.kind !== 'candidate') throw new Error('not implemented');
    const { kind: _, remarks: __, ...facts } = made;
    const verdict = { ...kept, evidence: { confirmMeanGain: 0.1, shrunkenGain: 0.1 } };
    events.push(
      { type: 'experiment.proposed', experiment, proposal },
      { type: 'experiment.implemented', experiment, reference, ...facts },
      { type: 'experiment.concluded', experiment, verdict },
      { type: 'champion.changed', experiment, candidate: made.candidate, reason: 'by hand' },
    );
    parent = experiment;
    reference = made.candidate;
  }
  await campaign.store.append(events);
}

const CREATED = {
  type: 'campaign.created',
  campaign: 'test',
  task: { name: 'simulated', path: '/no', hash: 'none', metric: 'loss', direction: 'minimize', start: 'only' },
  limits: {},
  searchSeed: 1,
  testHorizon: 10,
  assayVersion: '0',
} as const;

test('a barnacle that was kept by mistake is taken out; changes that carry a gain stay, with what they carry', async () => {
  const world = createSimulatedWorld({ sigma: SIGMA, seed: 'barnacle' });
  await using campaign = await simulatedCampaign({ world, limits: { experiments: 20 }, gains: [], proposer: ABLATING });
  // e2 is the barnacle; the rules' smallest gain of interest is 0.05.
  await keepByHand(campaign, world, [0.4, 0, 0.3, 0.2]);
  const { state } = await campaign.run();
  const removals = [...state.experiments.values()].filter(({ proposal }) => proposal.operator === 'ablate');
  const removed = removals.flatMap(({ verdict, proposal }) =>
    verdict?.kind === 'keep' && proposal.change.type === 'undo' ? [proposal.change.experiment] : [],
  );
  expect(removed).toEqual(['e2']);
  const champion = experimentOf(state, state.champion);
  expect(champion.proposal.change).toMatchObject({ type: 'undo', experiment: 'e2' });
  expect(world.truth(champion.candidate ?? world.baseline)).toBeCloseTo(10 - 0.9, 10);
  // What was not taken out says what it carries.
  for (const { verdict, proposal } of removals) {
    if (proposal.change.type !== 'undo' || verdict?.kind !== 'discard') continue;
    const planted = proposal.change.experiment === 'e1' ? 0.4 : proposal.change.experiment === 'e3' ? 0.3 : 0.2;
    expect(verdict.evidence.carries?.gain).toBeGreaterThan(planted - 0.1);
    expect(verdict.evidence.carries?.gain).toBeLessThan(planted + 0.1);
  }
  // No ablation was a test of the error budget, and none that was kept counts as a discovery: the four by hand do.
  expect(removals.every((removal) => removal.test === undefined)).toBe(true);
  expect(state.tests).toEqual({ count: 0, rejections: 4 });
});
