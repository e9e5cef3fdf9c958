import type { Proposer, ProposerContext } from '../../proposer/proposer.ts';

/** A small profile of a training program, as the log keeps it. */
export const PROFILE = {
  device: 'a device',
  steps: 5,
  secondsPerStep: 0.02,
  top: [{ name: 'matmul', secondsPerStep: 0.01, callsPerStep: 12, share: 0.5 }],
};

/** The same as a program leaves it in profile.json. */
export const PROFILE_FILE = { schema: 'assay.training-profile.v1', ...PROFILE };

/** Each of its proposals gains; `hear` gets every request. */
export function listening(hear: (request: ProposerContext) => void): Proposer {
  return {
    name: 'listening',
    propose: (request) => {
      hear(request);
      return Promise.resolve({
        operator: 'invent',
        proposer: 'listening',
        parent: request.state.champion,
        hypothesis: { kind: 'systems', statement: 'a large gain', rationale: 'planted' },
        change: { type: 'files', files: { gain: '0.5', nonce: request.seed } },
      });
    },
  };
}
