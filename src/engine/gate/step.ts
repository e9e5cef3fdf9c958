import type { Experiment, CampaignState } from '../../domain/state.ts';
import type { Stage } from '../../domain/trial.ts';
import type { Verdict } from '../../domain/verdict.ts';

/** What the gate wants next for one experiment. Data only: the engine carries it out. */
export type GateStep =
  | { readonly kind: 'wait' }
  /** Run this many more pairs at this stage. */
  | { readonly kind: 'plan'; readonly stage: Stage; readonly pairs: number }
  | {
      readonly kind: 'pass';
      readonly stage: 'screen' | 'replicate';
      readonly reason: string;
      readonly test?: NonNullable<Experiment['test']>;
    }
  | { readonly kind: 'conclude'; readonly verdict: Verdict };

export interface GateInput {
  readonly state: CampaignState;
  readonly experiment: Experiment;
}

export const WAIT: GateStep = { kind: 'wait' };
