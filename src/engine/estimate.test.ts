import { expect, test } from 'vitest';
import { secondsAt } from './estimate.ts';

type Spec = Parameters<typeof secondsAt>[0];

const task = {
  spec: {
    phases: [
      { stages: ['screen'], budget: { limitSeconds: 60 } },
      { stages: ['baseline', 'replicate', 'confirm', 'final'], budget: { limitSeconds: 300 } },
      {},
    ],
  },
} as unknown as Spec;

test('a short screen starts and is judged as a whole trial is', () => {
  expect(secondsAt(task, 'replicate', 330)).toBe(330);
  expect(secondsAt(task, 'screen', 330)).toBe(90);
  // Where programs end before their budget does, screens do too.
  expect(secondsAt(task, 'screen', 150)).toBe(30);
  expect(secondsAt({ spec: { phases: [{}] } } as unknown as Spec, 'screen', 12)).toBe(12);
});
