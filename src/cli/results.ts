import { Option, type Command } from 'commander';
import type { CampaignState } from '../domain/state.ts';
import type { ResultRow } from '../report/results.ts';
import { directoryOf, examples, wholeNumber, withCampaignArgument, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

interface ResultsOptions {
  readonly all?: boolean;
  readonly top?: number;
  readonly verdict?: string;
  readonly guards?: boolean;
  readonly contributions?: boolean;
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
    .option('--contributions', 'what each change of the champion brought, and what it carries now')
    .option('--guards', 'also canaries and honest controls, which test no hypothesis')
    .addHelpText(
      'after',
      examples([
        ['assay results --top 5', 'the five best'],
        ['assay results --verdict keep', 'what was kept'],
        ['assay results --contributions', 'which changes carry the champion'],
        ['assay results --json', 'every experiment with all numbers, for a script'],
      ]),
    )
    .action(async (name: string | undefined, options: ResultsOptions, command: Command) => {
      const { openCampaign } = await import('./open-campaign.ts');
      await using campaign = await openCampaign(directoryOf(command), name);
      if (options.contributions === true) {
        await printContributions(openOutput(command), campaign.state);
        return;
      }
      const { rankRows, resultRows, resultsDocument } = await import('../report/results.ts');
      const { state } = campaign;
      const every = resultRows(state, { guards: options.guards === true });
      const wanted = every.filter((row) => options.verdict === undefined || row.verdict === options.verdict);
      const ordered = options.all === true ? wanted : rankRows(wanted);
      const output = openOutput(command);
      if (output.isJson) {
        const rows = options.top === undefined ? ordered : ordered.slice(0, options.top);
        output.json('assay.results.v1', resultsDocument(state, rows));
        return;
      }
      const limit = options.top ?? (options.all === true ? ordered.length : SHOWN_AT_FIRST);
      await printRows(output, ordered.slice(0, limit), state);
      if (ordered.length > limit && options.top === undefined)
        output.print(output.style('dim', `… ${ordered.length - limit} more: assay results --all`));
    });
}

/** What each change on the way to the champion brought when it came in, and what the last ablation says that it carries. */
async function printContributions(output: Output, state: CampaignState): Promise<void> {
  const { contributions } = await import('../report/contributions.ts');
  const { decimalsFor, showGain, showInterval } = await import('../report/numbers.ts');
  const rows = contributions(state);
  if (output.isJson) {
    output.json('assay.contributions.v1', {
      campaign: state.campaign,
      champion: state.champion,
      contributions: rows,
    });
    return;
  }
  if (rows.length === 0) {
    output.print('nothing has beaten the starting point, so there is nothing that could carry anything');
    return;
  }
  const decimals = decimalsFor(state.noise?.sigma);
  output.table(
    [
      { title: '' },
      { title: 'brought', align: 'right' },
      { title: '95 % interval', dispensable: 3 },
      { title: 'carries', align: 'right' },
      { title: '95 % interval', dispensable: 2 },
      { title: 'by', dispensable: 4 },
      { title: 'lines', align: 'right', dispensable: 1 },
      { title: 'a line', align: 'right', dispensable: 5 },
      { title: '' },
      { title: 'hypothesis', flexible: true },
    ],
    rows.map((row) => [
      row.experiment,
      showGain(row.gain, decimals),
      showInterval(row.interval, decimals),
      showGain(row.carries?.gain, decimals),
      showInterval(row.carries?.interval, decimals),
      row.carries ? row.carries.ablation + (row.isPresentCompany === true ? '' : ' (then)') : '',
      row.linesAdded === undefined ? '' : `+${row.linesAdded} −${row.linesRemoved ?? 0}`,
      showGain(row.gainPerLine),
      row.standing === 'held' ? '' : row.standing,
      printable(row.statement),
    ]),
  );
  output.print(
    output.style(
      'dim',
      'brought: the gain to quote when it came in. carries: the champion with it beside the champion without it; (then): of an earlier champion.',
    ),
  );
}

/** The table of experiments as `assay results` and the end of a run show it. */
export async function printRows(
  output: Output,
  rows: readonly ResultRow[],
  { noise, task }: Pick<CampaignState, 'noise' | 'task'>,
): Promise<void> {
  const { verdictStyle } = await import('./verdict-style.ts');
  const { decimalsFor, showGain, showEValue, showInterval, showP, showSeconds } = await import('../report/numbers.ts');
  const { isGainOfScreen, verdictWords } = await import('../report/results.ts');
  const decimals = decimalsFor(noise?.sigma);
  const isOfScreen = (row: ResultRow): boolean => isGainOfScreen(row, task.screensApart === true);
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
      row.role === 'guard' ? `guard: ${verdictWords(row)}` : verdictWords(row),
      `${isOfScreen(row) ? '~ ' : ''}${showGain(row.gain, decimals)}`,
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
  if (rows.some(isOfScreen))
    output.print(
      output.style('dim', '~ of a screen, which has a length of its own here: not the gain of whole trials'),
    );
  if (rows.some((row) => row.retracted))
    output.print(
      output.style('dim', 'retracted: the keep does not stand any more, nor does what holds its change (assay why)'),
    );
}
