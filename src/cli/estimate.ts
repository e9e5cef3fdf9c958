import type { Command } from 'commander';
import { directoryOf, examples, positiveWholeNumber, withJson } from './options.ts';
import { openOutput } from './output.ts';

interface Options {
  readonly experiments: number;
  readonly slots?: number;
}

export function registerEstimate(program: Command): void {
  withJson(
    program
      .command('estimate')
      .description('how many trials and how much time a campaign would take, before it starts'),
  )
    .argument('<task>', 'folder of a task, or the name of one that ships with Assay')
    .option('--experiments <n>', 'experiments of the campaign', positiveWholeNumber, 100)
    .option('--slots <n>', 'trials at once (default: as many as the machine has room for)', positiveWholeNumber)
    .addHelpText(
      'after',
      examples([['assay estimate nanochat-cpu --experiments 150', 'trials, hours, and what they rest on']]),
    )
    .action(async (name: string, options: Options, command: Command) => {
      const { estimateCampaign } = await import('../engine/estimate.ts');
      const { loadTask } = await import('../task/load-task.ts');
      const { taskFolder } = await import('./find-task.ts');
      const { showSeconds } = await import('../report/numbers.ts');
      const output = openOutput(command);
      const task = await loadTask(taskFolder(directoryOf(command), name));
      const estimate = await estimateCampaign(task, { directory: directoryOf(command), ...options });
      if (output.isJson) {
        output.json('assay.estimate.v1', estimate);
        return;
      }
      output.print(`${options.experiments} experiments on ${task.name}, ${estimate.slots} slots`);
      for (const { stage, trials } of estimate.stages)
        output.print(`  ${stage.padEnd(10)} ${Math.round(trials)} trials`);
      output.print(`  one trial  ${showSeconds(estimate.trialSeconds)} (${estimate.trialSecondsSource})`);
      output.print(
        `  in all     ${Math.round(estimate.trials)} trials, about ${showSeconds(estimate.wallSeconds)} of wall time (${estimate.rateSource})`,
      );
    });
}
