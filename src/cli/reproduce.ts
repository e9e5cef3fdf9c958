import type { Command } from 'commander';
import type { ReproductionReport } from '../engine/reproduce/reproduce.ts';
import { directoryOf, examples, positiveWholeNumber, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

interface Options {
  readonly pairs?: number;
  readonly dry?: boolean;
  readonly slots?: number;
  readonly python?: string;
}

/** `assay reproduce`: a kept experiment rebuilt from its commit and measured again. */
export function registerReproduce(program: Command): void {
  withJson(
    program
      .command('reproduce')
      .description('rebuild a kept experiment from its commit in a clean room and measure it again on fresh seeds'),
  )
    .argument('<experiment>', "e12, 'champion' or a commit")
    .argument('[campaign]', 'name of the campaign (default: the one used last, red teams aside)')
    .option('--pairs <n>', "pairs with its reference, 2 or more (default: the task's final_pairs)", positiveWholeNumber)
    .option('--dry', 'only measure and print: nothing is written, so it may run beside an engine')
    .option('--slots <n>', 'trials at once (default: as many as the machine has room for)', positiveWholeNumber)
    .option('--python <path>', 'interpreter for the trials (default: found or built; also $ASSAY_PYTHON)')
    .addHelpText(
      'after',
      `${examples([
        ['assay reproduce champion', 'does the champion hold?'],
        ['assay reproduce e12 --pairs 12', 'with twelve pairs'],
        ['assay reproduce e12 --dry --json', 'for a script, without a trace in the log'],
      ])}

What does not hold is retracted, and what was built on it is flagged. With fewer pairs than final_pairs, no gain does not hold
only when the claimed one is ruled out as well; otherwise nothing follows.

Exit codes:
  0  it holds
  1  it does not hold
  6  nothing follows: too few pairs to rule the claim out, or the reference or this machine failed`,
    )
    .action(async (word: string, name: string | undefined, options: Options, command: Command) => {
      const { findCampaign } = await import('../engine/campaign-folder.ts');
      const { reproduce } = await import('../engine/reproduce/reproduce.ts');
      const { outcomeWords } = await import('../report/log-lines.ts');
      const { count } = await import('../report/numbers.ts');
      const { findExperiment } = await import('./open-campaign.ts');
      const { listenForInterruption } = await import('./interruption.ts');
      const { EXIT } = await import('./exit-codes.ts');
      const output = openOutput(command);
      const folder = await findCampaign(directoryOf(command), name);
      const say = (text: string): void => {
        if (!output.isJson) output.print(output.style('dim', printable(text)));
      };
      using controls = listenForInterruption(say);
      const report = await reproduce({
        folder,
        choose: (state) => findExperiment(state, word),
        signal: AbortSignal.any([controls.stop, controls.abort]),
        ...(options.pairs === undefined ? {} : { pairs: options.pairs }),
        ...(options.slots === undefined ? {} : { slots: options.slots }),
        ...(options.python === undefined ? {} : { python: options.python }),
        dry: options.dry === true,
        report: ({ message }) => say(`set-up: ${message}`),
        begin: ({ experiment, pairs, device }) =>
          say(`${experiment} in a clean room: ${count(pairs, 'pair')} on ${device}`),
        ended: ({ plan, outcome }) =>
          say(`  pair ${plan.pair}, ${plan.arm}, seed ${plan.seed}: ${outcomeWords(outcome)}`),
      });
      const { kind } = report.reproduction;
      process.exitCode = kind === 'holds' ? EXIT.ok : kind === 'does-not-hold' ? EXIT.failed : EXIT.cannotRunHere;
      if (output.isJson) output.json('assay.reproduce.v1', documentOf(report));
      else await printReport(output, report);
    });
}

/** For scripts: the numbers flat, the trials as they were planned. */
function documentOf({ reproduction, trials, ...facts }: ReproductionReport): object {
  const { kind, ...numbers } = reproduction;
  return {
    ...facts,
    outcome: kind,
    ...numbers,
    trials: trials.map(({ plan: { pair, arm, seed }, outcome }) => ({ pair, arm, seed, ...outcome })),
  };
}

async function printReport(output: Output, report: ReproductionReport): Promise<void> {
  const { labelled } = await import('./labelled-lines.ts');
  const { count, showGain, showInterval, showP } = await import('../report/numbers.ts');
  const { experiment, reproduction, isRecorded, retracted, champion } = report;
  const words = { holds: 'holds', 'does-not-hold': 'does NOT hold', unclear: 'is not decided' }[reproduction.kind];
  const colour = ({ holds: 'green', 'does-not-hold': 'red', unclear: 'yellow' } as const)[reproduction.kind];
  output.print(output.style(colour, `${experiment} ${words}`));
  const lines: (readonly [string, string])[] = [];
  if (reproduction.gain !== undefined) {
    const { gain, interval, p, pairs = 0 } = reproduction;
    lines.push([
      'gain',
      `${showGain(gain)} (95 % interval ${showInterval(interval)}), p ${showP(p)}, n = ${count(pairs, 'pair')}`,
    ]);
  }
  for (const reason of reproduction.reasons) lines.push(['because', reason]);
  for (const remark of report.remarks) lines.push(['note', remark]);
  lines.push(['commit', `${report.candidate}, against ${report.reference}`]);
  const changed = report.integrity.filter(({ finding }) => finding !== 'passed');
  const integrity = changed.map(({ audit, finding, detail }) => `${audit} ${finding}: ${detail}`);
  lines.push([
    'files',
    integrity.length > 0
      ? integrity.join('; ')
      : 'environment, data, task and judge are what they were before and after',
  ]);
  for (const { experiment: fallen, descendants } of retracted) {
    const built = descendants.length === 0 ? '' : `; built on it: ${descendants.join(', ')}`;
    lines.push(['retracted', `${fallen}${built}; the champion is ${champion}`]);
  }
  lines.push(['log', isRecorded ? 'it was written to the log' : 'nothing was written (--dry)']);
  output.print(labelled(lines, output));
}
