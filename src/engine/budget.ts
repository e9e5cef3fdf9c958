import type { CampaignState } from '../domain/state.ts';
import type { GateRules } from './gate/rules.ts';

export interface Allowance {
  /** How many more experiments may be proposed. Infinity without a limit. */
  readonly proposals: number;
  /** Time is up but for the final comparison: what is open is concluded with what it has. */
  readonly timeUp: boolean;
  readonly reason?: string;
}

/** Milliseconds that engines have worked on the campaign, the running one included. */
export function activeMs(state: CampaignState, now: number): number {
  const running = state.engine && state.engine.stoppedAt === undefined ? now - state.engine.startedAt : 0;
  return state.activeMs + Math.max(0, running);
}

/** What the campaign's limits still allow. The final comparison's time is set aside first. */
export function allowance(state: CampaignState, rules: GateRules, now: number): Allowance {
  const { experiments, minutes } = state.limits;
  const done = Math.max(0, state.experimentCount - state.measurementCount);
  const left = experiments === undefined ? Number.POSITIVE_INFINITY : Math.max(0, experiments - done);
  if (minutes !== undefined) {
    const slots = Math.max(1, state.engine?.slots ?? 1);
    const final = (Math.ceil((2 * rules.finalPairs) / slots) + 1) * (state.noise?.trialSeconds ?? 0) * 1000;
    if (activeMs(state, now) + final >= minutes * 60_000) {
      return { proposals: 0, timeUp: true, reason: `the time limit of ${minutes} minutes` };
    }
  }
  if (left === 0) return { proposals: 0, timeUp: false, reason: `the limit of ${experiments} experiments` };
  return { proposals: left, timeUp: false };
}
