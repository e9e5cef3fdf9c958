import { describe, expect, it } from 'vitest';
import { createRandom } from '../stats/random.ts';
import { chooseArm, createArm, recordPull, type Arm } from './bandit.ts';

type Truth = Readonly<Record<string, { rate: number; gain: number; costSeconds: number }>>;

/** Plays on, and counts the choices of the last `counted` pulls. */
const play = (arms: readonly Arm[], truth: Truth, pulls: number, seed: string, counted = pulls) => {
  const random = createRandom(seed);
  let played = arms;
  const counts: Record<string, number> = {};
  for (let pull = 0; pull < pulls; pull++) {
    const { armId } = chooseArm({ arms: played, random });
    const law = truth[armId] ?? { rate: 0, gain: 0, costSeconds: 1 };
    const gain = random.uniform() < law.rate ? law.gain * random.gamma(2) : 0;
    played = recordPull(played, { armId, gain, costSeconds: law.costSeconds * (0.5 + random.uniform()) });
    if (pull >= pulls - counted) counts[armId] = (counts[armId] ?? 0) + 1;
  }
  return { arms: played, counts };
};

const arms = ['tune', 'invent', 'combine', 'ablate'].map((id) => createArm(id));

describe('bandit over operators', () => {
  it('concentrates on the best gain per second, not on the biggest gain', () => {
    const truth: Truth = {
      tune: { rate: 0.3, gain: 0.001, costSeconds: 100 },
      invent: { rate: 0.3, gain: 0.002, costSeconds: 1000 },
      combine: { rate: 0.05, gain: 0.001, costSeconds: 100 },
      ablate: { rate: 0.02, gain: 0.001, costSeconds: 100 },
    };
    const shares = Array.from(
      { length: 10 },
      (_, seed) => (play(arms, truth, 300, `best ${seed}`, 150).counts['tune'] ?? 0) / 150,
    );
    expect(shares.reduce((sum, share) => sum + share, 0) / 10).toBeGreaterThan(0.6);
  });

  it('adapts when the best arm dries up', () => {
    const costSeconds = 60;
    const idle = { rate: 0.02, gain: 0.001, costSeconds };
    const before: Truth = {
      tune: { rate: 0.5, gain: 0.002, costSeconds },
      invent: { rate: 0.2, gain: 0.001, costSeconds },
      combine: idle,
      ablate: idle,
    };
    const after: Truth = { ...before, tune: { rate: 0, gain: 0, costSeconds } };
    let early = 0;
    let late = 0;
    for (let seed = 0; seed < 10; seed++) {
      const first = play(arms, before, 150, `wet ${seed}`, 50);
      early += (first.counts['tune'] ?? 0) / 500;
      late += (play(first.arms, after, 200, `dry ${seed}`, 100).counts['tune'] ?? 0) / 1000;
    }
    expect(early).toBeGreaterThan(0.6);
    expect(late).toBeLessThan(0.25);
  });

  it('gives every arm its floor', () => {
    const random = createRandom('floor');
    let played = arms;
    for (let pull = 0; pull < 60; pull++) {
      for (const arm of arms)
        played = recordPull(played, { armId: arm.id, gain: arm.id === 'tune' ? 1 : 0, costSeconds: 1 }, 1);
    }
    const counts: Record<string, number> = {};
    for (let draw = 0; draw < 4000; draw++) {
      const { armId } = chooseArm({ arms: played, random, floor: 0.05 });
      counts[armId] = (counts[armId] ?? 0) + 1;
    }
    for (const arm of arms) expect(counts[arm.id] ?? 0).toBeGreaterThan(0.035 * 4000);
    expect(counts['tune'] ?? 0).toBeGreaterThan(0.8 * 4000);
  });

  it('starts from priors and refuses what makes no sense', () => {
    const random = createRandom('prior');
    const biased = [
      createArm('a', { successRate: 0.9, strength: 50 }),
      createArm('b', { successRate: 0.05, strength: 50 }),
    ];
    const choices = Array.from({ length: 300 }, () => chooseArm({ arms: biased, random, floor: 0 }).armId);
    expect(choices.filter((id) => id === 'a').length).toBeGreaterThan(270);
    expect(() => chooseArm({ arms: [], random })).toThrow('arms must not be empty');
    expect(() => chooseArm({ arms, random, floor: 0.3 })).toThrow('floor must be between 0 and 1 / 4 arms, got 0.3');
    expect(() => recordPull(arms, { armId: 'x', gain: 0, costSeconds: 1 })).toThrow(
      'pull.armId is none of the arms, got x',
    );
    expect(() => recordPull(arms, { armId: 'tune', gain: 0, costSeconds: 0 })).toThrow('pull.costSeconds');
  });
});
