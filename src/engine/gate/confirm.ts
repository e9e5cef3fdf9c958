import { pairGain, pairsOf } from '../../domain/pairs.ts';
import type { Evidence, RuleOutcome, Verdict } from '../../domain/verdict.ts';
import { mean } from '../../stats/summary.ts';
import { hiddenRule, pairwiseRule, spreadRule, targetRule } from './confirm-rules.ts';
import { failureVerdict } from './failure.ts';
import { moderatedPairedTest } from './moderated-test.ts';
import { evidenceBeforeConfirmation, replicationGains } from './replicate.ts';
import type { GateRules } from './rules.ts';
import { WAIT, type GateInput, type GateStep } from './step.ts';

/**
 * A fixed number of pairs on seeds of their own, never used in search, decided once when all are in. Every rule that the
 * task has must hold: the paired test against the reference, evidence that is not the candidate's own noise, a target of its own, a gain
 * on the hidden split.
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
  const paired = moderatedPairedTest(gains, { variance: test.variance });
  const { meanGain, p, interval, standardError } = paired;
  const prior = Math.max(test.tau, Math.abs(before.replicateMeanGain ?? 0)) ** 2;
  const shrunkenGain = (meanGain * prior) / (prior + standardError ** 2);
  const pairs = pairsOf(state, experiment.id, 'confirm');
  const hidden = rules.holdoutMetric;
  const hiddenGains =
    hidden === undefined ? [] : pairs.flatMap((pair) => pairGain(pair, state.task.direction, hidden) ?? []);
  const outcomes: readonly [RuleOutcome, ...RuleOutcome[]] = [
    pairwiseRule(paired, rules),
    spreadRule({ replication: replicationGains({ state, experiment }), confirmation: gains }, test, rules),
    ...(rules.target === undefined ? [] : [targetRule(pairs, rules.target)]),
    ...(hidden === undefined ? [] : [hiddenRule(hiddenGains, pairs.length, hidden)]),
  ];
  const evidence: Evidence = {
    ...before,
    confirmPairs: gains.length,
    confirmMeanGain: meanGain,
    confirmInterval: interval,
    confirmP: p,
    shrunkenGain,
    ...(hiddenGains.length > 0 ? { hiddenMeanGain: mean(hiddenGains) } : {}),
    rules: outcomes,
  };
  const [pairwise] = outcomes;
  const broken = outcomes.find(({ holds }) => !holds);
  if (!broken) {
    const more = outcomes.slice(1).map(({ rule, detail }) => `the ${rule} rule holds too: ${detail}`);
    return { kind: 'keep', stage: 'confirm', reasons: [`confirmed: ${pairwise.detail}`, ...more], evidence };
  }
  return { kind: 'near-miss', stage: 'confirm', reasons: [brokenWords(broken, pairwise)], evidence };
}

function brokenWords({ rule, detail }: RuleOutcome, pairwise: RuleOutcome): string {
  switch (rule) {
    case 'hidden':
      return `the gain does not carry over to the hidden split: ${detail}, while the visible metric gained ${pairwise.detail}`;
    case 'spread':
      return `better than its reference at first sight, but what is noisier needs more evidence: ${detail}`;
    case 'target':
      return `better than its reference, but the target was not beaten: ${detail}`;
    case 'pairwise':
    case 'not-worse':
      return `passed replication but not confirmation: ${detail}`;
    default:
      return rule satisfies never;
  }
}
