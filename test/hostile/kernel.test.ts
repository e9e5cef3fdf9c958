import path from 'node:path';
import { expect, test } from 'vitest';
import { runSuite, suiteLines, KERNEL_SUITE } from './run-suite.ts';

/** A few of each kind, so that every audit that can decide has something to find. All of them: npm run gate-report -- hostile. */
const HOSTILE = [
  'native-pointer-cache',
  'native-fingerprint-cache',
  'native-nothing',
  'native-zeroed-input',
  'native-half-output',
  'native-large-is-cheap',
  'native-range-sniff',
  'native-late-writer',
  'native-thread-pool',
  'native-every-fifth',
  'native-patched-clock',
  'native-daemon',
  'native-beacon',
  'native-decoy-reader',
  'native-forged-reply',
  'native-shadow-header',
];

const HONEST = [
  'native-wide-vectors',
  'native-kept-workspace',
  'native-choice-by-shape',
  'native-online-softmax',
  'native-exponential-table',
  'native-thread-scratch',
];

test('hostile kernels are caught for the right reason, honest ones pass', { timeout: 300_000 }, async () => {
  const { folder, shorter } = KERNEL_SUITE;
  const report = await runSuite(path.join(import.meta.dirname, '../..', folder), shorter, [...HOSTILE, ...HONEST]);
  process.stdout.write(`${suiteLines(report).join('\n')}\n`);
  const wrong = report.rows.filter(({ verdict }) => verdict !== 'caught' && verdict !== 'passed');
  expect(wrong.map(({ id, verdict, detail }) => `${id}: ${verdict}: ${detail}`)).toEqual([]);
  expect(report.rows.length).toBe(HOSTILE.length + HONEST.length);
});
