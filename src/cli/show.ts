import type { Command } from 'commander';
import type { Explanation } from '../report/why.ts';
import type { Experiment } from '../domain/state.ts';
import type { DiffStat } from '../candidate/diff.ts';
import { directoryOf, examples, withCampaignOption, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

/** `assay show`: one experiment with its trials and seeds. */
export function registerShow(program: Command): void {
  withJson(
    withCampaignOption(
      program.command('show').description('one experiment: hypothesis, change, trials with seeds, verdict'),
    ),
  )
    .argument('<experiment>', "e12, 'champion', 'baseline' or a commit")
    .addHelpText(
      'after',
      examples([
        ['assay show e12', 'everything about e12'],
        ['assay show best --json', 'the champion, for a script'],
      ]),
    )
    .action(async (word: string, options: { campaign?: string }, command: Command) => {
      const { findExperiment, openCampaign } = await import('./open-campaign.ts');
      await using campaign = await openCampaign(directoryOf(command), options.campaign);
      const { explainVerdict } = await import('../report/why.ts');
      const { experimentOf } = await import('../domain/state.ts');
      const { state, store, folder } = campaign;
      const id = findExperiment(state, word);
      const explanation = await explainVerdict(state, id, store.read({ experiment: id }));
      const experiment = experimentOf(state, id);
      const stat = await diffStat(folder.candidates, experiment);
      const output = openOutput(command);
      if (output.isJson) {
        const { proposal, candidate, reference, verdict } = experiment;
        const { trials, pairs, row, audits } = explanation;
        output.json('assay.experiment.v1', {
          campaign: state.campaign,
          ...row,
          proposal,
          candidate,
          reference,
          fullVerdict: verdict,
          files: stat?.files,
          trials,
          pairs,
          audits,
        });
        return;
      }
      await printExperiment({
        output,
        experiment,
        explanation,
        stat,
        metric: state.task.metric,
        sigma: state.noise?.sigma,
      });
    });
}

/** A campaign whose repository is gone can still be shown. */
async function diffStat(directory: string, { candidate, reference }: Experiment): Promise<DiffStat | undefined> {
  if (candidate === undefined || reference === undefined) return undefined;
  const { openRepository } = await import('./open-repository.ts');
  try {
    await using repository = await openRepository(directory);
    return await repository.diffStat(reference, candidate);
  } catch {
    return undefined;
  }
}

interface Shown {
  readonly output: Output;
  readonly experiment: Experiment;
  readonly explanation: Explanation;
  readonly stat: DiffStat | undefined;
  readonly metric: string;
  readonly sigma: number | undefined;
}

async function printExperiment({ output, experiment, explanation, stat, metric, sigma }: Shown): Promise<void> {
  const { labelled } = await import('./labelled-lines.ts');
  const { changeWords } = await import('../report/change-words.ts');
  const { decimalsFor, showGain, showInterval, showP, showSeconds, showValue } = await import('../report/numbers.ts');
  const { verdictStyle } = await import('./verdict-style.ts');
  const { verdictWords } = await import('../report/results.ts');
  const { row, pairs, trials, reasons } = explanation;
  const decimals = decimalsFor(sigma);
  const interval = row.interval
    ? ` (95 % interval ${showInterval(row.interval, decimals)}, p ${showP(row.p)}, n = ${row.n ?? 0} pairs)`
    : '';
  const lines: (readonly [string, string])[] = [
    ['verdict', `${verdictWords(row)}${row.stage === undefined ? '' : ` at ${row.stage}`}`],
    ...reasons.map((reason) => ['', reason] as const),
    ...(explanation.fall === undefined ? [] : [['fell', explanation.fall] as const]),
    ...explanation.reproductions.map((words) => ['reproduced', words] as const),
    ['hypothesis', row.statement],
    ['because', explanation.rationale],
    ['kind', `${row.kind}, ${row.operator} by ${row.proposer}, on ${row.parent}`],
    ['change', changeWords(experiment.proposal.change)],
  ];
  if (row.candidate !== undefined) lines.push(['commit', row.candidate]);
  if (row.gain !== undefined) lines.push(['gain', `${showGain(row.gain, decimals)}${interval}`]);
  if (explanation.quote !== undefined) lines.push(['', explanation.quote]);
  if (explanation.prediction !== undefined) lines.push(['prediction', explanation.prediction]);
  lines.push(['sandbox', explanation.sandbox], ['cost', showSeconds(row.seconds)]);
  output.print(
    output.style(
      verdictStyle(verdictWords(row)) ?? 'bold',
      `${row.experiment}${row.champion ? ', the champion' : ''}${row.role === 'guard' ? ', a guard' : ''}`,
    ),
  );
  output.print(labelled(lines, output));
  for (const file of stat?.files ?? [])
    output.print(`            ${printable(file.path)}  +${file.added ?? '-'} −${file.removed ?? '-'}`);
  const { printAudits } = await import('./print-audits.ts');
  printAudits(output, explanation.audits);
  if (trials.length === 0) return;
  output.print('');
  const gains = new Map(pairs.map((pair) => [`${pair.stage}:${pair.pair}`, pair.gain]));
  output.table(
    [
      { title: 'trial' },
      { title: 'stage' },
      { title: 'pair', align: 'right' },
      { title: 'seed', align: 'right' },
      { title: 'side' },
      { title: metric, align: 'right' },
      { title: 'gain', align: 'right', dispensable: 1 },
      { title: 'seconds', align: 'right', dispensable: 2 },
      { title: 'ended', flexible: true },
    ],
    trials.map((trial) => [
      trial.trial + ((trial.attempt ?? 1) > 1 ? `.${trial.attempt}` : ''),
      trial.stage,
      String(trial.pair),
      String(trial.seed),
      trial.arm,
      showValue(trial.value, decimals === undefined ? undefined : decimals + 1),
      trial.arm === 'candidate' ? showGain(gains.get(`${trial.stage}:${trial.pair}`), decimals) : '',
      trial.wallSeconds === undefined ? '' : trial.wallSeconds.toFixed(1),
      printable(`${trial.failure ?? trial.status}${trial.reason === undefined ? '' : `: ${trial.reason}`}`),
    ]),
  );
}
