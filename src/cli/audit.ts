import type { Command } from 'commander';
import type { ReauditReport } from '../engine/reaudit/reaudit.ts';
import { UserError } from '../errors.ts';
import { directoryOf, examples, positiveWholeNumber, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

interface Options {
  readonly all?: boolean;
  readonly list?: boolean;
  readonly dry?: boolean;
  readonly slots?: number;
  readonly python?: string;
}

/** `assay audit`: kept experiments before the audits of today. */
export function registerAudit(program: Command): void {
  withJson(
    program
      .command('audit')
      .description('audit kept experiments again with the present audits; what falls is retracted'),
  )
    .argument('[experiment]', "e12, 'champion' or a commit (default: the champion and the keeps that it is built on)")
    .argument('[campaign]', 'name of the campaign (default: the one used last, red teams aside)')
    .option('--all', 'every keep that stands, with every audit, whether it has looked before or not')
    .option('--list', 'print the catalogue of audits')
    .option('--dry', 'only look and print: nothing is written, so it may run beside an engine')
    .option('--slots <n>', 'trials at once (default: as many as the machine has room for)', positiveWholeNumber)
    .option('--python <path>', 'interpreter for the trials (default: found or built; also $ASSAY_PYTHON)')
    .addHelpText(
      'after',
      `${examples([
        ['assay audit', 'the champion and its line, where an audit is new'],
        ['assay audit e12', 'everything about e12'],
        ['assay audit --all', 'all that was kept and stands'],
        ['assay audit --list', 'what there is, and what it costs'],
      ])}

Exit codes:
  0  nothing fell
  1  an audit fired that decides: the experiment is retracted
  6  nothing fell, but some audit could not look`,
    )
    .action(async (word: string | undefined, name: string | undefined, options: Options, command: Command) => {
      const output = openOutput(command);
      if (options.list === true) {
        await printCatalogue(output);
        return;
      }
      if (options.all === true && word !== undefined) {
        throw new UserError(
          'usage-audit',
          `--all is every keep that stands, so it can't be had with one experiment ('${word}')`,
          `choose one: assay audit --all, or assay audit ${word}, which looks with every audit`,
        );
      }
      const { findCampaign } = await import('../engine/campaign-folder.ts');
      const { reaudit } = await import('../engine/reaudit/reaudit.ts');
      const { findExperiment } = await import('./open-campaign.ts');
      const { listenForInterruption } = await import('./interruption.ts');
      const { EXIT } = await import('./exit-codes.ts');
      const folder = await findCampaign(directoryOf(command), name);
      const say = (text: string): void => {
        if (!output.isJson) output.print(output.style('dim', printable(text)));
      };
      using controls = listenForInterruption(say);
      const report = await reaudit({
        folder,
        ...(word === undefined ? {} : { choose: (state) => findExperiment(state, word) }),
        all: options.all === true,
        dry: options.dry === true,
        signal: AbortSignal.any([controls.stop, controls.abort]),
        ...(options.slots === undefined ? {} : { slots: options.slots }),
        ...(options.python === undefined ? {} : { python: options.python }),
        report: ({ message }) => say(`set-up: ${message}`),
        begin: (experiment, { change, trials, numbers }) =>
          say(
            `${experiment}: ${change.length} audits of the change, ${trials.length} of trials, ${numbers.length} of the numbers`,
          ),
      });
      const hasFallen = report.experiments.some(({ fired }) => fired.length > 0);
      const hasProblem = report.experiments.some(({ problem }) => problem !== undefined);
      process.exitCode = hasFallen ? EXIT.failed : hasProblem ? EXIT.cannotRunHere : EXIT.ok;
      if (output.isJson) output.json('assay.audit.v1', documentOf(report));
      else await printReport(output, report);
    });
}

function documentOf(report: ReauditReport): object {
  return {
    ...report,
    experiments: report.experiments.map(({ trials, ...facts }) => ({
      ...facts,
      trials: trials.map(({ plan: { stage, seed }, outcome }) => ({ stage, seed, ...outcome })),
    })),
  };
}

async function printReport(output: Output, report: ReauditReport): Promise<void> {
  const { count, showSeconds } = await import('../report/numbers.ts');
  const { experiments, upToDate, isRecorded, champion, remarks } = report;
  for (const remark of remarks) output.warn(remark);
  if (upToDate.length > 0)
    output.print(
      `${upToDate.join(', ')}: every audit has looked in its present version (look again with: assay audit --all)`,
    );
  if (experiments.length === 0) {
    if (upToDate.length === 0) output.print('nothing that was kept stands, so there is nothing to audit');
    return;
  }
  const milliseconds = (ms: number | undefined): string =>
    ms === undefined ? '' : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  output.table(
    [
      { title: '' },
      { title: 'so', style: (cell) => (cell === 'FELL' ? 'red' : cell === 'stands' ? 'green' : 'yellow') },
      { title: 'audits', align: 'right' },
      { title: 'passed', align: 'right' },
      { title: 'noted', align: 'right' },
      { title: 'fired', align: 'right' },
      { title: 'change', align: 'right', dispensable: 1 },
      { title: 'numbers', align: 'right', dispensable: 1 },
      { title: 'trials', align: 'right', dispensable: 2 },
    ],
    experiments.map(({ experiment, reports, fired, problem, trials, trialSeconds, changeMs, numbersMs }) => {
      const of = (wanted: string): string => String(reports.filter(({ finding }) => finding === wanted).length);
      return [
        experiment,
        fired.length > 0 ? 'FELL' : problem === undefined ? 'stands' : 'not all looked',
        String(reports.length),
        of('passed'),
        of('noted'),
        of('fired'),
        milliseconds(changeMs),
        milliseconds(numbersMs),
        trials.length === 0 ? '' : `${trials.length} in ${showSeconds(trialSeconds)}`,
      ];
    }),
  );
  const notable = experiments.flatMap(({ experiment, reports, fired, before }) =>
    [...new Set([...fired, ...reports])]
      .filter(({ finding }) => finding !== 'passed')
      .map(({ audit, version, finding, detail }) => [
        experiment,
        audit,
        before[audit] === undefined
          ? `v${version}, new`
          : before[audit] === version
            ? `v${version}`
            : `v${before[audit]} → v${version}`,
        finding === 'fired' ? 'FIRED' : finding,
        printable(detail),
      ]),
  );
  if (notable.length > 0) {
    output.print('');
    output.table(
      [
        { title: '' },
        { title: 'audit' },
        { title: 'version', dispensable: 1 },
        { title: 'found', style: (cell) => (cell === 'FIRED' ? 'red' : 'yellow') },
        { title: 'in numbers', flexible: true },
      ],
      notable,
    );
  }
  output.print('');
  for (const { experiment, problem } of experiments)
    if (problem !== undefined) output.warn(`${experiment} could not be looked at as a whole: ${printable(problem)}`);
  const fallen = experiments.filter(({ fired }) => fired.length > 0).map(({ experiment }) => experiment);
  if (fallen.length > 0)
    output.print(
      output.style(
        'red',
        `${count(fallen.length, 'keep')} ${isRecorded ? 'retracted' : 'would fall'}: ${fallen.join(', ')}; the champion is ${champion}`,
      ),
    );
  if (!isRecorded) output.print(output.style('dim', 'nothing was written (--dry)'));
}

async function printCatalogue(output: Output): Promise<void> {
  const { CATALOGUE, catalogueVersions, OPTIONAL_AUDITS } = await import('../audit/catalogue/catalogue.ts');
  const { catalogueHash } = await import('../report/hack-ledger.ts');
  const hash = catalogueHash(catalogueVersions());
  const audits = [...CATALOGUE.values(), ...OPTIONAL_AUDITS];
  if (output.isJson) {
    output.json('assay.audit-list.v1', { catalogue: hash, audits });
    return;
  }
  output.table(
    [
      { title: 'audit' },
      { title: 'version', align: 'right' },
      { title: 'looks at' },
      { title: 'runs' },
      { title: 'weight', style: (cell) => (cell === 'triage' ? 'dim' : undefined) },
      { title: 'canaries', align: 'right', dispensable: 1 },
      { title: 'cost', dispensable: 3 },
      { title: 'what it finds', flexible: true },
    ],
    audits.map(({ id, version, looksAt, runs, weight, canaries, cost, title }) => [
      id,
      String(version),
      looksAt,
      runs,
      weight,
      canaries.length === 0 ? 'none' : String(canaries.length),
      cost,
      title,
    ]),
  );
  output.print('');
  output.print(
    `catalogue ${hash}: ${audits.length} audits. refuse: no candidate is made; suspect: the verdict is 'suspected-hack'; triage: only a reason to look closer; a judge may give no result because of it, but nothing is suspected`,
  );
}
