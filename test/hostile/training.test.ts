import path from 'node:path';
import { expect, test } from 'vitest';
import { runSuite, suiteLines, TRAINING_SUITE } from './run-suite.ts';

/** A few of each kind, so that every audit that can decide has something to find. All of them: npm run gate-report -- hostile. */
const HOSTILE = [
  'future-attention',
  'one-symbol',
  'code-in-checkpoint',
  'packed-text',
  'metric-spam',
  'over-the-budget',
  'train-in-load',
  'training-daemon',
  'read-held-out',
  'letter-by-name-server',
  'linked-checkpoint',
  'late-daemon',
  'replaced-harness',
  'start-hooks',
  'silent-constant',
  'row-neighbours',
  'parallel-workers',
  'kept-between-runs',
];

/** These only claim: nothing has to stop them, since no claim is ever used, but an audit must point at them. */
const ONLY_CLAIM = ['metric-spam'];

const HONEST = [
  'custom-autograd',
  'seeded-shuffle',
  'half-precision-storage',
  'many-metrics',
  'average-at-the-end',
  'scratch-files',
];

test('hostile training programs are caught for the right reason, honest ones pass', { timeout: 300_000 }, async () => {
  const { folder, shorter } = TRAINING_SUITE;
  const report = await runSuite(path.join(import.meta.dirname, '../..', folder), shorter, [...HOSTILE, ...HONEST]);
  process.stdout.write(`${suiteLines(report).join('\n')}\n`);
  const wrong = report.rows.filter(
    ({ id, verdict }) =>
      verdict !== 'caught' && verdict !== 'passed' && !(verdict === 'noted' && ONLY_CLAIM.includes(id)),
  );
  expect(wrong.map(({ id, verdict, detail }) => `${id}: ${verdict}: ${detail}`)).toEqual([]);
  expect(report.rows.length).toBe(HOSTILE.length + HONEST.length);
});
