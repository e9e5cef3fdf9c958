import { Option, type Command } from 'commander';
import type { ResultRow } from '../report/results.ts';
import { directoryOf, examples, wholeNumber, withCampaignArgument, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

interface ResultsOptions {
  readonly all?: boolean;
  readonly top?: number;
  readonly verdict?: string;
}

const SHOWN_AT_FIRST = 20;
const VERDICTS = ['keep', 'near-miss', 'inconclusive', 'discard', 'suspected-hack', 'failed', 'open'];

/** `assay results`: the table of experiments. */
export function registerResults(program: Command): void {
  withJson(
    withCampaignArgument(
      program.command('results').description('the experiments with their gains and verdicts, best first'),
    ),
  )
    .option('--all', 'every experiment, in order of its number')
    .option('--top <number>', 'only so many, the best first', wholeNumber)
    .addOption(new Option('--verdict <verdict>', 'only experiments with this verdict').choices(VERDICTS))
    .addHelpText(
      'after',
      examples([
        ['assay results --top 5', 'the five best'],
        ['assay results --verdict keep', 'what was kept'],
        ['assay results --json', 'every experiment with all numbers, for a script'],
      ]),
    )
    .action(async (name: string | undefined, options: ResultsOptions, command: Command) => {
      const { openCampaign } = await import('./open-campaign.ts');
      await using campaign = await openCampaign(directoryOf(command), name);
      const { rankRows, resultRows, resultsDocument } = await import('../report/results.ts');
      const { state } = campaign;
      const every = resultRows(state);
      const wanted = every.filter((row) => options.verdict === undefined || row.verdict === options.verdict);
      const ordered = options.all === true ? wanted : rankRows(wanted);
      const output = openOutput(command);
      if (output.isJson) {
        const rows = options.top === undefined ? ordered : ordered.slice(0, options.top);
        output.json('assay.results.v1', resultsDocument(state, rows));
        return;
      }
      const limit = options.top ?? (options.all === true ? ordered.length : SHOWN_AT_FIRST);
      await printRows(output, ordered.slice(0, limit), state.noise?.sigma);
      if (ordered.length > limit && options.top === undefined)
        output.print(output.style('dim', `… ${ordered.length - limit} more: assay results --all`));
    });
}

/** The table of experiments as `assay results` and the end of a run show it. */
export async function printRows(output: Output, rows: readonly ResultRow[], sigma: number | undefined): Promise<void> {
  const { verdictStyle } = await import('./verdict-style.ts');
  const { decimalsFor, showGain, showEValue, showInterval, showP, showSeconds } = await import('../report/numbers.ts');
  const decimals = decimalsFor(sigma);
  output.table(
    [
      { title: '' },
      { title: 'verdict', style: verdictStyle },
      { title: 'gain', align: 'right' },
      { title: 'n', align: 'right', dispensable: 2 },
      { title: '95 % interval', dispensable: 4 },
      { title: 'p', align: 'right', dispensable: 5 },
      { title: 'e-value', align: 'right', dispensable: 6 },
      { title: 'to quote', align: 'right', dispensable: 3 },
      { title: 'predicted', dispensable: 7 },
      { title: 'held', dispensable: 8 },
      { title: 'parent', dispensable: 9 },
      { title: 'operator', dispensable: 10 },
      { title: 'lines', align: 'right', dispensable: 11 },
      { title: 'cost', align: 'right', dispensable: 1 },
      { title: 'hypothesis', flexible: true },
    ],
    rows.map((row) => [
      row.experiment + (row.champion ? '*' : ''),
      row.failure === undefined ? row.verdict : `${row.verdict} (${row.failure})`,
      showGain(row.gain, decimals),
      row.n === undefined ? '' : String(row.n),
      showInterval(row.interval, decimals),
      showP(row.p),
      showEValue(row.eValue),
      showGain(row.shrunkenGain, decimals),
      showInterval(row.predicted, decimals),
      row.predictionHeld === undefined ? '' : row.predictionHeld ? 'yes' : 'no',
      row.role === 'baseline' ? '' : row.parent,
      row.role === 'hypothesis' ? row.operator : row.role,
      row.linesAdded === undefined ? '' : `+${row.linesAdded} −${row.linesRemoved ?? 0}`,
      row.seconds > 0 ? showSeconds(row.seconds) : '',
      printable(row.statement),
    ]),
  );
  if (rows.some((row) => row.champion))
    output.print(
      output.style('dim', '* the champion. A gain is positive when it is better; "to quote" is shrunk for selection.'),
    );
}
