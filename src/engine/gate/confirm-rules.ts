import { valueOf, type Pair } from '../../domain/pairs.ts';
import type { RuleOutcome } from '../../domain/verdict.ts';
import { mean } from '../../stats/summary.ts';
import { oneSampleTTest } from '../../stats/t-test.ts';
import type { PairedTest } from './moderated-test.ts';
import type { GateRules, TargetRule } from './rules.ts';
import { showGain, showP } from '../../domain/show-number.ts';

/** The pairwise rule: better than its reference by the paired test, and by more than the smallest gain of interest. */
export function pairwiseRule(test: PairedTest, rules: GateRules): RuleOutcome {
  const { meanGain, interval, p, pairs } = test;
  return {
    rule: 'pairwise',
    holds: p <= rules.confirmLevel && meanGain > rules.minimumGain,
    detail:
      `${showGain(meanGain)} over its reference (95 % interval ${showGain(interval.low)} to ${showGain(interval.high)}) over ${pairs} fresh ` +
      `pairs, p = ${showP(p)}; needed p ≤ ${rules.confirmLevel} and a gain above ${rules.minimumGain}`,
  };
}

/** The threshold rule: the candidate's own runs are better than a fixed value, by a one-sided one-sample t-test (Student 1908). */
export function targetRule(pairs: readonly Pair[], target: TargetRule): RuleOutcome {
  const { value, level, metric, direction } = target;
  const name = metric ?? 'the metric';
  const side = direction === 'minimize' ? 'below' : 'above';
  const needed = `needed ${side} ${value} at p ≤ ${level}`;
  const values = pairs.flatMap((pair) => valueOf(pair.candidate, metric) ?? []);
  if (values.length < pairs.length || values.length < 2) {
    return {
      rule: 'target',
      holds: false,
      detail: `${name} was measured in ${values.length} of ${pairs.length} runs; ${needed}`,
    };
  }
  const alternative = direction === 'minimize' ? 'less' : 'greater';
  const { p, estimate, standardError } = oneSampleTTest(values, { alternative, nullValue: value });
  const seen = `${name} ${estimate.toPrecision(6)} ± ${standardError.toPrecision(2)} over ${values.length} runs, p = ${showP(p)}`;
  return { rule: 'target', holds: p <= level, detail: `${seen}; ${needed}` };
}

/** The hidden split: the gain is there on data that no search stage scored, in every pair measured and on average. */
export function hiddenRule(hiddenGains: readonly number[], pairs: number, metric: string): RuleOutcome {
  const detail =
    hiddenGains.length < pairs
      ? `${metric} was not measured in ${pairs - hiddenGains.length} of ${pairs} pairs`
      : `${metric} changed by ${showGain(mean(hiddenGains))}; needed a gain`;
  return { rule: 'hidden', holds: hiddenGains.length === pairs && mean(hiddenGains) > 0, detail };
}
