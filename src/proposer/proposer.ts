import type { CampaignState } from '../domain/state.ts';
import type { Proposal } from '../domain/hypothesis.ts';
import type { ProfileContext } from '../domain/profile-context.ts';

/** A read-only view of everything learned so far. */
export interface ProposerContext {
  readonly state: CampaignState;
  /** Changes with every call and is the same in a repeated run of the same campaign. */
  readonly seed: string;
  /** Where the champion's time goes: what a candidate said of itself, never a fact. Undefined: its line was not profiled. */
  readonly profile?: ProfileContext;
}

export interface Proposer {
  /** Stable: it is recorded with every proposal. */
  readonly name: string;
  /**
   * One proposal, or undefined if there is nothing (more) to propose now; the engine then asks again after the next verdict.
   * May be called while experiments are under way. Must not change anything but its own caches.
   */
  propose(context: ProposerContext, signal: AbortSignal): Promise<Proposal | undefined>;
}
