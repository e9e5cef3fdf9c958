import { valueOf, type Pair } from '../../domain/pairs.ts';
import type { RuleOutcome } from '../../domain/verdict.ts';
import { chiSquareUpperTail } from '../../stats/chi-square.ts';
import { createSequentialTest, logEValue, observeDifferences } from '../../stats/sequential-test.ts';
import { studentTCdf } from '../../stats/student-t.ts';
import { mean, pooledVariance } from '../../stats/summary.ts';
import { oneSampleTTest } from '../../stats/t-test.ts';
import type { PairedTest } from './moderated-test.ts';
import type { GateRules, TargetRule } from './rules.ts';
import { pWords, showGain } from '../../domain/show-number.ts';

/** The pairwise rule: better than its reference by the paired test, and by more than the smallest gain of interest. */
export function pairwiseRule(test: PairedTest, rules: GateRules): RuleOutcome {
  const { meanGain, interval, p, pairs } = test;
  return {
    rule: 'pairwise',
    holds: p <= rules.confirmLevel && meanGain > rules.minimumGain,
    detail:
      `${showGain(meanGain)} over its reference (95 % interval ${showGain(interval.low)} to ${showGain(interval.high)}) over ${pairs} fresh ` +
      `pairs, ${pWords(p)}; needed p ≤ ${rules.confirmLevel} and a gain above ${rules.minimumGain}`,
  };
}

/** Pairs that vary more than was known beforehand, at this level of a chi-square test, are those of a noisier candidate. */
const SPREAD_LEVEL = 0.05;

/**
 * The spread rule: replication took the variance that others' pairs had, and a useless candidate that is noisier passes it for its
 * noise. So all its pairs together, each stage around its own mean, are compared with that variance. If they vary more, replication's
 * e-value is taken again with the variance that they have, and confirmation has to bring what is then missing of the whole 1 / level: the
 * p-value of its mean, by the same variance, must be at most level times that e-value. Replication is never worth less than nothing (an
 * e-value of 1), and confirmation never has to bring less than `confirmLevel`.
 *
 * @param gains of both stages' pairs; confirmation has at least two.
 * @param test as it was granted: variance of one paired difference, scale of a gain, level.
 */
export function spreadRule(
  gains: { readonly replication: readonly number[]; readonly confirmation: readonly number[] },
  test: { readonly variance: number; readonly tau: number; readonly level: number },
  rules: Pick<GateRules, 'confirmLevel'>,
): RuleOutcome {
  const { replication, confirmation } = gains;
  const { variance, df } = pooledVariance([replication, confirmation]);
  const tail = chiSquareUpperTail((df * variance) / test.variance, df);
  const times = `its ${replication.length + confirmation.length} pairs vary ${Math.sqrt(variance / test.variance).toPrecision(2)} times as much as others`;
  if (tail > SPREAD_LEVEL) return { rule: 'spread', holds: true, detail: `${times} (chi-square ${pWords(tail)})` };
  const own = createSequentialTest({ variance, tau: test.tau });
  const eValue = Math.min(Number.MAX_VALUE, Math.max(1, Math.exp(logEValue(observeDifferences(own, replication)))));
  const needed = Math.min(rules.confirmLevel, test.level * eValue);
  const p = studentTCdf(-mean(confirmation) / Math.sqrt(variance / confirmation.length), df);
  return {
    rule: 'spread',
    holds: p <= needed,
    detail:
      `${times} (chi-square ${pWords(tail)}), so by their own spread replication is worth an e-value of ${Number(eValue.toPrecision(2))} ` +
      `and confirmation has to bring the rest: ${pWords(p)}; needed p ≤ ${Number(needed.toPrecision(2))}`,
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
  const seen = `${name} ${estimate.toPrecision(6)} ± ${standardError.toPrecision(2)} over ${values.length} runs, ${pWords(p)}`;
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
