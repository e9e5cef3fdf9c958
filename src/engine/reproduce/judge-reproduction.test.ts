import { expect, test } from 'vitest';
import type { Pair } from '../../domain/pairs.ts';
import type { FailureKind, TrialOutcome } from '../../domain/trial.ts';
import { DEFAULT_GATE_RULES, type GateRules } from '../gate/rules.ts';
import { judgeReproduction } from './judge-reproduction.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', minimumGain: 0.05 };
const CLAIM = { confirmMeanGain: 1, confirmInterval: { low: 0.8, high: 1.2 } };

function measured(value: number, metrics: Record<string, number> = {}): TrialOutcome {
  return { status: 'succeeded', result: { value, metrics, checks: [] }, facts: {} };
}

function failed(failure: FailureKind, suspected = false): TrialOutcome {
  return { status: 'failed', failure, reason: 'it went wrong', ...(suspected ? { suspected } : {}), facts: {} };
}

function pairs(gains: readonly number[], hidden?: readonly number[]): readonly Pair[] {
  return gains.map((gain, index) => ({
    pair: index + 1,
    candidate: measured(10 - gain, hidden ? { hidden: 5 - (hidden[index] ?? 0) } : {}),
    reference: measured(10, hidden ? { hidden: 5 } : {}),
  }));
}

test('a gain that is there again holds, and is compared with what was claimed', () => {
  expect(judgeReproduction(pairs([1, 1.1, 0.9, 1.05]), RULES, CLAIM)).toMatchObject({
    kind: 'holds',
    pairs: 4,
    isConsistent: true,
    gain: expect.closeTo(1.0125, 6),
  });
});

test('a real gain that is far from the claimed one holds, and it is said', () => {
  const found = judgeReproduction(pairs([0.2, 0.21, 0.19, 0.2]), RULES, CLAIM);
  expect(found).toMatchObject({ kind: 'holds', isConsistent: false });
  expect(found.reasons.at(-1)).toContain('NOT consistent');
});

test('no claim, no comparison', () => {
  expect(judgeReproduction(pairs([1, 1.1, 0.9]), RULES, {})).not.toHaveProperty('isConsistent');
});

test.each([
  ['nothing', [0, 0, 0, 0]],
  ['noise', [1, -1, 0.5, -0.4]],
  ['less than the smallest gain of interest', [0.04, 0.041, 0.039, 0.04]],
  ['a loss', [-1, -1.1, -0.9, -1]],
])('%s does not hold', (_, gains) => {
  expect(judgeReproduction(pairs(gains), { ...RULES, finalPairs: 4 }, CLAIM).kind).toBe('does-not-hold');
});

test('no gain in too few pairs is unclear where the claim is not ruled out, and does not hold where it is', () => {
  const noise = pairs([1, -1, 0.5, -0.4]);
  const found = judgeReproduction(noise, RULES, CLAIM);
  expect(found).toMatchObject({ kind: 'unclear', pairs: 4, isConsistent: true, gain: expect.closeTo(0.025, 6) });
  expect(found.reasons[0]).toContain('4 of 6 pairs');
  expect(judgeReproduction(pairs([0, 0.01, -0.01, 0]), RULES, CLAIM)).toMatchObject({
    kind: 'does-not-hold',
    isConsistent: false,
  });
  // Nothing is claimed, so nothing speaks for it.
  expect(judgeReproduction(noise, RULES, {}).kind).toBe('does-not-hold');
  expect(judgeReproduction(pairs([1, 1.1, 0.9, 1.05]), RULES, CLAIM).kind).toBe('holds');
});

test('a gain that is not on the hidden split does not hold', () => {
  const rules: GateRules = { ...RULES, holdoutMetric: 'hidden', finalPairs: 3 };
  expect(judgeReproduction(pairs([1, 1.1, 0.9], [0.5, 0.6, 0.5]), rules, CLAIM).kind).toBe('holds');
  expect(judgeReproduction(pairs([1, 1.1, 0.9], [-0.5, -0.6, -0.5]), rules, CLAIM).kind).toBe('does-not-hold');
  expect(judgeReproduction(pairs([1, 1.1, 0.9]), rules, CLAIM).kind).toBe('does-not-hold');
});

test('a removal has only to be not worse, which is what it claims', () => {
  const removal = { claim: 'not-worse', carries: { gain: 0.01, interval: { low: -0.02, high: 0.04 } } } as const;
  const harmless = pairs([0.01, -0.01, 0.005, -0.02]);
  expect(judgeReproduction(harmless, RULES, removal)).toMatchObject({ kind: 'holds', isConsistent: true });
  expect(judgeReproduction(harmless, RULES, CLAIM).kind).toBe('does-not-hold');
  expect(judgeReproduction(pairs([-0.3, -0.31, -0.29]), RULES, removal)).toMatchObject({
    kind: 'does-not-hold',
    isConsistent: false,
  });
});

test('known spread of this machine sharpens, noise of its own counts nevertheless', () => {
  const gains = [0.5, 0.3, 0.1];
  const alone = judgeReproduction(pairs(gains), RULES, {});
  const known = judgeReproduction(pairs(gains), RULES, {}, { variance: 0.05 });
  if (alone.kind === 'unclear' || known.kind === 'unclear') throw new Error('both were measured');
  expect(known.p).toBeLessThan(alone.p ?? 0);
  expect(judgeReproduction(pairs([2, -1, 0.8]), RULES, {}, { variance: 0.0001 }).kind).toBe('does-not-hold');
});

test.each(['crash', 'timeout', 'out-of-memory', 'invalid-metric', 'output-limit', 'build'] as const)(
  'one %s of the candidate is enough',
  (failure) => {
    const [first, ...rest] = pairs([1, 1, 1]);
    const found = judgeReproduction([{ ...first, pair: 1, candidate: failed(failure) }, ...rest], RULES, CLAIM);
    expect(found.kind).toBe('does-not-hold');
    expect(found).not.toHaveProperty('gain');
  },
);

test('an audit that fires is the candidate, whatever the failure is called', () => {
  const [first, ...rest] = pairs([1, 1, 1]);
  const found = judgeReproduction([{ ...first, pair: 1, candidate: failed('unguarded', true) }, ...rest], RULES, CLAIM);
  expect(found.kind).toBe('does-not-hold');
});

test.each(['lost', 'disk-full', 'unguarded'] as const)('%s says nothing of the candidate', (failure) => {
  const [first, ...rest] = pairs([1, 1, 1]);
  const found = judgeReproduction([{ ...first, pair: 1, candidate: failed(failure) }, ...rest], RULES, CLAIM);
  expect(found.kind).toBe('unclear');
});

test('a reference that fails, and pairs that did not run, say nothing', () => {
  const [first, ...rest] = pairs([1, 1, 1]);
  expect(judgeReproduction([{ ...first, pair: 1, reference: failed('crash') }, ...rest], RULES, CLAIM).kind).toBe(
    'unclear',
  );
  expect(judgeReproduction([{ pair: 1 }, ...rest], RULES, CLAIM).kind).toBe('unclear');
  expect(judgeReproduction([], RULES, CLAIM).kind).toBe('unclear');
  expect(judgeReproduction(pairs([1]), RULES, CLAIM).kind).toBe('unclear');
});
