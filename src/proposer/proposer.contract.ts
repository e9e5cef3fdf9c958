import { describe, expect, test } from 'vitest';
import type { CampaignState } from '../domain/state.ts';
import type { Proposer } from './proposer.ts';

/** What every proposer promises. @param make a proposer, and a state that it has something to propose on. */
export function describeProposerContract(
  name: string,
  make: () => Promise<{ proposer: Proposer; state: CampaignState }>,
): void {
  const never = new AbortController().signal;

  describe(`${name} keeps the contract of proposers`, () => {
    test('a proposal names an experiment of the campaign as its parent, and says what it expects in words', async () => {
      const { proposer, state } = await make();
      const proposal = await proposer.propose({ state, seed: 'a' }, never);
      if (!proposal) throw new Error('nothing was proposed');
      expect(state.experiments.has(proposal.parent)).toBe(true);
      expect(proposal.hypothesis.statement.length).toBeGreaterThan(10);
      expect(proposal.hypothesis.rationale.length).toBeGreaterThan(10);
      const { low = 0, high = 0 } = proposal.hypothesis.predictedGain ?? {};
      expect(low).toBeLessThanOrEqual(high);
    });

    test('the same state and seed give the same proposal, also from a new instance', async () => {
      const first = await make();
      const second = await make();
      for (const seed of ['a', 'b', 'c']) {
        expect(await second.proposer.propose({ state: second.state, seed }, never)).toEqual(
          await first.proposer.propose({ state: first.state, seed }, never),
        );
      }
    });

    test('proposals asked for at once do not disturb each other, and the state is left alone', async () => {
      const { proposer, state } = await make();
      const before = structuredClone([...state.experiments]);
      const alone = await proposer.propose({ state, seed: 'b' }, never);
      const [, together] = await Promise.all(['a', 'b', 'c'].map((seed) => proposer.propose({ state, seed }, never)));
      expect(together).toEqual(alone);
      expect([...state.experiments]).toEqual(before);
    });

    test('different seeds do not all give the same proposal', async () => {
      const { proposer, state } = await make();
      const proposals = await Promise.all(
        Array.from({ length: 12 }, (_, seed) => proposer.propose({ state, seed: String(seed) }, never)),
      );
      expect(new Set(proposals.map((proposal) => JSON.stringify(proposal?.change))).size).toBeGreaterThan(1);
    });
  });
}
