import { setTimeout as pause } from 'node:timers/promises';
import type { CampaignState } from '../src/domain/state.ts';
import type { Proposer } from '../src/proposer/proposer.ts';
import { createRandom, type Random } from '../src/stats/random.ts';

export interface Script {
  /** File that every proposal rewrites. */
  readonly file: string;
  /** Its new content. `nonce` differs with every proposal. */
  readonly write: (input: { state: CampaignState; random: Random; nonce: string }) => {
    content: string;
    statement: string;
  };
  /** Seconds that a proposal takes, as a model would. */
  readonly latencySeconds?: number;
}

/** Proposes what a script says, always on the champion. */
export function scriptedProposer({ file, write, latencySeconds }: Script): Proposer {
  return {
    name: 'scripted',
    propose: async ({ state, seed }) => {
      if (latencySeconds !== undefined) await pause(latencySeconds * 1000);
      const { content, statement } = write({ state, random: createRandom(seed), nonce: seed });
      return {
        operator: 'invent',
        proposer: 'scripted',
        parent: state.champion,
        hypothesis: { kind: 'algorithmic', statement, rationale: 'scripted for a measurement' },
        change: { type: 'files', files: { [file]: content } },
      };
    },
  };
}
