import { showGain } from '../../domain/show-number.ts';
import { openTrials, gain } from '../../domain/state.ts';
import { valueOf } from '../../domain/pairs.ts';
import { normalCdf } from '../../stats/normal.ts';
import { failureVerdict } from './failure.ts';
import { createSequentialTest, probabilityOfSuccess } from '../../stats/sequential-test.ts';
import { grantedLevel, neededReplicationEvidence } from './level.ts';
import { hasDrifted, isMeasuringNoise } from './drift.ts';
import type { GateRules } from './rules.ts';
import { beliefAfterScreen, currentSpread, screenSpread } from './spread.ts';
import { WAIT, type GateInput, type GateStep } from './step.ts';

/** A reference that keeps failing says nothing of the candidate; after this many tries the experiment is left open-ended. */
const MAX_REFERENCE_TRIES = 2;

/**
 * One trial of the candidate beside one of its reference on the same fresh seed. It decides only whether replication is worth its
 * cost; its numbers are thrown away afterwards, so a lucky screen gains nothing.
 */
export function screenStep({ state, experiment }: GateInput, rules: GateRules): GateStep {
  const noise = state.noise;
  if (!noise) return WAIT;
  const trials = openTrials(state, experiment.id).filter((trial) => trial.plan.stage === 'screen');
  const own = trials.filter((trial) => trial.plan.arm === 'candidate');
  const last = own.at(-1);
  if (!last) return { kind: 'plan', stage: 'screen', pairs: 1 };
  if (last.state !== 'ended' || !last.outcome) return WAIT;
  const failed = failureVerdict(last.outcome, 'screen', {});
  if (failed) return { kind: 'conclude', verdict: failed };
  const reference = state.screenBlocks.get(last.plan.pair)?.value;
  if (reference === undefined) return WAIT;
  if (reference === null) {
    if (own.length < MAX_REFERENCE_TRIES) return { kind: 'plan', stage: 'screen', pairs: 1 };
    const reasons = [
      'the reference failed its own trials beside this candidate, so nothing could be compared',
    ] as const;
    return { kind: 'conclude', verdict: { kind: 'inconclusive', stage: 'screen', reasons, evidence: {} } };
  }
  // What a screen is worth depends on the noise floor, and that is being measured anew.
  if (hasDrifted(state) || isMeasuringNoise(state)) return WAIT;
  const value = valueOf(last.outcome) ?? Number.NaN;
  const screenGain = gain(state.task.direction, value, reference);
  const spread = currentSpread(state, noise, rules);
  const index = state.tests.count + 1;
  const level = grantedLevel({
    falseDiscoveryRate: rules.falseDiscoveryRate,
    testIndex: index,
    rejectionsBefore: state.tests.rejections,
    testHorizon: state.testHorizon,
  });
  const needed = neededReplicationEvidence(level, rules.confirmLevel);
  const screened = screenSpread(state, noise, rules);
  const belief = beliefAfterScreen(screenGain, screened);
  const success = probabilityOfSuccess(createSequentialTest(spread), {
    n: rules.maxPairs,
    threshold: needed,
    belief,
  });
  const screenProbability = 1 - normalCdf((rules.minimumGain - belief.mean) / belief.sd);
  const evidence = { screenGain, screenProbability, sigma: screened.sigma, sigmaSource: screened.source };
  const seen = `screened at ${showGain(screenGain)} against its reference on the same seed, where one trial varies by ${screened.sigma.toPrecision(2)}`;
  // Asked in the affirmative, so that what is no number does not pass.
  if (!(success >= rules.screenProbability && belief.mean > rules.minimumGain)) {
    const reason = `${seen}: replication would succeed with probability ${success.toFixed(2)}, too little to pay for it`;
    return { kind: 'conclude', verdict: { kind: 'discard', stage: 'screen', reasons: [reason], evidence } };
  }
  const reason =
    `${seen}: replication succeeds with probability ${success.toFixed(2)}; it is test ${index} of the campaign and ` +
    `needs an e-value of ${needed.toPrecision(3)}`;
  return { kind: 'pass', stage: 'screen', reason, test: { index, level, variance: spread.variance, tau: spread.tau } };
}
