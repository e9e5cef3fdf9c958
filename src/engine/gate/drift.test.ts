import { describe, expect, test } from 'vitest';
import { chartSigma, observeReference, startDrift, type DriftRecord } from '../../domain/drift.ts';
import { CRASHED, HandMadeCampaign, measured, commit } from '../../domain/hand-made-campaign.fixture.ts';
import { BASELINE_EXPERIMENT } from '../../domain/ids.ts';
import { createRandom, type Random } from '../../stats/random.ts';
import { sigmaUpperBound } from '../../stats/noise-floor.ts';
import { mean, standardDeviation } from '../../stats/summary.ts';
import { remeasureNoise } from '../remeasure-noise.ts';
import { hasDrifted } from './drift.ts';
import { nextStep } from './gate.ts';
import { DEFAULT_GATE_RULES, type GateRules } from './rules.ts';

const RULES: GateRules = { ...DEFAULT_GATE_RULES, direction: 'minimize', baselineRuns: 3 };
const BASELINE = commit('baseline');

/** A chart as a campaign would have it: sigma and mean come from so many runs of the starting point. */
function calibrated(random: Random, runs: number): { drift: DriftRecord; sigma: number } {
  const values = Array.from({ length: runs }, () => 10 + random.normal());
  const sigma = standardDeviation(values);
  return {
    drift: startDrift(BASELINE, runs, mean(values)),
    sigma: chartSigma({ runs, sigma, sigmaUsed: sigmaUpperBound(sigma, runs - 1) }),
  };
}

function alarmed(drift: DriftRecord): boolean {
  const campaign = new HandMadeCampaign();
  return hasDrifted({ ...campaign.state, drift });
}

/** Runs of references until the chart alarms; a new champion takes the place of the reference every `every` runs. */
function runsUntilAlarm(random: Random, options: { runs: number; shift: number; most: number; every: number }): number {
  let { drift, sigma } = calibrated(random, options.runs);
  for (let run = 1; run <= options.most; run += 1) {
    const champion = Math.floor(run / options.every);
    const candidate = champion === 0 ? BASELINE : commit(`champion ${champion}`);
    const scored = run % 3 === 0 ? 'confirm' : 'search';
    const value = 10 - champion + options.shift + random.normal();
    drift = observeReference(drift, { candidate, scored, value, sigma });
    if (alarmed(drift)) return run;
  }
  return options.most;
}

describe('the chart', () => {
  test('on a quiet machine false alarms are as rare as stated: one in 560 runs of references', () => {
    const random = createRandom('quiet');
    let alarms = 0;
    let runs = 0;
    for (let campaign = 0; campaign < 60; campaign += 1) {
      for (let left = 1000; left > 0;) {
        const used = runsUntilAlarm(random, { runs: 20, shift: 0, most: left, every: 50 });
        if (used < left) alarms += 1;
        left -= used;
        runs += used;
      }
    }
    expect(runs / Math.max(1, alarms)).toBeGreaterThan(450);
  });

  test('a shift of three sigma is found within ten runs of references, nearly always', () => {
    const random = createRandom('shifted');
    const delays = Array.from({ length: 300 }, () =>
      runsUntilAlarm(random, { runs: 20, shift: 3, most: 40, every: 1000 }),
    );
    expect(delays.filter((delay) => delay <= 10).length / delays.length).toBeGreaterThan(0.97);
    expect(mean(delays)).toBeLessThan(5);
  });

  test('with six runs behind sigma it is found within ten runs four times out of five, and false alarms are no more', () => {
    const random = createRandom('six');
    const delays = Array.from({ length: 300 }, () =>
      runsUntilAlarm(random, { runs: 6, shift: 3, most: 40, every: 1000 }),
    );
    expect(delays.filter((delay) => delay <= 10).length / delays.length).toBeGreaterThan(0.8);
    const quiet = Array.from({ length: 150 }, () =>
      runsUntilAlarm(random, { runs: 6, shift: 0, most: 500, every: 50 }),
    );
    expect(quiet.filter((delay) => delay < 500).length).toBeLessThan(75);
  });

  test('a new champion is no drift, however much better it is: it has a mean of its own', () => {
    const random = createRandom('champions');
    const { drift, sigma } = calibrated(random, 20);
    let at = drift;
    for (let run = 0; run < 40; run += 1)
      at = observeReference(at, {
        candidate: commit('better'),
        scored: 'search',
        value: 2 + 0.1 * random.normal(),
        sigma,
      });
    expect(alarmed(at)).toBe(false);
    expect(at.points).toBe(39);
  });

  test('it remembers a bounded number of candidates', () => {
    let { drift } = calibrated(createRandom('many'), 20);
    for (let run = 0; run < 500; run += 1)
      drift = observeReference(drift, { candidate: commit(`c${run}`), scored: 'search', value: 1, sigma: 1 });
    expect(drift.references.length).toBeLessThanOrEqual(8);
  });
});

describe('in a campaign', () => {
  /** A campaign whose last twelve screening references were this much worse than the starting point was. */
  function drifted(by: number): HandMadeCampaign {
    const campaign = new HandMadeCampaign();
    for (let count = 0; count < 12; count += 1) {
      const id = campaign.propose({ reference: BASELINE });
      campaign.pair(id, 'screen', { candidate: measured(20), reference: measured(10 + by + 0.02 * (count % 2)) });
      campaign.conclude(id, 'discard');
    }
    return campaign;
  }

  test('a quiet one measures nothing again', () => {
    expect(remeasureNoise(drifted(0).state)).toBeUndefined();
  });

  test('a drifted one measures the champion again, says so, and judges no screen meanwhile', () => {
    const campaign = drifted(0.3);
    const waiting = campaign.propose();
    campaign.pair(waiting, 'screen', { candidate: measured(5), reference: measured(10.3) });
    const judged = (): unknown => nextStep({ state: campaign.state, experiment: campaign.experiment(waiting) }, RULES);
    expect(judged()).toEqual({ kind: 'wait' });
    const events = remeasureNoise(campaign.state) ?? [];
    expect(events[0]).toMatchObject({ type: 'note.written', kind: 'warning' });
    campaign.write(...events);
    // Once is enough.
    expect(remeasureNoise(campaign.state)).toBeUndefined();
    const [, proposed] = events;
    if (proposed?.type !== 'experiment.proposed') throw new Error('nothing was proposed');
    const id = proposed.experiment;
    const step = (): unknown => nextStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES);
    expect(step()).toEqual({ kind: 'plan', stage: 'baseline', pairs: 3 });
    for (const value of [10.2, 10.3, 10.4]) campaign.pair(id, 'baseline', { candidate: measured(value) });
    expect(step()).toMatchObject({ kind: 'conclude', verdict: { kind: 'keep' } });
    const noise = { runs: 3, mean: 10.3, sigma: 0.1, sigmaUsed: 0.15, trialSeconds: 1 };
    campaign.write({ type: 'noise.measured', ...noise, occasion: 'drift', candidate: BASELINE });
    campaign.conclude(id, 'keep');
    expect(hasDrifted(campaign.state)).toBe(false);
    expect(campaign.state.noise).toMatchObject({ ...noise, start: { runs: 20, mean: 10 } });
    expect(campaign.state.pairedDifferences).toEqual({ sumOfSquares: 0, degrees: 0 });
    expect(judged()).toMatchObject({ kind: 'pass', stage: 'screen' });
    // It measured, it tested no hypothesis.
    expect(campaign.state.tests.rejections).toBe(0);
    expect(campaign.state.verdictCounts.keep).toBe(0);
  });

  test('when it can not be measured, the old floor stands and the chart begins again', () => {
    const campaign = drifted(0.3);
    campaign.write(...(remeasureNoise(campaign.state) ?? []));
    const id = [...campaign.state.open].at(-1) ?? BASELINE_EXPERIMENT;
    for (let run = 0; run < 3; run += 1) campaign.pair(id, 'baseline', { candidate: CRASHED });
    expect(nextStep({ state: campaign.state, experiment: campaign.experiment(id) }, RULES)).toMatchObject({
      kind: 'conclude',
      verdict: { kind: 'failed' },
    });
    campaign.conclude(id, 'failed');
    expect(campaign.state.noise?.runs).toBe(20);
    expect(hasDrifted(campaign.state)).toBe(false);
  });
});
