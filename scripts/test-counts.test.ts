import { expect, test } from 'vitest';
import { addCounts, closingLine, countPytest, countVitest, NO_TESTS, withExitCode } from './test-counts.ts';

test('counts what vitest counted, and each file that could not be loaded as a failure', () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 2,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: [
      { status: 'passed', assertionResults: [{}] },
      { status: 'failed', assertionResults: [{}, {}] },
      { status: 'failed', assertionResults: [] },
    ],
  };
  expect(countVitest(JSON.stringify(report))).toEqual({ passed: 5, failed: 3, skipped: 2 });
});

test('counts what pytest counted, errors of fixtures and of collection as failures', () => {
  const xml = `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
    <testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="0.1" hostname="tests=99"></testsuite>
    <testsuite name="other" errors="0" failures="0" skipped="0" tests="4"></testsuite></testsuites>`;
  expect(countPytest(xml)).toEqual({ passed: 8, failed: 3, skipped: 3 });
});

test('a suite that ended badly without a failed test has failed', () => {
  const passed = { passed: 3, failed: 0, skipped: 0 };
  expect(withExitCode(passed, 0)).toEqual(passed);
  expect(withExitCode(passed, 1)).toEqual({ passed: 3, failed: 1, skipped: 0 });
  expect(withExitCode({ passed: 3, failed: 2, skipped: 0 }, 1).failed).toBe(2);
});

test('the closing line names the skipped only if there are any', () => {
  expect(closingLine(NO_TESTS)).toBe('0 passed, 0 failed');
  expect(closingLine(addCounts({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 0, skipped: 1 }))).toBe(
    '11 passed, 2 failed, 4 skipped',
  );
});
