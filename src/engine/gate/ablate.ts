import { pairGain, pairsOf } from '../../domain/pairs.ts';
import { showGain } from '../../domain/show-number.ts';
import type { Evidence, RuleOutcome } from '../../domain/verdict.ts';
import { mean } from '../../stats/summary.ts';
import { failureVerdict } from './failure.ts';
import { moderatedPairedTest, type PairedTest } from './moderated-test.ts';
import type { GateRules } from './rules.ts';
import { currentSpread } from './spread.ts';
import { WAIT, type GateInput, type GateStep } from './step.ts';

/**
 * The champion without one of its changes beside the champion: a fixed number of pairs, all of them run, looked at once. It measures
 * what the change carries in its present company. The removal is kept if it loses less than the smallest gain of interest, with 95 %
 * confidence; it claims no gain, so it is no test of the error budget (docs/decisions/0007).
 *
 * The pairs are of the stage `replicate`: confirmation's seeds are for confirmations.
 */
export function ablateStep({ state, experiment }: GateInput, rules: GateRules): GateStep {
  const { noise } = state;
  if (!noise) return WAIT;
  const pairs = pairsOf(state, experiment.id, 'replicate');
  if (pairs.length === 0) return { kind: 'plan', stage: 'replicate', pairs: rules.ablationPairs };
  for (const pair of pairs) {
    const failed = pair.candidate && failureVerdict(pair.candidate, 'replicate', {});
    if (failed) return { kind: 'conclude', verdict: failed };
  }
  if (pairs.some((pair) => !pair.candidate || !pair.reference)) return WAIT;
  const gains = pairs.flatMap((pair) => pairGain(pair, state.task.direction) ?? []);
  if (gains.length < pairs.length) {
    const reasons = ['the reference failed in a pair of the ablation, and the number of pairs is fixed'] as const;
    return { kind: 'conclude', verdict: { kind: 'inconclusive', stage: 'replicate', reasons, evidence: {} } };
  }
  const test = moderatedPairedTest(gains, { variance: currentSpread(state, noise, rules).variance });
  const hidden = rules.holdoutMetric;
  const hiddenGains =
    hidden === undefined ? [] : pairs.flatMap((pair) => pairGain(pair, state.task.direction, hidden) ?? []);
  const rule = notWorseRule(test, hiddenGains, rules);
  const carried = { low: -test.interval.high, high: -test.interval.low };
  const evidence: Evidence = {
    replicatePairs: gains.length,
    replicateMeanGain: test.meanGain,
    ...(hiddenGains.length > 0 ? { hiddenMeanGain: mean(hiddenGains) } : {}),
    carries: { gain: -test.meanGain, interval: carried },
    rules: [rule],
  };
  const carries = `what was taken out carries ${showGain(-test.meanGain)} (95 % interval ${showGain(carried.low)} to ${showGain(carried.high)}, n = ${gains.length} pairs)`;
  if (!rule.holds) {
    const reasons = [`${carries}: not shown to be needless`, rule.detail] as const;
    return { kind: 'conclude', verdict: { kind: 'discard', stage: 'replicate', reasons, evidence } };
  }
  const reasons = [`simpler and not worse: ${carries}`, rule.detail] as const;
  return {
    kind: 'conclude',
    verdict: {
      kind: 'keep',
      stage: 'replicate',
      reasons,
      evidence: { ...evidence, claim: 'not-worse', shrunkenGain: 0 },
    },
  };
}

/**
 * Non-inferiority with the smallest gain of interest as its margin (Piaggio and others 2012, the CONSORT extension): the whole 95 %
 * interval of the removal's gain lies above minus the margin. With a margin of 0 only a removal that is better passes.
 */
export function notWorseRule({ interval }: PairedTest, hiddenGains: readonly number[], rules: GateRules): RuleOutcome {
  const margin = rules.minimumGain;
  const isHiddenFine = hiddenGains.length === 0 || mean(hiddenGains) > -margin;
  const hidden = hiddenGains.length === 0 ? '' : `; on hidden data ${showGain(mean(hiddenGains))}`;
  return {
    rule: 'not-worse',
    holds: interval.low > -margin && isHiddenFine,
    detail: `without it the gain is at least ${showGain(interval.low)} with 95 % confidence${hidden}; needed more than ${showGain(-margin)}`,
  };
}
