import { showGain } from '../../domain/show-number.ts';
import { BASELINE_EXPERIMENT } from '../../domain/ids.ts';
import { openTrials, type CampaignState } from '../../domain/state.ts';
import { pairGain, pairsOf } from '../../domain/pairs.ts';
import { mean } from '../../stats/summary.ts';
import { failureVerdict } from './failure.ts';
import { moderatedPairedTest } from './moderated-test.ts';
import type { GateRules } from './rules.ts';
import { WAIT, type GateInput, type GateStep } from './step.ts';

/** Of the starting point's runs, so many may fail (a busy machine) and are made again; more say that the task does not work here. */
const MAX_FAILED_SHARE = 0.2;

/**
 * The unchanged starting point, run as often as the noise floor needs. If it keeps failing, nothing can be compared with it. When the
 * machine has drifted the same is done with the champion, on a machine that is warm.
 */
export function baselineStep({ state, experiment }: GateInput, rules: GateRules): GateStep {
  const trials = openTrials(state, experiment.id);
  const failures = trials.flatMap(({ outcome }) => (outcome && failureVerdict(outcome, 'screen', {})) ?? []);
  const [first] = failures;
  const tolerated = trials.every(({ outcome }) => outcome?.status !== 'succeeded')
    ? 0
    : rules.baselineRuns * MAX_FAILED_SHARE;
  if (first && failures.length > tolerated) return { kind: 'conclude', verdict: first };
  const usable = trials.length - failures.length;
  const isStart = experiment.id === BASELINE_EXPERIMENT;
  const wanted = rules.baselineRuns + (isStart ? warmUpRuns(state) : 0);
  if (usable < wanted) return { kind: 'plan', stage: 'baseline', pairs: wanted - usable };
  if (trials.some((trial) => trial.state !== 'ended')) return WAIT;
  const failed = failures.length === 0 ? '' : `; ${failures.length} more runs failed: ${first?.reasons[0]}`;
  const what = isStart
    ? `the starting point, measured ${usable} times, ${warmUpRuns(state)} of them to warm up`
    : `${experiment.proposal.parent} as it is, measured ${usable} times after the machine had drifted`;
  const reasons = [`${what}${failed}`] as const;
  return { kind: 'conclude', verdict: { kind: 'keep', stage: 'confirm', reasons, evidence: {} } };
}

/**
 * The first run on each slot pays for cold caches. By this rule, fixed before any is seen, they are recorded like all others and
 * left out of the noise floor.
 */
export function warmUpRuns(state: CampaignState): number {
  return Math.max(1, state.engine?.slots ?? 1);
}

/** The champion beside the starting point, a fixed number of pairs on seeds that nothing was chosen by. */
export function finalStep({ state, experiment }: GateInput, rules: GateRules): GateStep {
  const pairs = pairsOf(state, experiment.id, 'final');
  if (pairs.length === 0) return { kind: 'plan', stage: 'final', pairs: rules.finalPairs };
  if (pairs.some((pair) => !pair.candidate || !pair.reference)) return WAIT;
  const gains = pairs.flatMap((pair) => pairGain(pair, state.task.direction) ?? []);
  const championFailures = pairs.filter((pair) => pair.candidate?.status !== 'succeeded').length;
  // A start that fails now and then (a busy machine) speaks for the champion; to leave its pair out is the stricter reading.
  if (championFailures > 0 || gains.length < Math.max(2, pairs.length / 2)) {
    const which =
      championFailures > 0
        ? `the champion failed ${championFailures}`
        : `the start failed ${pairs.length - gains.length}`;
    const reasons = [`${which} of ${pairs.length} runs; every run counts, so the gain is not established`] as const;
    return { kind: 'conclude', verdict: { kind: 'inconclusive', stage: 'confirm', reasons, evidence: {} } };
  }
  const { meanGain, interval, p } = moderatedPairedTest(gains);
  const hidden =
    rules.holdoutMetric === undefined
      ? []
      : pairs.flatMap((pair) => pairGain(pair, state.task.direction, rules.holdoutMetric) ?? []);
  const evidence = {
    confirmPairs: gains.length,
    confirmMeanGain: meanGain,
    confirmInterval: interval,
    confirmP: p,
    ...(hidden.length > 0 ? { hiddenMeanGain: mean(hidden) } : {}),
  };
  const kind = p <= rules.confirmLevel && meanGain > 0 ? 'keep' : 'inconclusive';
  const left = pairs.length > gains.length ? `; the start failed in ${pairs.length - gains.length} more pairs` : '';
  const reason = `the champion against the starting point: ${showGain(meanGain)} (95 % interval ${showGain(interval.low)} to ${showGain(interval.high)}), p = ${p.toPrecision(2)}, n = ${gains.length} pairs${left}`;
  return { kind: 'conclude', verdict: { kind, stage: 'confirm', reasons: [reason], evidence } };
}
