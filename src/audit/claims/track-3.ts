import { chiSquareCdf } from '../../stats/chi-square.ts';
import { normalCdf } from '../../stats/normal.ts';
import { type ClaimCheck, type Track3Claim, type Track3Side, type Verification, unusable } from './claim.ts';
import { LOSS, type SampleStatistics, readSample, statisticsNumbers } from './sample.ts';
import { digits, pWords, runs } from './words.ts';

const TARGET_LOSS = 3.28;
/** What both rules ask for: 3.09 standard deviations of a single run, p < 0.001 one-sided. */
const NEEDED = 0.004;
/** Standard deviation of one run's loss that both rules take as known. */
const SIGMA = 0.0013;
/** Loss that 100 steps are worth. */
const LOSS_PER_100_STEPS = 0.0045;
/** `(3.28 - 3.279) * sqrt(16)` is 0.00399999999… in binary; the rule means 0.004. */
const ROUNDING = 1e-9;

/**
 * NanoGPT speedrun, track 3 (KellerJordan/modded-nanogpt, records/track_3_optimization/README.md).
 *
 * - Rule 3: `(3.28 - avg_loss) * num_runs**0.5 >= 0.004`, a one-sided z-test with sigma 0.0013 at p < .001.
 * - "Pairwise statistical significance": `(final_loss_diff + exp_stepbased_loss_diff) / (1/n1 + 1/n2)**0.5 >= 0.004` with 0.0045 loss per
 *   100 steps. A result that fails only this one stays valid.
 */
export function checkTrack3({ contract, claim, predecessor }: Track3Claim): Verification {
  const loss = readSample('claim.loss', claim.loss, LOSS);
  const before = predecessor && readSample('predecessor.loss', predecessor.loss, LOSS);
  const problems = [
    ...(loss.problems ?? []),
    ...(before?.problems ?? []),
    ...stepProblems('claim.steps', claim),
    ...(predecessor ? stepProblems('predecessor.steps', predecessor) : []),
  ];
  if (loss.sample === undefined || problems.length > 0) return unusable(contract, problems);

  const target = checkThreshold(loss.sample);
  const pair =
    predecessor && before?.sample
      ? comparePair({ ...loss.sample, steps: claim.steps }, { ...before.sample, steps: predecessor.steps })
      : undefined;
  const { lossMean, statistic } = target.numbers;
  const reached = `the mean loss of ${runs(loss.sample.n)} at step ${claim.steps} is ${digits(lossMean ?? 0, 5)}: (3.28 - mean) * sqrt(n) = ${digits(statistic ?? 0, 5)}`;
  const reasons = [`${reached}, ${target.passed ? 'at least' : 'less than'} the ${NEEDED} that are asked`];
  if (pair) {
    const { statistic: value = 0, p = 1 } = pair.numbers;
    reasons.push(
      `against its predecessor the statistic is ${digits(value, 5)} (${pWords(p)}), ${pair.passed ? 'at least' : 'less than'} ${NEEDED}`,
    );
  } else
    reasons.push('no predecessor is given: only that the target is reached is checked, not that it is an improvement');
  return {
    contract,
    outcome: !target.passed ? 'rejected' : pair?.passed === false ? 'valid-but-not-pairwise-significant' : 'accepted',
    reasons,
    warnings: [
      ...spreadWarnings('claim', loss.sample),
      ...(before?.sample ? spreadWarnings('predecessor', before.sample) : []),
    ],
    checks: pair ? [target, pair] : [target],
  };
}

function checkThreshold(loss: SampleStatistics): ClaimCheck {
  const statistic = (TARGET_LOSS - loss.mean) * Math.sqrt(loss.n);
  return {
    name: 'loss',
    asked: `(3.28 - mean) * sqrt(n) >= ${NEEDED}`,
    passed: statistic >= NEEDED - ROUNDING,
    numbers: {
      target: TARGET_LOSS,
      needed: NEEDED,
      ...statisticsNumbers('loss', loss),
      statistic,
      p: normalCdf(-statistic / SIGMA),
    },
  };
}

type SampleAtStep = SampleStatistics & { readonly steps: number };

function comparePair(claim: SampleAtStep, predecessor: SampleAtStep): ClaimCheck {
  const lossDifference = predecessor.mean - claim.mean;
  const stepEquivalent = ((predecessor.steps - claim.steps) / 100) * LOSS_PER_100_STEPS;
  const statistic = (lossDifference + stepEquivalent) / Math.sqrt(1 / claim.n + 1 / predecessor.n);
  return {
    name: 'pairwise',
    asked: `(loss difference + ${LOSS_PER_100_STEPS} per 100 steps saved) / sqrt(1/n1 + 1/n2) >= ${NEEDED}`,
    passed: statistic >= NEEDED - ROUNDING,
    numbers: {
      needed: NEEDED,
      ...statisticsNumbers('loss', claim),
      steps: claim.steps,
      ...statisticsNumbers('predecessorLoss', predecessor),
      predecessorSteps: predecessor.steps,
      lossDifference,
      stepEquivalent,
      statistic,
      p: normalCdf(-statistic / SIGMA),
    },
  };
}

/** Both rules stand on sigma. Chi-square test of the variance; with a larger spread they promise too much. */
function spreadWarnings(side: string, { n, sd }: SampleStatistics): string[] {
  if (sd === undefined || n < 2) return [];
  const p = 1 - chiSquareCdf(((n - 1) * sd ** 2) / SIGMA ** 2, n - 1);
  if (p >= 0.01) return [];
  return [
    `the runs of the ${side} vary by ${digits(sd, 5)}, more than the ${SIGMA} that the rule takes as known (${pWords(p)})`,
  ];
}

function stepProblems(where: string, { steps }: Track3Side): string[] {
  return Number.isSafeInteger(steps) && steps > 0 ? [] : [`${where} must be a whole number of steps, got ${steps}`];
}
