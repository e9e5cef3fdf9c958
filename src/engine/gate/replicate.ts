import { showGain } from '../../domain/show-number.ts';
import { pairGain, pairsOf, valueOf } from '../../domain/pairs.ts';
import { gain, openTrials } from '../../domain/state.ts';
import type { Evidence } from '../../domain/verdict.ts';
import {
  createSequentialTest,
  logEValue,
  observeDifferences,
  probabilityOfGain,
  probabilityOfSuccess,
  type SequentialTest,
} from '../../stats/sequential-test.ts';
import { mean } from '../../stats/summary.ts';
import { failureVerdict } from './failure.ts';
import { neededReplicationEvidence } from './level.ts';
import type { GateRules } from './rules.ts';
import { WAIT, type GateInput, type GateStep } from './step.ts';

/**
 * Paired runs on fresh seeds, one pair after another, tested after each by a one-sided mixture sequential test. Looking after every
 * pair is paid for: the test is valid at any stopping time. Variance, scale and level were fixed before the first pair. A candidate that
 * is noisier than that variance passes more often than it should: confirmation's `spread` rule looks at that.
 */
export function replicateStep({ state, experiment }: GateInput, rules: GateRules): GateStep {
  const test = experiment.test;
  if (!test) return WAIT;
  const pairs = pairsOf(state, experiment.id, 'replicate');
  const gains = pairs.flatMap((pair) => pairGain(pair, state.task.direction) ?? []);
  const needed = neededReplicationEvidence(test.level, rules.confirmLevel);
  const seen = observeDifferences(createSequentialTest(test), gains);
  const evidence: Evidence = { ...screenEvidence({ state, experiment }), ...replicationEvidence(test, seen, needed) };
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
  const facts = `${showGain(average)} over ${gains.length} pairs, e-value ${eValue.toPrecision(3)} of ${needed.toPrecision(3)} needed`;
  if (eValue >= needed) return { kind: 'pass', stage: 'replicate', reason: `replicated at ${facts}` };
  const left = rules.maxPairs - pairs.length;
  const success = left > 0 ? probabilityOfSuccess(seen, { n: gains.length + left, threshold: needed }) : 0;
  if (left > 0 && success >= rules.futilityProbability) return { kind: 'plan', stage: 'replicate', pairs: 1 };
  const why =
    left > 0
      ? `replication stopped, since more pairs would succeed with probability ${success.toFixed(2)} only`
      : `the most that one test may cost (${rules.maxPairs} pairs) did not settle it`;
  const kind = replicationVerdict(average, probabilityOfGain(seen, rules.minimumGain));
  return { kind: 'conclude', verdict: { kind, stage: 'replicate', reasons: [`${why}: ${facts}`], evidence } };
}

/** A near miss is more likely than not of interest; what points the wrong way is discarded; the rest stays open. */
function replicationVerdict(average: number, chance: number): 'near-miss' | 'inconclusive' | 'discard' {
  if (chance >= 0.5) return 'near-miss';
  return average > 0 ? 'inconclusive' : 'discard';
}

/** The numbers of the screen, carried along so that a verdict shows all of them. */
function screenEvidence({ state, experiment }: GateInput): Evidence {
  const pair = openTrials(state, experiment.id).findLast(
    ({ plan }) => plan.stage === 'screen' && plan.arm === 'candidate',
  );
  const reference = pair && state.screenBlocks.get(pair.plan.pair)?.value;
  const value = valueOf(pair?.outcome);
  if (typeof reference !== 'number' || value === undefined) return {};
  return { screenGain: gain(state.task.direction, value, reference) };
}

function replicationEvidence(
  test: { index: number; variance: number },
  seen: SequentialTest,
  needed: number,
): Evidence {
  const numbers = {
    testIndex: test.index,
    sigma: Math.sqrt(test.variance / 2),
    eValueNeeded: needed,
    replicatePairs: seen.n,
  };
  if (seen.n === 0) return numbers;
  return {
    ...numbers,
    replicateMeanGain: seen.sum / seen.n,
    eValue: Math.min(Number.MAX_VALUE, Math.exp(logEValue(seen))),
  };
}

/** The gain of each replication pair that was measured on both sides, in the order in which they were planned. */
export function replicationGains({ state, experiment }: GateInput): readonly number[] {
  return pairsOf(state, experiment.id, 'replicate').flatMap((pair) => pairGain(pair, state.task.direction) ?? []);
}

/** All numbers from before confirmation. */
export function evidenceBeforeConfirmation(input: GateInput, rules: GateRules): Evidence {
  const { experiment } = input;
  if (!experiment.test) return {};
  const seen = observeDifferences(createSequentialTest(experiment.test), replicationGains(input));
  const needed = neededReplicationEvidence(experiment.test.level, rules.confirmLevel);
  return { ...screenEvidence(input), ...replicationEvidence(experiment.test, seen, needed) };
}
