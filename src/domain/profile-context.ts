import type { ExperimentId } from './ids.ts';
import { profileLines } from './profile.ts';
import type { CampaignState } from './state.ts';

/** What a proposer is told of where the time goes. */
export interface ProfileContext {
  /** Whose profile it is: the experiment itself or its nearest ancestor that has one. */
  readonly experiment: ExperimentId;
  readonly lines: readonly string[];
}

/** The profile that says most of an experiment. Undefined: none of its line was ever profiled. */
export function profileContext(state: CampaignState, id: ExperimentId): ProfileContext | undefined {
  const seen = new Set<ExperimentId>();
  for (let at = state.experiments.get(id); at && !seen.has(at.id); at = state.experiments.get(at.proposal.parent)) {
    seen.add(at.id);
    if (!at.profile) continue;
    const whose = at.id === id ? id : `${at.id}, which ${id} comes from,`;
    const head = `Where the time of ${whose} goes, as its own process said: a claim that nobody checked.`;
    return { experiment: at.id, lines: [head, ...profileLines(at.profile)] };
  }
  return undefined;
}
