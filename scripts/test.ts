/**
 * `npm test`: sets up what the tests need, runs both suites, and closes with one line of counts.
 *
 * `npm test -- src/store` runs only the TypeScript tests that match; `npm test -- python/tests/test_x.py` only those of Python.
 * Options (`-t NAME`) go to the suite that runs.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensurePythonEnvironment, type PythonEnvironment } from './python-environment.ts';
import { runCommand } from './run-command.ts';
import { ensureSystemPackages } from './system-packages.ts';
import {
  addCounts,
  closingLine,
  countPytest,
  countVitest,
  NO_TESTS,
  withExitCode,
  type Counts,
} from './test-counts.ts';
import { cleanEnvironment } from './test-environment.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const args = process.argv.slice(2);
const isPythonOnly = args.some((arg) => /^python(\/|$)/.test(arg));
const isTypeScriptOnly = args.length > 0 && !isPythonOnly;

await ensureSystemPackages();
const python = await ensurePythonEnvironment();
const env = cleanEnvironment(process.env);
const reports = mkdtempSync(path.join(tmpdir(), 'assay-test-'));
let counts = NO_TESTS;
try {
  if (!isPythonOnly) counts = addCounts(counts, await runVitest());
  if (!isTypeScriptOnly) counts = addCounts(counts, await runPytest(python));
} finally {
  rmSync(reports, { recursive: true, force: true });
}
if (counts.passed + counts.failed === 0) process.stderr.write('no test ran\n');
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
process.stdout.write(`\n${closingLine(counts)}\n`);

async function runVitest(): Promise<Counts> {
  const report = path.join(reports, 'vitest.json');
  const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const end = await runCommand([process.execPath, vitest, 'run', ...reporters, ...args], {
    cwd: ROOT,
    env,
    output: 'live',
  });
  return withExitCode(readReport(report, countVitest), end.exitCode);
}

async function runPytest(environment: PythonEnvironment | undefined): Promise<Counts> {
  if (environment === undefined) {
    process.stderr.write('python: its tests are skipped: there is nothing to run them with.\n');
    // Nobody should take a green run of a machine that is there to test for a run of all tests.
    return process.env['CI'] === undefined ? { ...NO_TESTS, skipped: 1 } : { ...NO_TESTS, failed: 1 };
  }
  const report = path.join(reports, 'pytest.xml');
  const options = [
    '-m',
    'pytest',
    '-q',
    '-p',
    'no:cacheprovider',
    `--junit-xml=${report}`,
    '-n',
    '2',
    '--dist',
    'loadfile',
  ];
  const selection = isPythonOnly ? args : ['python/tests'];
  const end = await runCommand([environment.python, ...options, ...selection], {
    cwd: ROOT,
    env: { ...env, PYTHONDONTWRITEBYTECODE: '1', PYTHONPATH: path.join(ROOT, 'python'), OMP_NUM_THREADS: '1' },
    output: 'live',
  });
  const counted = readReport(report, countPytest);
  // 5: there were no tests.
  return end.exitCode === 5 ? counted : withExitCode(counted, end.exitCode);
}

function readReport(file: string, count: (text: string) => Counts): Counts {
  try {
    return count(readFileSync(file, 'utf8'));
  } catch {
    // The suite ended before it could report; its exit code counts.
    return NO_TESTS;
  }
}
