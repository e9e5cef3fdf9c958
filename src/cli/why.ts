import type { Command } from 'commander';
import type { Explanation } from '../report/why.ts';
import { directoryOf, examples, withCampaignOption, withJson } from './options.ts';
import { openOutput, printable, type Output } from './output.ts';

/** `assay why`: a verdict in numbers and plain words. */
export function registerWhy(program: Command): void {
  withJson(withCampaignOption(program.command('why').description('why an experiment got its verdict, stage by stage')))
    .argument('<experiment>', "e12, 'champion', 'baseline' or a commit")
    .addHelpText(
      'after',
      examples([
        ['assay why e12', 'every stage that e12 went through'],
        ['assay why champion', 'why the champion is the champion'],
      ]),
    )
    .action(async (word: string, options: { campaign?: string }, command: Command) => {
      const { findExperiment, openCampaign } = await import('./open-campaign.ts');
      await using campaign = await openCampaign(directoryOf(command), options.campaign);
      const { explainVerdict } = await import('../report/why.ts');
      const { state, store } = campaign;
      const id = findExperiment(state, word);
      const explanation = await explainVerdict(state, id, store.read({ experiment: id }));
      const output = openOutput(command);
      if (output.isJson) output.json('assay.why.v1', { campaign: state.campaign, ...explanation });
      else await printExplanation(explanation, output);
    });
}

async function printExplanation(explanation: Explanation, output: Output): Promise<void> {
  const { labelled } = await import('./labelled-lines.ts');
  const { count, showSeconds } = await import('../report/numbers.ts');
  const { verdictStyle } = await import('./verdict-style.ts');
  const { verdictWords } = await import('../report/results.ts');
  const { row, stages, cost } = explanation;
  output.print(output.style(verdictStyle(verdictWords(row)) ?? 'bold', printable(explanation.headline)));
  output.print('');
  output.print(
    labelled(
      [
        ['hypothesis', row.statement],
        ['because', explanation.rationale],
      ],
      output,
    ),
  );
  for (const stage of stages) {
    output.print('');
    output.print(output.style('bold', `${stage.stage}: ${stage.result}`));
    output.print(
      labelled(
        [
          ['  asked', stage.asked],
          ...(stage.seen === undefined ? [] : [['  seen', stage.seen] as const]),
          ['  so', stage.outcome],
        ],
        output,
      ),
    );
  }
  output.print('');
  const more = explanation.reasons.slice(1).map((reason) => ['also', reason] as const);
  const facts: (readonly [string, string | undefined])[] = [
    ['fell', explanation.fall],
    ...explanation.reproductions.map((words) => ['reproduced', words] as const),
    ...more,
    ['prediction', explanation.prediction],
    ['quote', explanation.quote],
    ...(explanation.profile?.lines ?? []).map((line, index) => [index === 0 ? 'profile' : '', line] as const),
    ['looks', explanation.looks],
    ['sandbox', explanation.sandbox],
    ['cost', `${showSeconds(cost.seconds)} in ${count(cost.trials, 'trial')}, ${count(cost.attempts, 'attempt')}`],
  ];
  output.print(
    labelled(
      facts.flatMap(([label, text]) => (text === undefined ? [] : [[label, text] as const])),
      output,
    ),
  );
}
