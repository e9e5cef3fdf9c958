import { pairGain, pairsOf } from '../../domain/pairs.ts';
import type { Evidence, Verdict } from '../../domain/verdict.ts';
import { mean } from '../../stats/summary.ts';
import { failureVerdict } from './failure.ts';
import { moderatedPairedTest } from './moderated-test.ts';
import { evidenceBeforeConfirmation } from './replicate.ts';
import type { GateRules } from './rules.ts';
import { showGain, WAIT, type GateInput, type GateStep } from './step.ts';

/**
 * A fixed number of pairs on seeds of their own, never used in search, decided once when all are in. Both rules must hold: the
 * paired test against the reference, and a gain on the hidden split where the task has one.
 */
export function confirmStep({ state, experiment }: GateInput, rules: GateRules): GateStep {
  const test = experiment.test;
  if (!test) return WAIT;
  const pairs = pairsOf(state, experiment.id, 'confirm');
  if (pairs.length === 0) return { kind: 'plan', stage: 'confirm', pairs: rules.confirmPairs };
  const replication = evidenceBeforeConfirmation({ state, experiment }, rules);
  for (const pair of pairs) {
    const failed = pair.candidate && failureVerdict(pair.candidate, 'confirm', replication);
    if (failed) return { kind: 'conclude', verdict: failed };
  }
  if (pairs.some((pair) => !pair.candidate || !pair.reference)) return WAIT;
  const gains = pairs.flatMap((pair) => pairGain(pair, state.task.direction) ?? []);
  if (gains.length < pairs.length) {
    const reasons = ['the reference failed in a confirmation pair, and the number of pairs is fixed'] as const;
    return { kind: 'conclude', verdict: { kind: 'inconclusive', stage: 'confirm', reasons, evidence: replication } };
  }
  return { kind: 'conclude', verdict: judgeConfirmation({ state, experiment }, rules, gains, replication) };
}

function judgeConfirmation(
  { state, experiment }: GateInput,
  rules: GateRules,
  gains: readonly number[],
  before: Evidence,
): Verdict {
  const test = experiment.test;
  if (!test) throw new Error(`${experiment.id} is confirmed without a test`);
  const { meanGain, p, interval, standardError } = moderatedPairedTest(gains, { variance: test.variance });
  const prior = Math.max(test.tau, Math.abs(before.replicateMeanGain ?? 0)) ** 2;
  const shrunkenGain = (meanGain * prior) / (prior + standardError ** 2);
  const hidden = rules.holdoutMetric;
  const hiddenGains =
    hidden === undefined
      ? []
      : pairsOf(state, experiment.id, 'confirm').flatMap((pair) => pairGain(pair, state.task.direction, hidden) ?? []);
  const evidence: Evidence = {
    ...before,
    confirmPairs: gains.length,
    confirmMeanGain: meanGain,
    confirmInterval: interval,
    confirmP: p,
    shrunkenGain,
    ...(hiddenGains.length > 0 ? { hiddenMeanGain: mean(hiddenGains) } : {}),
  };
  const facts = `${showGain(meanGain)} (95 % interval ${showGain(interval.low)} to ${showGain(interval.high)}) over ${gains.length} fresh pairs, p = ${p.toPrecision(2)}`;
  if (p > rules.confirmLevel || meanGain <= rules.minimumGain) {
    const reason = `passed replication but not confirmation: ${facts}; needed p ≤ ${rules.confirmLevel} and a gain above ${rules.minimumGain}`;
    return { kind: 'near-miss', stage: 'confirm', reasons: [reason], evidence };
  }
  if (hidden !== undefined && (hiddenGains.length < gains.length || mean(hiddenGains) <= 0)) {
    const seen = hiddenGains.length === 0 ? 'was not measured' : `changed by ${showGain(mean(hiddenGains))}`;
    const reason = `the gain does not carry over to the hidden split: ${hidden} ${seen}, while the visible metric gained ${facts}`;
    return { kind: 'near-miss', stage: 'confirm', reasons: [reason], evidence };
  }
  return { kind: 'keep', stage: 'confirm', reasons: [`confirmed: ${facts}`], evidence };
}
