import { pairGain, pairsOf } from '../../domain/pairs.ts';
import type { Evidence } from '../../domain/verdict.ts';
import { createSequentialTest, logEValue, observeDifferences } from '../../stats/sequential-test.ts';
import { normalCdf } from '../../stats/normal.ts';
import { mean } from '../../stats/summary.ts';
import { failureVerdict } from './failure.ts';
import type { GateRules } from './rules.ts';
import { posteriorExceeds } from './spread.ts';
import { showGain, WAIT, type GateInput, type GateStep } from './step.ts';

/**
 * Paired runs on fresh seeds, one pair after another, tested after each by a one-sided mixture sequential test. Looking after every
 * pair is paid for: the test is valid at any stopping time. Variance, scale and level were fixed before the first pair.
 */
export function replicateStep({ state, experiment }: GateInput, rules: GateRules): GateStep {
  const test = experiment.test;
  if (!test) return WAIT;
  const pairs = pairsOf(state, experiment.id, 'replicate');
  const gains = pairs.flatMap((pair) => pairGain(pair, state.task.direction) ?? []);
  const evidence: Evidence = {
    replicatePairs: gains.length,
    sigma: Math.sqrt(test.variance / 2),
    eValueNeeded: 1 / test.level,
    testIndex: test.index,
    ...(gains.length > 0 ? replicationNumbers(gains, test) : {}),
  };
  for (const pair of pairs) {
    const failed = pair.candidate && failureVerdict(pair.candidate, 'replicate', evidence);
    if (failed) return { kind: 'conclude', verdict: failed };
  }
  if (pairs.some((pair) => !pair.candidate || !pair.reference)) return WAIT;
  if (pairs.length < rules.minPairs) return { kind: 'plan', stage: 'replicate', pairs: rules.minPairs - pairs.length };
  if (gains.length === 0) {
    const reasons = ['the reference failed in every pair, so nothing could be compared'] as const;
    return { kind: 'conclude', verdict: { kind: 'inconclusive', stage: 'replicate', reasons, evidence } };
  }
  const average = mean(gains);
  const eValue = evidence.eValue ?? 0;
  if (eValue >= 1 / test.level) {
    const reason =
      `replicated at ${showGain(average)} over ${gains.length} pairs: e-value ${eValue.toPrecision(3)} reaches ` +
      `${(1 / test.level).toPrecision(3)}`;
    return { kind: 'pass', stage: 'replicate', reason };
  }
  const chance = posteriorExceeds({
    mean: average,
    pairs: gains.length,
    variance: test.variance,
    tau: test.tau,
    threshold: rules.minimumGain,
    cdf: normalCdf,
  });
  const facts = `${showGain(average)} over ${gains.length} pairs, e-value ${eValue.toPrecision(3)} of ${(1 / test.level).toPrecision(3)} needed`;
  if (chance < rules.futilityProbability) {
    const reason = `replication stopped as futile at ${facts}: a gain of more than ${rules.minimumGain} has probability ${chance.toFixed(2)}`;
    return { kind: 'conclude', verdict: { kind: 'discard', stage: 'replicate', reasons: [reason], evidence } };
  }
  if (pairs.length < rules.maxPairs) return { kind: 'plan', stage: 'replicate', pairs: 1 };
  const kind = chance >= 0.5 ? 'near-miss' : 'inconclusive';
  const reason = `the most that one test may cost (${rules.maxPairs} pairs) did not settle it: ${facts}`;
  return { kind: 'conclude', verdict: { kind, stage: 'replicate', reasons: [reason], evidence } };
}

function replicationNumbers(
  gains: readonly number[],
  test: { variance: number; tau: number },
): Pick<Evidence, 'replicateMeanGain' | 'eValue'> {
  const seen = observeDifferences(createSequentialTest(test), gains);
  return { replicateMeanGain: mean(gains), eValue: Math.min(Number.MAX_VALUE, Math.exp(logEValue(seen))) };
}
