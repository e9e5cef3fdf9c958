import { describe, expect, it } from 'vitest';
import { logGamma } from './gamma-function.ts';
import { normalDensity } from './normal.ts';
import { createRandom } from './random.ts';
import { createTMixture, observeTMixture, tMixtureLogEValue } from './t-mixture.ts';

/** exp(-n d^2/2) E[exp(d r W)], W chi with n df, mixed over d > 0 of 2 N(d; 0, 1): no closed form used. */
const integrated = (values: readonly number[]): number => {
  const n = values.length;
  const r =
    values.reduce((sum, value) => sum + value, 0) / Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const logChi = (w: number): number => (n - 1) * Math.log(w) - (w * w) / 2 - (n / 2 - 1) * Math.LN2 - logGamma(n / 2);
  let total = 0;
  for (let delta = 0.005; delta < 7; delta += 0.01) {
    for (let w = 0.01; w < 14; w += 0.02) {
      total += 2 * normalDensity(delta) * Math.exp(logChi(w) + delta * r * w - (n * delta * delta) / 2) * 0.01 * 0.02;
    }
  }
  return total;
};

const alarmRate = (theta: number, alternative: 'greater' | 'two-sided', runs: number): number => {
  const random = createRandom(`t-mixture ${theta} ${alternative}`);
  let alarms = 0;
  for (let run = 0; run < runs; run++) {
    let test = createTMixture({ effectScale: 1 });
    let isAlarm = false;
    for (let pair = 0; pair < 40 && !isAlarm; pair++) {
      test = observeTMixture(test, [theta + random.normal()]);
      isAlarm = tMixtureLogEValue(test, alternative) >= Math.log(20);
    }
    if (isAlarm) alarms++;
  }
  return alarms / runs;
};

describe('anytime-valid t-test', () => {
  it.each([[[0.3, 1.1, 0.8]], [[-0.4, 0.2, 0.1, -0.9]], [[1, 1.2]], [[-2, -1.5, -1.8, -2.2, -1]]])(
    'equals the numeric mixture for %j',
    (values) => {
      const test = observeTMixture(createTMixture({ effectScale: 1 }), values);
      expect(Math.exp(tMixtureLogEValue(test)) / integrated(values)).toBeCloseTo(1, 3);
    },
  );

  it('keeps alpha = 0.05 under optional stopping at and below no gain', () => {
    expect(alarmRate(0, 'greater', 2500)).toBeLessThan(0.05);
    expect(alarmRate(0, 'two-sided', 2500)).toBeLessThan(0.05);
    expect(alarmRate(-0.2, 'greater', 1000)).toBeLessThan(0.02);
    expect(alarmRate(1.2, 'greater', 300)).toBeGreaterThan(0.9);
  });

  it('does not depend on the scale, learns nothing from the first size, and stays at 1 for zeros', () => {
    const start = createTMixture({ effectScale: 1 });
    const values = [0.5, 1.5, -0.2];
    const scaled = values.map((value) => value * 1e-3);
    expect(tMixtureLogEValue(observeTMixture(start, scaled))).toBeCloseTo(
      tMixtureLogEValue(observeTMixture(start, values)),
      10,
    );
    expect(tMixtureLogEValue(observeTMixture(start, [3]))).toBeCloseTo(Math.log(1.5), 12);
    expect(tMixtureLogEValue(observeTMixture(start, [0, 0]))).toBe(0);
    expect(tMixtureLogEValue(observeTMixture(start, new Array<number>(500).fill(-4)))).toBeLessThan(-3);
    expect(tMixtureLogEValue(observeTMixture(start, new Array<number>(5000).fill(4)))).toBeGreaterThan(1000);
  });
});
