import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { experimentLimit, minuteLimit, newLimits, NOTHING_USED, type LimitOptions } from './limits.ts';
import { directoryOf, examples, positiveWholeNumber, wholeNumber } from './options.ts';
import { openOutput } from './output.ts';

interface Options extends LimitOptions {
  readonly name?: string;
  readonly start?: string;
  readonly slots?: number;
  readonly searchSeed?: number;
  readonly python?: string;
  readonly new?: boolean;
}

export function registerRun(program: Command): void {
  program
    .command('run')
    .description('start a campaign on a task, or go on with the one that exists')
    .argument('<task>', 'folder of a task, or the name of one that ships with Assay')
    .option('--experiments <n>', "stop after so many experiments in all; '+40': 40 more than now", experimentLimit)
    .option('--minutes <n>', "stop after so many minutes of work in all; '+5': 5 more", minuteLimit)
    .option('--start <name>', "starting point (default: the task's first)")
    .option('--name <name>', 'name of the campaign (default: task and starting point)')
    .option('--new', 'start a new campaign even if one of this name exists')
    .option('--slots <n>', 'trials at once (default: as many as the machine has room for)', positiveWholeNumber)
    .option('--search-seed <n>', "seed of the search's own choices (default: drawn)", wholeNumber)
    .option('--python <path>', 'interpreter for the trials (default: found or built; also $ASSAY_PYTHON)')
    .addHelpText(
      'after',
      examples([
        ['assay run nanochat-cpu --experiments 40', 'forty experiments'],
        ['assay run nanochat-cpu --start strong --minutes 30', 'half an hour from the strong start'],
        ['assay run my-task --new', 'a second campaign on the same task'],
      ]),
    )
    .action(async (taskName: string, options: Options, command: Command) => {
      const { loadTask } = await import('../task/load-task.ts');
      const { campaignFolder, isRedTeam, listCampaigns } = await import('../engine/campaign-folder.ts');
      const { createCampaign } = await import('../engine/create-campaign.ts');
      const { detectSlots } = await import('../executor/local/detect-slots.ts');
      const { taskFolder } = await import('./find-task.ts');
      const { runCampaign } = await import('./run-campaign.ts');
      const { usedSoFar } = await import('./used-so-far.ts');
      const output = openOutput(command);
      const directory = directoryOf(command);
      const task = await loadTask(taskFolder(directory, taskName));
      const start = options.start ?? task.starts[0];
      task.filesFor(start);
      const existing = await listCampaigns(directory);
      const wanted = options.name ?? `${task.name}-${start}`;
      if (isRedTeam(wanted)) {
        throw new UserError(
          'usage-red-team',
          `'${wanted}' would name a campaign of the red team, which proposes nothing`,
          'give it a name that begins otherwise: --name <name>',
        );
      }
      const name = options.new ? freeName(wanted, existing) : wanted;
      if (existing.includes(name)) {
        const folder = campaignFolder(directory, name);
        const used = await usedSoFar(folder);
        if (used) {
          output.print(
            `campaign ${name} exists (${used.experiments} experiments so far) and goes on; --new starts another`,
          );
          await runCampaign(folder, newLimits(options, used), options, output);
          return;
        }
      }
      const limits = newLimits(options, NOTHING_USED) ?? {};
      const { searchSeed, slots } = options;
      const { cores, gpus } = task.spec.resources;
      // Before anything is made: a campaign that can't run here is not begun.
      await detectSlots({ coresPerSlot: cores, gpusPerSlot: gpus, ...(slots === undefined ? {} : { slots }) });
      const folder = await createCampaign({
        directory,
        name,
        task,
        start,
        limits,
        ...(searchSeed === undefined ? {} : { searchSeed }),
      });
      await runCampaign(folder, undefined, options, output);
    });
}

function freeName(wanted: string, existing: readonly string[]): string {
  if (!existing.includes(wanted)) return wanted;
  let number = 2;
  while (existing.includes(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}
