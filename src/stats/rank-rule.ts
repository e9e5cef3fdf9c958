import { requireSample } from './argument-checks.ts';
import { logGamma } from './gamma-function.ts';

export type RankRuleResult = {
  /** Whether every candidate value is strictly better than every baseline value. */
  readonly passes: boolean;
  /** Chance of that outcome when both come from one distribution: 1 / C(n + m, n). */
  readonly falseAlarmRate: number;
};

/**
 * All candidate runs beat all baseline runs (lower is better): the extreme case of the Mann-Whitney test (1947). It needs
 * no variance model, and its false-alarm rate with k against k is 1 / C(2k, k): 1/6, 1/20, 1/70, 1/252.
 * A tie counts as not better.
 */
export function rankRule(candidate: readonly number[], baseline: readonly number[]): RankRuleResult {
  requireSample('candidate', candidate, 1);
  requireSample('baseline', baseline, 1);
  const logWays = (n: number): number => logGamma(n + 1);
  const logChoices = logWays(candidate.length + baseline.length) - logWays(candidate.length) - logWays(baseline.length);
  return { passes: Math.max(...candidate) < Math.min(...baseline), falseAlarmRate: Math.exp(-logChoices) };
}
