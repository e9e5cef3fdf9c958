import type { Direction } from '../../domain/events.ts';
import type { Interval } from '../../domain/hypothesis.ts';
import { pairGain, type Pair } from '../../domain/pairs.ts';
import { showGain, showInterval } from '../../domain/show-number.ts';
import type { Evidence, RuleOutcome } from '../../domain/verdict.ts';
import { notWorseRule } from '../gate/ablate.ts';
import { hiddenRule, pairwiseRule, targetRule } from '../gate/confirm-rules.ts';
import { moderatedPairedTest, type PairedTest } from '../gate/moderated-test.ts';
import type { GateRules } from '../gate/rules.ts';

/** What the campaign says of the gain. */
export type ClaimedGain = Pick<Evidence, 'claim' | 'carries' | 'confirmMeanGain' | 'confirmInterval' | 'shrunkenGain'>;

export interface Measured {
  readonly pairs: number;
  readonly gain: number;
  readonly interval: Interval;
  /** One-sided paired t-test of 'no gain'. */
  readonly p: number;
}

export type Reproduction =
  | ({
      readonly kind: 'holds' | 'does-not-hold';
      readonly rules: readonly RuleOutcome[];
      /** Whether what was claimed and what was measured can be one and the same gain. Undefined: nothing was claimed. */
      readonly isConsistent?: boolean;
      /** Most important first; never empty. */
      readonly reasons: readonly [string, ...string[]];
    } & Partial<Measured>)
  /** The candidate was not given its chance, or there were too few pairs to find the gain: nothing follows. */
  | ({
      readonly kind: 'unclear';
      readonly isConsistent?: boolean;
      readonly reasons: readonly [string, ...string[]];
    } & Partial<Measured>);

/**
 * What the pairs say of a kept experiment. Pure. The candidate must succeed in every run and pass every rule that a confirmation has
 * to pass; a reference or a machine that fails says nothing of it.
 *
 * @param pairs all that were run; their number was fixed before. With fewer than `finalPairs`, no gain that leaves the claim possible is unclear.
 * @param known variance of one paired difference on this machine, if it is known.
 */
export function judgeReproduction(
  pairs: readonly Pair[],
  rules: GateRules,
  claimed: ClaimedGain,
  known?: { readonly variance: number },
): Reproduction {
  const candidateFailures = pairs.flatMap((pair) => failureOf(pair, 'candidate'));
  const [broken] = candidateFailures.filter(({ isCandidates }) => isCandidates);
  if (broken) {
    const runs = candidateFailures.length;
    return {
      kind: 'does-not-hold',
      rules: [],
      reasons: [`the candidate failed ${runs} of ${pairs.length} runs: ${broken.reason}`],
    };
  }
  const [other] = [...candidateFailures, ...pairs.flatMap((pair) => failureOf(pair, 'reference'))];
  if (other) return { kind: 'unclear', reasons: [`${other.who} could not be measured: ${other.reason}`] };
  const gains = pairs.flatMap((pair) => pairGain(pair, rules.direction) ?? []);
  if (gains.length < pairs.length || gains.length < 2)
    return { kind: 'unclear', reasons: [`only ${gains.length} of ${pairs.length} pairs were measured on both sides`] };
  const test = moderatedPairedTest(gains, known);
  const outcomes = claimed.claim === 'not-worse' ? [notWorse(pairs, test, rules)] : gainRules(pairs, test, rules);
  const failed = outcomes.filter(({ holds }) => !holds);
  const [first, ...rest] = (failed.length > 0 ? failed : outcomes).map(({ rule, detail }) => `${rule}: ${detail}`);
  const comparison = compareWithClaim(test, claimed);
  const facts = {
    pairs: test.pairs,
    gain: test.meanGain,
    interval: test.interval,
    p: test.p,
    ...(comparison ? { isConsistent: comparison.isConsistent } : {}),
  };
  const reasons = [first ?? 'no rule', ...rest, ...(comparison ? [comparison.words] : [])] as const;
  // So few pairs miss a gain that is there too often for a keep to fall by them.
  if (failed.length > 0 && pairs.length < rules.finalPairs && comparison?.isConsistent === true)
    return { kind: 'unclear', ...facts, reasons: [weakWords(pairs.length, rules.finalPairs), ...reasons] };
  return { kind: failed.length > 0 ? 'does-not-hold' : 'holds', rules: outcomes, ...facts, reasons };
}

function weakWords(pairs: number, wanted: number): string {
  return (
    `with ${pairs} of ${wanted} pairs the claimed gain is neither found again nor ruled out, so nothing follows: ` +
    `reproduce it with ${wanted} pairs or more`
  );
}

/** What a confirmation asks of a gain. */
function gainRules(pairs: readonly Pair[], test: PairedTest, rules: GateRules): readonly RuleOutcome[] {
  const { holdoutMetric, target } = rules;
  return [
    pairwiseRule(test, rules),
    ...(target === undefined ? [] : [targetRule(pairs, target)]),
    ...(holdoutMetric === undefined
      ? []
      : [hiddenRule(hiddenGainsOf(pairs, rules.direction, holdoutMetric), pairs.length, holdoutMetric)]),
  ];
}

/** A removal was kept because it costs nothing: that is all that it claims. */
function notWorse(pairs: readonly Pair[], test: PairedTest, rules: GateRules): RuleOutcome {
  const { holdoutMetric } = rules;
  return notWorseRule(
    test,
    holdoutMetric === undefined ? [] : hiddenGainsOf(pairs, rules.direction, holdoutMetric),
    rules,
  );
}

function hiddenGainsOf(pairs: readonly Pair[], direction: Direction, metric: string): readonly number[] {
  return pairs.flatMap((pair) => pairGain(pair, direction, metric) ?? []);
}

interface Failure {
  readonly who: string;
  readonly reason: string;
  /** It is the candidate's own doing. */
  readonly isCandidates: boolean;
}

function failureOf(pair: Pair, arm: 'candidate' | 'reference'): readonly Failure[] {
  const outcome = pair[arm];
  const who = `the ${arm}`;
  if (!outcome) return [{ who, reason: 'it did not run', isCandidates: false }];
  switch (outcome.status) {
    case 'succeeded':
      return [];
    case 'cancelled':
      return [{ who, reason: outcome.reason, isCandidates: false }];
    case 'failed': {
      const isMachines = ['lost', 'disk-full', 'unguarded'].includes(outcome.failure);
      const isCandidates = arm === 'candidate' && (outcome.suspected === true || !isMachines);
      return [{ who, reason: `${outcome.failure}: ${outcome.reason}`, isCandidates }];
    }
    default:
      return outcome satisfies never;
  }
}

/** The difference of two independent means against the half-widths of both intervals. */
function compareWithClaim(
  measured: { readonly meanGain: number; readonly interval: Interval },
  claimed: ClaimedGain,
): { readonly isConsistent: boolean; readonly words: string } | undefined {
  const { mean, interval } = claimedMean(claimed);
  if (mean === undefined || !interval) return undefined;
  const half = ({ low, high }: Interval): number => (high - low) / 2;
  const difference = measured.meanGain - mean;
  const isConsistent = Math.abs(difference) <= Math.hypot(half(measured.interval), half(interval));
  const { shrunkenGain } = claimed;
  const quoted = shrunkenGain === undefined ? '' : `, quoted as ${showGain(shrunkenGain)}`;
  return {
    isConsistent,
    words:
      `claimed ${showGain(mean)} (95 % interval ${showInterval(interval)})${quoted}: ` +
      (isConsistent
        ? 'consistent with what was measured now'
        : `NOT consistent with what was measured now, which is ${difference < 0 ? 'less' : 'more'} by ${showGain(Math.abs(difference)).slice(1)}`),
  };
}

function claimedMean({ carries, confirmMeanGain, confirmInterval }: ClaimedGain): {
  readonly mean: number | undefined;
  readonly interval: Interval | undefined;
} {
  if (confirmMeanGain !== undefined) return { mean: confirmMeanGain, interval: confirmInterval };
  if (!carries) return { mean: undefined, interval: undefined };
  // What is taken out carries so much: to be without it gains the opposite.
  const { gain, interval } = carries;
  return { mean: -gain, interval: { low: -interval.high, high: -interval.low } };
}
