/** What a suite counted of itself. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_TESTS: Counts = { passed: 0, failed: 0, skipped: 0 };

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** @param json the report of vitest's JSON reporter. A file that could not even be loaded counts as one failure. */
export function countVitest(json: string): Counts {
  const report = JSON.parse(json) as VitestReport;
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @param xml the report of `pytest --junit-xml`. */
export function countPytest(xml: string): Counts {
  let counts = NO_TESTS;
  for (const [suite] of xml.matchAll(/<testsuite [^>]*>/g)) {
    const attribute = (name: string): number => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = attribute('failures') + attribute('errors');
    const skipped = attribute('skipped');
    counts = addCounts(counts, { passed: attribute('tests') - failed - skipped, failed, skipped });
  }
  return counts;
}

export function addCounts(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/**
 * A suite that ended badly without naming a test (an unhandled rejection, a crash) has failed all the same.
 *
 * @param exitCode of the suite's program.
 */
export function withExitCode(counts: Counts, exitCode: number): Counts {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** The closing line that continuous integration reads: alone on its line, the last one. */
export function closingLine(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}
