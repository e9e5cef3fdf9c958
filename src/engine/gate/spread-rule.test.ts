import { describe, expect, test } from 'vitest';
import { HandMadeCampaign } from '../../domain/hand-made-campaign.fixture.ts';
import { createRandom } from '../../stats/random.ts';
import { createSequentialTest, logEValue, observeDifferences } from '../../stats/sequential-test.ts';
import { pairwiseRule, spreadRule } from './confirm-rules.ts';
import { confirmStep } from './confirm.ts';
import { neededReplicationEvidence } from './level.ts';
import { moderatedPairedTest } from './moderated-test.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';
import type { GateStep } from './step.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize' };
/** One trial varies by 1, so a difference of two has variance 2; a gain of 1 is one sigma. */
const KNOWN = { variance: 2, tau: 1 };

/** A confirmation by hand, at level 0.001, where a pair is known to vary by 0.14. */
function confirmed(replication: readonly number[], confirmation: readonly number[]): GateStep {
  const campaign = new HandMadeCampaign();
  const id = campaign.propose();
  campaign.passScreen(id);
  campaign.gains(id, 'replicate', ...replication);
  campaign.passReplication(id);
  campaign.gains(id, 'confirm', ...confirmation);
  return confirmStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES);
}

/** What the rule says of hand-made gains at KNOWN. */
function ruled(replication: readonly number[], confirmation: readonly number[], level = 0.001) {
  return spreadRule({ replication, confirmation }, { ...KNOWN, level }, RULES);
}

describe('the spread rule of a confirmation', () => {
  test('pairs that vary as others do: it holds, in words and numbers, and nothing changes', () => {
    expect(confirmed([0.5, 0.6, 0.4], [0.4, 0.6, 0.5, 0.3, 0.7, 0.5])).toMatchObject({
      verdict: {
        kind: 'keep',
        evidence: {
          rules: [
            { rule: 'pairwise', holds: true },
            {
              rule: 'spread',
              holds: true,
              detail: expect.stringMatching(
                /^its 9 pairs vary 0\.93 times as much as others \(chi-square p = 0\.\d+\)$/,
              ),
            },
          ],
        },
      },
    });
  });

  test('a gain that is no more than its own noise is a near miss, though the paired test passes at its level', () => {
    const step = confirmed([0.5, 0.5, 0.5], [1, 0.1, 0.9, 0.05, 1.1, 0.2]);
    expect(step).toMatchObject({
      verdict: {
        kind: 'near-miss',
        stage: 'confirm',
        reasons: [
          expect.stringMatching(
            /its 9 pairs vary 2\.9 times as much as others .* replication is worth an e-value of 2 and .* p = 0\.006\d; needed p ≤ 0\.002$/,
          ),
        ],
        evidence: {
          rules: [
            { rule: 'pairwise', holds: true },
            { rule: 'spread', holds: false },
          ],
        },
      },
    });
  });

  test('a noisier candidate that is truly better is kept', () => {
    expect(confirmed([5, 4.3, 4.6], [5, 4.1, 4.9, 4.05, 5.1, 4.2])).toMatchObject({ verdict: { kind: 'keep' } });
  });

  test('each stage is taken around its own mean: a gain that differs between them is no spread', () => {
    const wobble = [1, -1, 1, -1];
    const detail = (shift: number) =>
      ruled(
        wobble,
        wobble.map((gain) => gain + shift),
      ).detail.split(',')[0];
    expect(detail(50)).toBe(detail(0));
  });

  test('the replication pairs count too', () => {
    const steady = [4, 5, 4, 5, 4, 5];
    expect(ruled([4, 5], steady)).toMatchObject({ holds: true, detail: expect.not.stringContaining('the rest') });
    expect(ruled([-9, 19], steady).detail).toContain('the rest');
  });

  test('what confirmation has to bring lies between the level and the level of its own test', () => {
    const needed = (gain: number) =>
      Number(/needed p ≤ (.*)$/.exec(ruled([gain - 4, gain + 4, gain], [9, 1, 9, 1]).detail)?.[1]);
    expect(needed(0)).toBe(0.001);
    const between = needed(4);
    expect(between).toBeGreaterThan(0.001);
    expect(between).toBeLessThan(0.05);
    expect(needed(1000)).toBe(0.05);
  });

  test('it does not depend on the unit of the metric', () => {
    const replication = [3, 9, 1];
    const confirmation = [6, 1, 9, 2, 8, 4];
    const small = (gains: readonly number[]) => gains.map((gain) => gain * 1e-4);
    const scaled = spreadRule(
      { replication: small(replication), confirmation: small(confirmation) },
      { variance: KNOWN.variance * 1e-8, tau: KNOWN.tau * 1e-4, level: 0.001 },
      RULES,
    );
    expect(scaled).toEqual(ruled(replication, confirmation));
  });
});

interface Kept {
  /** By replication and the paired test alone. */
  readonly before: number;
  /** By all rules. */
  readonly now: number;
}

/** Share of candidates with this gain, whose pairs vary `ratio` times as known, that pass replication (never given up early) and confirmation. */
function kept(of: { gain: number; ratio: number; level: number; confirmPairs: number; runs: number }): Kept {
  const { gain, ratio, level, confirmPairs, runs } = of;
  const random = createRandom(JSON.stringify(of));
  const enough = Math.log(neededReplicationEvidence(level, RULES.confirmLevel));
  const draw = () => gain + Math.sqrt(KNOWN.variance * ratio) * random.normal();
  let [before, now] = [0, 0];
  for (let run = 0; run < runs; run += 1) {
    const replication: number[] = [];
    let seen = createSequentialTest(KNOWN);
    while (replication.length < RULES.maxPairs && logEValue(seen) < enough) {
      replication.push(draw());
      seen = observeDifferences(seen, replication.slice(-1));
    }
    if (logEValue(seen) < enough) continue;
    const confirmation = Array.from({ length: confirmPairs }, draw);
    if (!pairwiseRule(moderatedPairedTest(confirmation, KNOWN), RULES).holds) continue;
    before += 1;
    if (spreadRule({ replication, confirmation }, { ...KNOWN, level }, RULES).holds) now += 1;
  }
  return { before: before / runs, now: now / runs };
}

describe('simulated: no-ops that are noisier than their reference', () => {
  test.each([
    { level: 0.05, ratio: 1, times: 1 },
    { level: 0.05, ratio: 25, times: 1 },
    { level: 0.01, ratio: 1, times: 1 },
    { level: 0.01, ratio: 5, times: 1.1 },
    { level: 0.01, ratio: 9, times: 1.2 },
    { level: 0.01, ratio: 25, times: 1 },
    { level: 0.0017, ratio: 1, times: 1 },
    { level: 0.0017, ratio: 2, times: 1.1 },
    // The worst that there is with six pairs: their spread is not always seen.
    { level: 0.0017, ratio: 5, times: 2.4 },
    { level: 0.0017, ratio: 25, times: 1.4 },
  ])('$ratio times the variance, granted $level: kept at most $times times as often', ({ level, ratio, times }) => {
    const runs = level < 0.01 ? 12_000 : 4000;
    const { now } = kept({ gain: 0, ratio, level, confirmPairs: 6, runs });
    const bound = level * times;
    expect(now).toBeLessThan(bound + 3 * Math.sqrt((bound * (1 - bound)) / runs));
  });

  test('without the rule one in sixty with 25 times the variance is kept, ten times what was granted', () => {
    const { before, now } = kept({ gain: 0, ratio: 25, level: 0.0017, confirmPairs: 6, runs: 12_000 });
    expect(before).toBeGreaterThan(5 * 0.0017);
    expect(now).toBeLessThan(before / 3);
  });
});

describe('simulated: what the rule costs a candidate that is as noisy as its reference', () => {
  test.each([0.5, 1, 2, 3, 10])('a gain of %d sigma: at most two and a half points of power', (gain) => {
    for (const level of [0.01, 0.0017]) {
      const { before, now } = kept({ gain, ratio: 1, level, confirmPairs: 6, runs: 4000 });
      // Both see the same pairs, so the difference has little noise of its own.
      expect(before - now).toBeLessThan(0.025);
      if (gain === 10) expect(now).toBeGreaterThan(0.995);
    }
  });
});
