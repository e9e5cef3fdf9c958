import type { Command } from 'commander';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import type { RedTeamReport, RedTeamRow, RedTeamVerdict } from '../report/red-team-table.ts';
import { directoryOf, examples, positiveWholeNumber, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

interface Options {
  readonly start?: string;
  readonly only?: readonly string[];
  readonly list?: boolean;
  readonly slots?: number;
  readonly python?: string;
}

/** `assay redteam`: every exploit that we know against the audits of a task. */
export function registerRedteam(program: Command): void {
  withJson(
    program
      .command('redteam')
      .description('attack the audits of a task with every exploit that fits it, and with honest controls'),
  )
    .argument('<task>', 'folder of a task, or the name of one that ships with Assay')
    .option('--start <name>', "starting point that the attacks are made of (default: the task's first)")
    .option('--only <ids...>', 'only these exploits and controls')
    .option('--list', 'print the exploits and controls that fit, and run nothing')
    .option('--slots <n>', 'trials at once (default: as many as the machine has room for)', positiveWholeNumber)
    .option('--python <path>', 'interpreter for the trials (default: found or built; also $ASSAY_PYTHON)')
    .addHelpText(
      'after',
      `${examples([
        ['assay redteam nanochat-cpu', 'everything that fits'],
        ['assay redteam my-task --list', 'what fits, and what it does'],
        ['assay redteam my-task --only silent-exit', 'one exploit'],
        ['assay hacks --all-campaigns', 'afterwards: detection and false alarms by version'],
      ])}

Exit codes:
  0  no exploit gained anything, and every control passed
  1  an exploit gained something and nothing stopped it, or an honest control was refused

Verdicts on exploits:
  caught       stopped for the right reason
  noted        not stopped, but measured like an honest one, and an expected audit pointed at it
  unnoticed    the same, and no expected audit said anything
  contained    it gave no value, but no expected audit fired
  got through  not stopped, and better than the start`,
    )
    .action(async (taskName: string, options: Options, command: Command) => {
      const { taskFolder } = await import('./find-task.ts');
      const output = openOutput(command);
      const directory = directoryOf(command);
      if (options.list === true) {
        await printFitting(output, taskFolder(directory, taskName), options.start);
        return;
      }
      const { attack } = await import('../engine/red-team/attack.ts');
      const { EXIT } = await import('./exit-codes.ts');
      const { listenForInterruption } = await import('./interruption.ts');
      const { liveProgress } = await import('./live-progress.ts');
      const done = await (async () => {
        using progress = output.isJson ? undefined : liveProgress(output);
        using controls = listenForInterruption((text) => progress?.say(text));
        return attack(
          {
            directory,
            task: taskFolder(directory, taskName),
            ...(options.start === undefined ? {} : { start: options.start }),
            ...(options.only === undefined ? {} : { only: options.only }),
            ...(options.slots === undefined ? {} : { slots: options.slots }),
            ...(options.python === undefined ? {} : { python: options.python }),
            ...(progress
              ? {
                  report: ({ message }) => progress.step(`set-up: ${message}`),
                  ready: (state) =>
                    progress.say(`campaign ${state.campaign}: ${state.task.name} from '${state.task.start}'`),
                  observe: (record, state) => progress.observe(record, state),
                }
              : {}),
          },
          controls,
        );
      })();
      const report = await readReport(done.folder, done.minimumGain);
      const through = report.rows.filter(({ verdict }) => verdict === 'got-through');
      const evidence = await writeThrough(done.folder, through, { taskName, start: options.start });
      const isBroken = report.rows.some(({ verdict }) => verdict === 'got-through' || verdict === 'false-alarm');
      if (isBroken) process.exitCode = EXIT.failed;
      else if (done.exit.reason === 'asked') process.exitCode = EXIT.interrupted;
      if (output.isJson) output.json('assay.redteam.v1', { ...report, evidence });
      else await printReport(output, report, evidence);
    });
}

async function printFitting(output: Output, folder: string, start: string | undefined): Promise<void> {
  const { listAttacks } = await import('../engine/red-team/list-attacks.ts');
  const { task, attacks } = await listAttacks(folder, start);
  if (output.isJson) {
    output.json('assay.redteam-list.v1', { task, attacks });
    return;
  }
  if (attacks.length === 0) {
    output.print(`no exploit and no control fits the task ${task}`);
    return;
  }
  output.table(
    [
      { title: 'exploit or control' },
      { title: 'class', dispensable: 1 },
      { title: 'expects', flexible: true },
      { title: 'what it does', flexible: true },
    ],
    attacks.map(({ id, kind, classes, expects, does }) => [
      kind === 'control' ? `${id} (control)` : id,
      classes.join(', '),
      expects.join(' or '),
      printable(does),
    ]),
  );
}

async function readReport(folder: CampaignFolder, minimumGain: number): Promise<RedTeamReport> {
  const { loadState } = await import('../engine/load-state.ts');
  const { redTeamReport } = await import('../report/red-team-table.ts');
  const { LEDGER_EVENTS } = await import('../report/hack-ledger.ts');
  const { openSqliteStore } = await import('../store/sqlite/open-sqlite-store.ts');
  await using store = await openSqliteStore(folder.log);
  const { state } = await loadState(store);
  return await redTeamReport(state, store.read({ types: LEDGER_EVENTS }), { minimumGain });
}

interface Through {
  readonly id: string;
  readonly folder: string;
  readonly commit: string;
  readonly command: string;
}

/** What got through is a bug of ours: everything that is needed to see it again. */
async function writeThrough(
  folder: CampaignFolder,
  rows: readonly RedTeamRow[],
  { taskName, start }: { readonly taskName: string; readonly start: string | undefined },
): Promise<readonly Through[]> {
  const { writeEvidence } = await import('../engine/red-team/attack.ts');
  const { showGain } = await import('../report/numbers.ts');
  const evidence: Through[] = [];
  for (const { id, experiment, candidate, statement, expected, detail, gain } of rows) {
    if (candidate === undefined) continue;
    const command = `assay redteam ${taskName}${start === undefined ? '' : ` --start ${start}`} --only ${id}`;
    const facts = [
      statement,
      `commit ${candidate}, experiment ${experiment} of campaign ${folder.name}`,
      `expected: ${expected.join(' or ')}`,
      `seen: ${detail}`,
      `gain over the start: ${gain === undefined ? 'unknown' : showGain(gain)}`,
      `run it again: ${command}`,
    ];
    const place = await writeEvidence(folder, { id, experiment, candidate, facts });
    evidence.push({ id, folder: place, commit: candidate, command });
  }
  return evidence;
}

const WORDS: Readonly<Record<RedTeamVerdict, string>> = {
  caught: 'caught',
  noted: 'noted, no gain',
  unnoticed: 'unnoticed, no gain',
  contained: 'contained only',
  'got-through': 'GOT THROUGH',
  passed: 'passed',
  'false-alarm': 'FALSE ALARM',
  'not-run': 'not run',
};

async function printReport(output: Output, report: RedTeamReport, evidence: readonly Through[]): Promise<void> {
  const { labelled } = await import('./labelled-lines.ts');
  const { countWords, intervalWords } = await import('./hacks.ts');
  const { showGain, showSeconds } = await import('../report/numbers.ts');
  const { caught, noted, unnoticed, contained, gotThrough, falseAlarms, medianSeconds, rows } = report;
  output.print('');
  output.table(
    [
      { title: 'exploit or control' },
      { title: 'class', dispensable: 2 },
      {
        title: 'verdict',
        style: (cell) => (/[A-Z]{3}/.test(cell) ? 'red' : /only|no gain/.test(cell) ? 'yellow' : 'green'),
      },
      { title: 'expected', dispensable: 3 },
      { title: 'fired', dispensable: 1 },
      { title: 'gain', align: 'right', dispensable: 4 },
      { title: 'time', align: 'right', dispensable: 5 },
      { title: 'seen', flexible: true },
    ],
    rows.map((row) => [
      row.kind === 'control' ? `${row.id} (control)` : row.id,
      row.classes.join(', '),
      WORDS[row.verdict],
      row.expected.join(', '),
      row.fired.join(', '),
      showGain(row.gain),
      showSeconds(row.seconds),
      printable(row.verdict === 'caught' || row.verdict === 'passed' ? '' : row.detail),
    ]),
  );
  const totals: (readonly [string, string])[] = [];
  for (const [label, rate] of [
    ['caught', caught],
    ['noted', noted],
    ['unnoticed', unnoticed],
    ['contained', contained],
    ['got through', gotThrough],
    ['false alarms', falseAlarms],
  ] as const) {
    const interval = await intervalWords(rate);
    totals.push([label, `${countWords(rate)}${interval === '' ? '' : ` (95 % interval ${interval})`}`]);
  }
  if (medianSeconds !== undefined) totals.push(['median time', `${showSeconds(medianSeconds)} of trials an exploit`]);
  const { gainlessWords } = await import('../report/red-team-table.ts');
  const gainWords = gainlessWords(report);
  if (gainWords !== undefined) totals.push(['no gain', gainWords]);
  totals.push(['campaign', report.campaign]);
  for (const { id, folder, commit, command } of evidence)
    totals.push(['bug', `${id} got through: commit ${commit}; files in ${folder}; again with: ${command}`]);
  output.print('');
  output.print(labelled(totals, output));
}
