import { type ClaimCheck, type Track1Claim, type Verification, unusable } from './claim.ts';
import { LOSS, type SampleStatistics, SECONDS, readSample, statisticsNumbers } from './sample.ts';
import { type Spread, oneSampleFromSummary, welchFromSummary } from './summary-test.ts';
import { digits, pWords, runs } from './words.ts';

/** Rule 2 of the speedrun: mean validation loss at most this. */
const TARGET_LOSS = 3.28;
/** Rule 2 of the speedrun. Its rule 4, on time, names no level: the same is asked there. */
const LEVEL = 0.01;

type Finding = { readonly check?: ClaimCheck; readonly reason: string } & (
  | { readonly is: 'shown' | 'refuted' }
  /** `open`: nothing speaks against it, but it isn't shown. `unusable`: what is needed was not published. */
  | { readonly is: 'open' | 'unusable' }
);

/**
 * NanoGPT speedrun, track 1 (KellerJordan/modded-nanogpt, README, "Rules" 2 and 4).
 *
 * - Loss: one-sided one-sample t-test of the mean against 3.28, p < 0.01, as `scipy.stats.ttest_1samp(losses, 3.28, alternative="less")`.
 *   The rules waive it for pure systems changes; whether a change is one can't be seen in numbers, so it is never waived here.
 * - Time: one-sided Welch test against the previous record, run again on the same hardware, p < 0.01.
 */
export function checkTrack1(claim: Track1Claim): Verification {
  const { contract, baseline } = claim;
  const loss = readSample('claim.loss', claim.claim.loss, LOSS);
  const seconds = claim.claim.seconds && readSample('claim.seconds', claim.claim.seconds, SECONDS);
  const baseSeconds = baseline && readSample('baseline.seconds', baseline.seconds, SECONDS);
  const baseLoss = baseline?.loss && readSample('baseline.loss', baseline.loss, LOSS);
  const problems = [loss, seconds, baseSeconds, baseLoss].flatMap((reading) => reading?.problems ?? []);
  if (loss.sample && seconds?.sample && loss.sample.n !== seconds.sample.n)
    problems.push(
      `claim.loss has ${runs(loss.sample.n)} and claim.seconds ${runs(seconds.sample.n)}: every run counts for both`,
    );
  if (loss.sample === undefined || problems.length > 0) return unusable(contract, problems);

  const target = checkTarget(loss.sample);
  const time = checkTime(seconds?.sample, baseSeconds?.sample, baseline?.sameHardware);
  const findings = [target, time];
  const outcome =
    target.is === 'refuted' || target.is === 'open' || time.is === 'refuted'
      ? 'rejected'
      : target.is === 'unusable'
        ? 'unusable'
        : time.is === 'open'
          ? 'valid-but-not-pairwise-significant'
          : 'accepted';
  return {
    contract,
    outcome,
    reasons: findings.map(({ reason }) => reason),
    warnings: lossWarnings(loss.sample, baseLoss?.sample),
    checks: findings.flatMap(({ check }) => check ?? []),
  };
}

function checkTarget(loss: SampleStatistics): Finding {
  const asked = `mean validation loss at most ${TARGET_LOSS}, one-sided t-test p < ${LEVEL}`;
  const seen = `the mean loss of ${runs(loss.n)} is ${digits(loss.mean, 5)}`;
  const numbers = { target: TARGET_LOSS, level: LEVEL, ...statisticsNumbers('loss', loss) };
  const untested = (passed: boolean): ClaimCheck => ({ name: 'loss', asked, passed, numbers });
  if (loss.mean > TARGET_LOSS)
    return { is: 'refuted', reason: `${seen}, above ${TARGET_LOSS}`, check: { ...untested(false), ...tested(loss) } };
  if (loss.n === 1)
    return { is: 'open', reason: `${seen}: one run can't be tested, whatever its loss`, check: untested(false) };
  const spread = asSpread(loss);
  if (spread === undefined) return { is: 'unusable', reason: `${seen}, but ${noSpread(loss)}`, check: untested(false) };
  const { t, df, p } = oneSampleFromSummary(spread, TARGET_LOSS);
  const words = `${seen} (sd ${digits(spread.sd, 5)}), below ${TARGET_LOSS} with ${pWords(p)}`;
  const check = { name: 'loss', asked, passed: p < LEVEL, numbers: { ...numbers, t, df, p } };
  return p < LEVEL
    ? { is: 'shown', reason: words, check }
    : { is: 'open', reason: `${words}: too few runs for p < ${LEVEL}`, check };

  /** Also where the mean alone decides: how far off it is. */
  function tested(sample: SampleStatistics): Partial<ClaimCheck> {
    const varies = asSpread(sample);
    if (varies === undefined) return {};
    const result = oneSampleFromSummary(varies, TARGET_LOSS);
    return { numbers: { ...numbers, t: result.t, df: result.df, p: result.p } };
  }
}

function checkTime(
  seconds: SampleStatistics | undefined,
  baseline: SampleStatistics | undefined,
  sameHardware: boolean | undefined,
): Finding {
  if (seconds === undefined) return { is: 'open', reason: 'no training times are given, so none are compared' };
  const seen = `${runs(seconds.n)} took ${digits(seconds.mean, 2)} s`;
  if (baseline === undefined) return { is: 'open', reason: `${seen}; no baseline is given to compare them with` };
  if (sameHardware !== true)
    return {
      is: 'open',
      reason: `${seen}; the baseline's ${digits(baseline.mean, 2)} s are from other hardware, so they are not compared`,
    };
  const asked = `faster than the baseline on the same hardware, one-sided Welch test p < ${LEVEL}`;
  const gain = baseline.mean - seconds.mean;
  const numbers = {
    level: LEVEL,
    gain,
    ...statisticsNumbers('seconds', seconds),
    ...statisticsNumbers('baselineSeconds', baseline),
  };
  const compared = `${seen}, the baseline ${digits(baseline.mean, 2)} s (${runs(baseline.n)})`;
  const untested: ClaimCheck = { name: 'time', asked, passed: false, numbers };
  if (gain <= 0) return { is: 'refuted', reason: `${compared}: it is not faster`, check: untested };
  if (seconds.n === 1 || baseline.n === 1)
    return { is: 'open', reason: `${compared}: one run a side can't be tested`, check: untested };
  const [left, right] = [asSpread(seconds), asSpread(baseline)];
  if (left === undefined || right === undefined)
    return { is: 'open', reason: `${compared}, but ${noSpread(left ? baseline : seconds)}`, check: untested };
  const { t, df, p, low, high } = welchFromSummary(left, right);
  const check = {
    name: 'time',
    asked,
    passed: p < LEVEL,
    numbers: { ...numbers, t: -t, df, p, gainLow: -high, gainHigh: -low },
  };
  const words = `${compared}: ${digits(gain, 2)} s faster, Welch t = ${digits(-t, 1)}, ${pWords(p)}`;
  return { is: p < LEVEL ? 'shown' : 'open', reason: words, check };
}

/** "A record that consumes the buffer below 3.28 must beat a plain cut of steps": discretionary reason 2 of the same rules. */
function lossWarnings(loss: SampleStatistics, baseline: SampleStatistics | undefined): string[] {
  if (baseline === undefined || loss.mean <= baseline.mean) return [];
  return [
    `its mean loss is ${digits(loss.mean - baseline.mean, 5)} above the baseline's ${digits(baseline.mean, 5)}: part of the time may be bought with loss`,
  ];
}

/** A spread of exactly 0 gives p = 0 whatever was measured: it is not believed. */
function asSpread({ n, mean, sd }: SampleStatistics): Spread | undefined {
  return sd !== undefined && sd > 0 && n > 1 ? { n, mean, sd } : undefined;
}

function noSpread({ sd }: SampleStatistics): string {
  return sd === 0
    ? 'the runs do not vary at all, so nothing can be tested: are they copies of one run?'
    : 'no standard deviation is published, so nothing can be tested';
}
