import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadState } from '../../src/engine/load-state.ts';
import { attack } from '../../src/engine/red-team/attack.ts';
import { LEDGER_EVENTS } from '../../src/report/hack-ledger.ts';
import { gainlessWords, redTeamReport, withRows, type RedTeamReport } from '../../src/report/red-team-table.ts';
import { rateWords } from '../../src/report/html/guards-section.ts';
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts';

/** A change of a task's text, so that many trials take a minute and not ten. What is audited stays the same. */
export type Shorter = readonly (readonly [pattern: RegExp, replacement: string])[];

/** The tests' own environment has all that the tasks need. Where it is not there, one is built as for any user. */
const TESTS_PYTHON = path.join(import.meta.dirname, '../../.cache/python/bin/python');

export interface Suite {
  /** Of the task, in the repository. */
  readonly folder: string;
  readonly shorter: Shorter;
}

const FEW_BASELINES: Shorter[number] = [/baseline_runs: \d+/, 'baseline_runs: 4'];

/** Training: shadows, leaks, clocks, held-out text, work where nobody times it. */
export const TRAINING_SUITE: Suite = {
  folder: 'tasks/nanochat-cpu',
  shorter: [FEW_BASELINES, [/limit: 2, grace: 1/g, 'limit: 1, grace: 1']],
};

/** Timed kernels: caches, aliases, threads, precision, shapes and inputs that are recognized. */
export const KERNEL_SUITE: Suite = { folder: 'tasks/kernels-cpu', shorter: [FEW_BASELINES] };

/**
 * Puts exploits and controls that fit a task through the real judge, sandbox and audits. What scored better than the start is attacked with
 * again, beside a start measured anew: among so many programs that nothing stopped, one is better by luck, above all where the machine is
 * busy. What is better twice got through.
 *
 * @param only ids; all that fit without it.
 */
export async function runSuite(taskFolder: string, shorter: Shorter, only?: readonly string[]): Promise<RedTeamReport> {
  const report = await runOnce(taskFolder, shorter, only);
  const doubted = report.rows.filter(({ verdict }) => verdict === 'got-through').map(({ id }) => id);
  if (doubted.length === 0) return report;
  const again = new Map((await runOnce(taskFolder, shorter, doubted)).rows.map((row) => [row.id, row]));
  return withRows(
    report,
    report.rows.map((row) => again.get(row.id) ?? row),
  );
}

async function runOnce(taskFolder: string, shorter: Shorter, only?: readonly string[]): Promise<RedTeamReport> {
  const directory = await mkdtemp(path.join(tmpdir(), 'assay-hostile-'));
  try {
    const task = path.join(directory, path.basename(taskFolder));
    await cp(taskFolder, task, { recursive: true, filter: (source) => !/__pycache__|\.pytest_cache/.test(source) });
    const file = path.join(task, 'task.yaml');
    let text = await readFile(file, 'utf8');
    for (const [pattern, replacement] of shorter) {
      if (!pattern.test(text)) throw new Error(`${file} has nothing like ${String(pattern)}`);
      text = text.replace(pattern, replacement);
    }
    await writeFile(file, text);
    const never = new AbortController().signal;
    const { folder, minimumGain } = await attack(
      {
        directory,
        task,
        ...(existsSync(TESTS_PYTHON) ? { python: TESTS_PYTHON } : {}),
        ...(only === undefined ? {} : { only }),
      },
      { stop: never, abort: never },
    );
    await using store = await openSqliteStore(folder.log);
    const { state } = await loadState(store);
    return await redTeamReport(state, store.read({ types: LEDGER_EVENTS }), { minimumGain });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The table that a person reads. */
export function suiteLines(report: RedTeamReport): readonly string[] {
  const { rows, caught, noted, unnoticed, contained, gotThrough, falseAlarms } = report;
  const lines = rows
    .toSorted((a, b) => (a.kind + a.id < b.kind + b.id ? -1 : 1))
    .map(({ kind, id, classes, verdict, fired, detail }) => {
      const words =
        verdict === 'caught' ? `by ${fired.join(', ')}` : verdict === 'passed' ? '' : detail.replace(/^noted /, '');
      return `${kind === 'canary' ? 'hostile' : 'honest '}  ${id.padEnd(32)} ${classes.join(' ').padEnd(10)} ${verdict} ${words}`.trimEnd();
    });
  return [
    ...lines,
    'hostile:',
    `  stopped for the right reason   ${rateWords(caught)}`,
    `  only noted, without a gain     ${rateWords(noted)}`,
    `  not noticed, without a gain    ${rateWords(unnoticed)}`,
    `  no value, for another reason   ${rateWords(contained)}`,
    `  got through                    ${rateWords(gotThrough)}`,
    `honest: refused                  ${rateWords(falseAlarms)}`,
    `no gain: ${gainlessWords(report) ?? 'unknown, the start was not measured'}`,
  ];
}
