import { expect, test } from 'vitest';
import { oneSampleTTest, welchTTest } from '../../stats/t-test.ts';
import { mean, standardDeviation } from '../../stats/summary.ts';
import { checkClaim } from './check-claim.ts';
import type { ClaimOutcome, Measured, NanochatClaim, Track1Claim, Track3Claim, Verification } from './claim.ts';
import { verifyPublicCases } from './load-claim.ts';
import { oneSampleFromSummary, welchFromSummary } from './summary-test.ts';

const LOSSES = [3.2783, 3.2771, 3.2792, 3.2786, 3.2779, 3.2788];
const TIMES = [77.2, 77.4, 77.3, 77.5, 77.1, 77.3];
const BASELINE = { seconds: [80.4, 80.7, 80.5, 80.6], sameHardware: true };

const track1 = (loss: Measured, more: Partial<Track1Claim['claim']> = {}, baseline = BASELINE): Verification =>
  checkClaim({ contract: 'speedrun-track-1', claim: { loss, seconds: TIMES, ...more }, baseline });
const track3 = (claim: Track3Claim['claim'], predecessor?: Track3Claim['predecessor']): Verification =>
  checkClaim({ contract: 'speedrun-track-3', claim, predecessor });
const nanochat = (bpb: Measured, baseline: Measured, more: Partial<NanochatClaim> = {}): Verification =>
  checkClaim({
    contract: 'nanochat',
    claim: { bpb },
    baseline: { bpb: baseline, sameHardware: true },
    paired: false,
    ...more,
  });
const summaryOf = (values: readonly number[]): { n: number; mean: number; sd: number } => ({
  n: values.length,
  mean: mean(values),
  sd: standardDeviation(values),
});
const numberOf = (verification: Verification, check: number, key: string): number =>
  verification.checks[check]?.numbers[key] ?? Number.NaN;

test('every public claim that ships comes out as expected', async () => {
  const cases = await verifyPublicCases();
  expect(cases.map(({ name, verification }) => [name, verification.outcome])).toEqual(
    cases.map(({ name, expected }) => [name, expected]),
  );
  expect(cases.every(({ title, source }) => title !== '' && source.startsWith('https://'))).toBe(true);
  const of = (wanted: string): Verification | undefined => cases.find(({ name }) => name === wanted)?.verification;
  for (const name of ['speedrun-1-recursive-322', 'speedrun-1-recursive-322-logs']) {
    const verification = of(name);
    expect(verification?.checks[0]?.numbers['p']).toBeCloseTo(0.0078, 4);
    expect(verification?.checks[1]?.numbers['t']).toBeCloseTo(36.8, 1);
    expect(verification?.checks[1]?.numbers['gain']).toBeCloseTo(3.27, 2);
    expect(verification?.warnings).toEqual([expect.stringContaining('bought with loss')]);
  }
  expect(of('speedrun-1-hyra')?.checks[0]?.numbers).toMatchObject({ lossN: 3, t: expect.closeTo(0.0497, 3) });
  expect(of('speedrun-1-pr-342')?.checks[0]?.numbers['p']).toBeCloseTo(0.00067, 4);
  // Published with the record: mean 3.27854062, p = 3.55e-6.
  expect(of('speedrun-3-record-11')?.checks[0]?.numbers['p']).toBeCloseTo(3.55e-6, 8);
  expect(of('speedrun-3-record-12')?.checks[1]?.numbers['statistic']).toBeCloseTo(0.00648, 5);
});

test('tests of statistics equal tests of the values', () => {
  const one = oneSampleFromSummary(summaryOf(LOSSES), 3.28);
  expect(one).toMatchObject(
    Object.fromEntries(
      Object.entries(oneSampleTTest(LOSSES, { nullValue: 3.28, alternative: 'less' }))
        .filter(([key]) => ['t', 'df', 'p', 'standardError'].includes(key))
        .map(([key, value]) => [key, expect.closeTo(value as number, 10)]),
    ),
  );
  const other = welchTTest(TIMES, BASELINE.seconds, { alternative: 'less' });
  const welch = welchFromSummary(summaryOf(TIMES), summaryOf(BASELINE.seconds));
  for (const key of ['t', 'df', 'p', 'standardError'] as const) expect(welch[key]).toBeCloseTo(other[key], 8);
  const { low, high } = welchTTest(TIMES, BASELINE.seconds).interval;
  expect([welch.low, welch.high]).toEqual([expect.closeTo(low, 8), expect.closeTo(high, 8)]);
});

test('track 1 accepts a loss and a time that are both shown', () => {
  const verification = track1(LOSSES);
  expect(verification.outcome).toBe('accepted');
  expect(track1(summaryOf(LOSSES)).checks).toEqual(
    verification.checks.map((check) => ({
      ...check,
      numbers: Object.fromEntries(Object.entries(check.numbers).map(([key, value]) => [key, expect.closeTo(value, 9)])),
    })),
  );
});

test.each<[string, ClaimOutcome, Verification, string]>([
  ['one run below the target', 'rejected', track1([3.27], { seconds: [77] }), "one run can't be tested"],
  ['a mean above the target', 'rejected', track1([3.2783, 3.2827, 3.2792], { seconds: undefined }), 'above 3.28'],
  ['too few runs', 'rejected', track1([3.278, 3.2799], { seconds: undefined }), 'too few runs'],
  ['a slower time', 'rejected', track1(LOSSES, { seconds: TIMES.map((time) => time + 10) }), 'not faster'],
  ['runs that never vary', 'unusable', track1([3.27, 3.27, 3.27], { seconds: undefined }), 'do not vary'],
  ['no published spread', 'unusable', track1({ n: 6, mean: 3.27 }), 'no standard deviation'],
  ['a loss that is not a number', 'unusable', track1([...LOSSES.slice(1), Number.NaN]), 'claim.loss[5] is NaN'],
  ['an infinite loss', 'unusable', track1([...LOSSES.slice(1), Infinity]), 'finite'],
  ['milliseconds', 'unusable', track1(LOSSES, { seconds: TIMES.map((time) => time * 1000) }), 'milliseconds'],
  ['minutes', 'unusable', track1(LOSSES, { seconds: TIMES.map((time) => time / 60) }), 'minutes'],
  ['perplexity', 'unusable', track1(LOSSES.map((loss) => Math.exp(loss))), 'perplexity'],
  ['a time less than losses', 'unusable', track1(LOSSES, { seconds: TIMES.slice(1) }), 'every run counts'],
  ['no runs', 'unusable', track1([], { seconds: undefined }), 'no runs'],
  ['a negative spread', 'unusable', track1({ n: 6, mean: 3.278, sd: -1 }), 'claim.loss.sd'],
  ['half a run', 'unusable', track1({ n: 2.5, mean: 3.278, sd: 0.001 }), 'claim.loss.n'],
])('track 1: %s is %s', (_what, outcome, verification, reason) => {
  expect(verification.outcome).toBe(outcome);
  expect(verification.reasons.join('\n')).toContain(reason);
});

test('runs that never vary prove nothing, however many', () => {
  const copies = Array.from({ length: 7 }, () => 3.2785);
  expect(track1(copies, { seconds: undefined }).outcome).toBe('unusable');
  const baseline = [0.951, 0.957, 0.962, 0.9533, 0.9571];
  const shifted = baseline.map((value) => value - 0.01);
  expect(nanochat(shifted, baseline, { paired: true }).outcome).toBe('unusable');
});

test('track 1: a loss without a comparable time is valid, no more', () => {
  const open = 'valid-but-not-pairwise-significant';
  expect(track1(LOSSES, { seconds: undefined }).outcome).toBe(open);
  expect(checkClaim({ contract: 'speedrun-track-1', claim: { loss: LOSSES, seconds: TIMES } }).outcome).toBe(open);
  expect(track1(LOSSES, {}, { ...BASELINE, sameHardware: false })).toMatchObject({
    outcome: open,
    reasons: [expect.any(String), expect.stringContaining('other hardware')],
  });
  expect(track1(LOSSES, {}, { ...BASELINE, seconds: [80] }).outcome).toBe(open);
  expect(track1(LOSSES, {}, { ...BASELINE, seconds: [70, 77.5, 86] }).outcome).toBe(open);
});

test('track 3: the threshold means 0.004, also where binary fractions fall just short', () => {
  expect((3.28 - 3.279) * Math.sqrt(16)).toBeLessThan(0.004);
  expect(track3({ loss: { n: 16, mean: 3.279 }, steps: 3000 }).outcome).toBe('accepted');
  expect(track3({ loss: [3.276], steps: 3000 }).outcome).toBe('accepted');
  expect(track3({ loss: [3.27601], steps: 3000 }).outcome).toBe('rejected');
  expect(track3({ loss: [3.27, Number.NaN], steps: 3000 }).outcome).toBe('unusable');
  expect(track3({ loss: [3.27], steps: 0 })).toMatchObject({
    outcome: 'unusable',
    reasons: [/* steps */ expect.stringContaining('claim.steps')],
  });
});

test.each([
  // Result, predecessor and p as the page of the track publishes them, from means of four decimals.
  [{ n: 16, mean: 3.2785, steps: 3225 }, { n: 8, mean: 3.2771, steps: 3250 }, 0.69],
  [{ n: 10, mean: 3.2785, steps: 3210 }, { n: 16, mean: 3.2785, steps: 3225 }, 0.099],
  [{ n: 10, mean: 3.2785, steps: 3210 }, { n: 10, mean: 3.2778, steps: 3250 }, 0.029],
  [{ n: 8, mean: 3.2784, steps: 3125 }, { n: 4, mean: 3.2776, steps: 3150 }, 0.34],
])('track 3: a pair that the page calls not significant gets its p value', (claim, predecessor, p) => {
  const side = ({ steps, ...loss }: typeof claim): Track3Claim['claim'] => ({ loss, steps });
  const verification = track3(side(claim), side(predecessor));
  expect(verification.outcome).toBe('valid-but-not-pairwise-significant');
  expect(Number(numberOf(verification, 1, 'p').toPrecision(2))).toBeCloseTo(p, 3);
});

test('track 3 warns of runs that vary more than the rule assumes', () => {
  expect(track3({ loss: [3.27, 3.28, 3.265, 3.275], steps: 3000 }).warnings).toEqual([
    expect.stringContaining('more than the 0.0013'),
  ]);
  expect(track3({ loss: LOSSES, steps: 3000 }).warnings).toEqual([]);
});

test('nanochat: several seeds a side and a gain that is told from noise', () => {
  const verification = nanochat([0.951, 0.9514, 0.9508, 0.9511, 0.9513], [0.96, 0.9603, 0.9598, 0.9605, 0.9601]);
  expect(verification).toMatchObject({ outcome: 'accepted', warnings: [] });
  expect(numberOf(verification, 0, 'gainLow')).toBeGreaterThan(0.0085);
  expect(numberOf(verification, 0, 'gainHigh')).toBeLessThan(0.0095);
});

test('nanochat: a gain below the spread of single runs is accepted with a warning', () => {
  const baseline = Array.from({ length: 40 }, (_, run) => 0.96 + ((run * 7) % 10) * 1e-4);
  const verification = nanochat(
    baseline.map((value) => value - 2.5e-4),
    baseline,
  );
  expect(verification.outcome).toBe('accepted');
  expect(verification.warnings).toEqual([expect.stringContaining('smaller than the spread')]);
});

test('nanochat: pairs see what the spread hides', () => {
  const baseline = [0.95, 0.97, 0.96, 0.98, 0.955];
  const claim = baseline.map((value, run) => value - 0.002 - run * 1e-4);
  expect(nanochat(claim, baseline).outcome).toBe('rejected');
  expect(nanochat(claim, baseline, { paired: true }).outcome).toBe('accepted');
  expect(nanochat(claim.slice(1), baseline, { paired: true }).outcome).toBe('unusable');
  expect(nanochat(summaryOf(claim), baseline, { paired: true }).outcome).toBe('unusable');
});

test.each<[string, ClaimOutcome, Verification, string]>([
  ['a single seed', 'rejected', nanochat([0.9], [0.96, 0.961, 0.962]), 'never a claim'],
  ['a single baseline', 'rejected', nanochat([0.9, 0.901, 0.902], [0.96]), 'the baseline is a single seed'],
  ['a worse mean', 'rejected', nanochat([0.97, 0.971], [0.96, 0.961]), 'not better'],
  ['no published spread', 'unusable', nanochat({ n: 10, mean: 0.91 }, [0.96, 0.961]), 'no standard deviation'],
  ['nats per token', 'unusable', nanochat([3.28, 3.27], [0.96, 0.961]), 'nats per token'],
  ['copies of one run', 'unusable', nanochat([0.9, 0.9, 0.9], [0.96, 0.961]), 'copies'],
])('nanochat: %s is %s', (_what, outcome, verification, reason) => {
  expect(verification.outcome).toBe(outcome);
  expect(verification.reasons.join('\n')).toContain(reason);
});

test('nanochat: one seed run often is one seed, and other hardware is no baseline', () => {
  const bpb = [0.9001, 0.9003, 0.8999];
  const baseline = { bpb: [0.96, 0.961, 0.962], sameHardware: true };
  expect(nanochat(bpb, [], { claim: { bpb, seeds: [42, 42, 42] }, baseline })).toMatchObject({
    outcome: 'rejected',
    reasons: [expect.any(String), expect.stringContaining('only 1 different seed')],
  });
  expect(nanochat(bpb, [], { claim: { bpb, seeds: [1, 2] }, baseline }).outcome).toBe('unusable');
  expect(nanochat(bpb, [], { claim: { bpb, seeds: [1, 2, 3] }, baseline }).outcome).toBe('accepted');
  expect(nanochat(bpb, [], { baseline: { ...baseline, sameHardware: false } }).outcome).toBe('unusable');
});
