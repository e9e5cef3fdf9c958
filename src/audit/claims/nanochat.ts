import { pairedTTest } from '../../stats/t-test.ts';
import { type ClaimCheck, type NanochatClaim, type NanochatSide, type Verification, unusable } from './claim.ts';
import { BITS_PER_BYTE, type SampleStatistics, readSample, statisticsNumbers } from './sample.ts';
import { type SummaryTest, welchFromSummary } from './summary-test.ts';
import { digits, pWords, runs } from './words.ts';

/** The benchmark has no rule of its own: its published keep is a bare `<`. That of the speedrun is asked instead. */
const LEVEL = 0.01;
/** Below this, the spread itself is poorly known. */
const FEW_RUNS = 5;
/** What binary fractions leave of differences that are all the same. */
const ROUNDING = 1e-12;

/**
 * NanoChat autoresearch (karpathy/autoresearch): validation bits per byte after 300 s of training, lower is better.
 *
 * Several seeds on both sides, on the same hardware since the budget is time, and a gain over the baseline by Welch's test, or by the paired
 * t-test where runs share seeds, one-sided p < 0.01. A single seed is never a claim.
 */
export function checkNanochat({ contract, claim, baseline, paired }: NanochatClaim): Verification {
  const mine = readSample('claim.bpb', claim.bpb, BITS_PER_BYTE);
  const theirs = readSample('baseline.bpb', baseline.bpb, BITS_PER_BYTE);
  const problems = [...(mine.problems ?? []), ...(theirs.problems ?? [])];
  if (!mine.sample || !theirs.sample || problems.length > 0) return unusable(contract, problems);
  problems.push(...seedProblems('claim', claim, mine.sample), ...seedProblems('baseline', baseline, theirs.sample));
  if (paired) problems.push(...pairProblems(mine.sample, theirs.sample));
  if (!baseline.sameHardware)
    problems.push('the baseline ran on other hardware: with a budget of time, its numbers can not be compared');
  if (problems.length > 0) return unusable(contract, problems);

  const sides = { claim: mine.sample, baseline: theirs.sample };
  const gain = theirs.sample.mean - mine.sample.mean;
  const numbers = {
    level: LEVEL,
    gain,
    ...statisticsNumbers('bpb', mine.sample),
    ...statisticsNumbers('baselineBpb', theirs.sample),
  };
  const asked = `several seeds a side, gain in ${paired ? 'a paired t-test' : "Welch's test"} with one-sided p < ${LEVEL}`;
  const untested: ClaimCheck = { name: 'gain', asked, passed: false, numbers };
  const reject = (reasons: readonly string[]): Verification => ({
    contract,
    outcome: 'rejected',
    reasons,
    warnings: [],
    checks: [untested],
  });
  const seen = `${digits(mine.sample.mean, 6)} (${runs(mine.sample.n)}) against ${digits(theirs.sample.mean, 6)} (${runs(theirs.sample.n)})`;
  const single = [...singleSeed('claim', claim, mine.sample), ...singleSeed('baseline', baseline, theirs.sample)];
  if (single.length > 0) return reject([seen, ...single]);
  if (gain <= 0) return reject([`${seen}: it is not better`]);

  const test = testGain(mine.sample, theirs.sample, paired);
  if (typeof test === 'string') return { ...unusable(contract, [`${seen}, but ${test}`]), checks: [untested] };
  const passed = test.p < LEVEL;
  const interval = { gainLow: -test.high, gainHigh: -test.low };
  const words = `${seen}: gain ${digits(gain, 6)}, 95 % interval ${digits(interval.gainLow, 6)} to ${digits(interval.gainHigh, 6)}, ${pWords(test.p)}`;
  return {
    contract,
    outcome: passed ? 'accepted' : 'rejected',
    reasons: [passed ? words : `${words}: not told from noise`],
    warnings: gainWarnings(gain, sides),
    checks: [{ name: 'gain', asked, passed, numbers: { ...numbers, t: -test.t, df: test.df, p: test.p, ...interval } }],
  };
}

/** The test of claim less baseline, or why there is none. */
function testGain(claim: SampleStatistics, baseline: SampleStatistics, paired: boolean): SummaryTest | string {
  if (paired) {
    const [left, right] = [claim.values ?? [], baseline.values ?? []];
    const one = pairedTTest(left, right, { alternative: 'less' });
    const { interval } = pairedTTest(left, right);
    if (one.standardError < ROUNDING) return 'the differences do not vary at all: are the runs copies?';
    return { ...one, difference: one.estimate, low: interval.low, high: interval.high };
  }
  if (claim.sd === undefined || baseline.sd === undefined)
    return 'no standard deviation is published, so the gain can not be compared with the noise';
  if (claim.sd === 0 || baseline.sd === 0)
    return 'the runs of one side do not vary at all: are they copies of one run?';
  return welchFromSummary({ ...claim, sd: claim.sd }, { ...baseline, sd: baseline.sd });
}

function singleSeed(side: string, { seeds }: NanochatSide, { n }: SampleStatistics): string[] {
  if (n === 1)
    return [`the ${side} is a single seed, which is never a claim: nothing says how far the next seed would fall`];
  const different = new Set(seeds).size;
  if (seeds === undefined || different === n) return [];
  return [
    `the ${n} runs of the ${side} have only ${different} different seed${different === 1 ? '' : 's'}: each seed counts once`,
  ];
}

function pairProblems(claim: SampleStatistics, baseline: SampleStatistics): string[] {
  if (claim.n !== baseline.n) return [`paired runs come in pairs, and there are ${claim.n} and ${baseline.n}`];
  if (claim.values === undefined || baseline.values === undefined)
    return ['a paired test needs every value of both sides'];
  return [];
}

function seedProblems(side: string, { seeds }: NanochatSide, { n }: SampleStatistics): string[] {
  if (seeds === undefined || seeds.length === n) return [];
  return [`${side}.seeds has ${seeds.length} seeds for ${runs(n)}`];
}

function gainWarnings(
  gain: number,
  sides: { readonly claim: SampleStatistics; readonly baseline: SampleStatistics },
): string[] {
  const spread = Math.max(sides.claim.sd ?? 0, sides.baseline.sd ?? 0);
  const warnings = Object.entries(sides)
    .filter(([, { n }]) => n < FEW_RUNS)
    .map(([side, { n }]) => `with ${runs(n)} of the ${side}, its spread is poorly known`);
  if (gain < spread)
    warnings.push(
      `the gain ${digits(gain, 6)} is smaller than the spread of single runs (sd ${digits(spread, 6)}): one run a side would not show it`,
    );
  return warnings;
}
