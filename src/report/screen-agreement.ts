import type { CampaignState } from '../domain/state.ts';
import { rankCorrelation } from '../stats/rank-correlation.ts';

/** How well screens that are apart foretell whole trials. Only what passed its screen was run whole, so low ranks are missing. */
export interface ScreenAgreement {
  /** Experiments with both a screen and a replication. */
  readonly n: number;
  /** Spearman's, of the gain of the screen and the mean gain of replication. Absent: too few, or all alike. */
  readonly rankCorrelation?: number;
}

/** Undefined: the task's screens are like all its trials. */
export function screenAgreement(state: CampaignState): ScreenAgreement | undefined {
  if (state.task.screensApart !== true) return undefined;
  const pairs = [...state.experiments.values()].flatMap(({ verdict }) => {
    const { screenGain, replicateMeanGain } = verdict?.evidence ?? {};
    return screenGain === undefined || replicateMeanGain === undefined
      ? []
      : ([[screenGain, replicateMeanGain]] as const);
  });
  const found = rankCorrelation(pairs);
  return { n: pairs.length, ...(found === undefined ? {} : { rankCorrelation: found }) };
}
