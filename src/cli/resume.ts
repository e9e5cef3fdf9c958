import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { experimentLimit, minuteLimit, newLimits, type LimitOptions } from './limits.ts';
import { directoryOf, examples, positiveWholeNumber, withCampaignArgument } from './options.ts';
import { openOutput } from './output.ts';

interface Options extends LimitOptions {
  readonly slots?: number;
  readonly python?: string;
  readonly acceptChanges?: boolean;
}

export function registerResume(program: Command): void {
  withCampaignArgument(
    program.command('resume').description('go on with a campaign that was stopped, killed or finished'),
  )
    .option('--experiments <n>', "stop after so many experiments in all; '+40': 40 more than now", experimentLimit)
    .option('--minutes <n>', "stop after so many minutes of work in all; '+5': 5 more", minuteLimit)
    .option('--slots <n>', 'trials at once (default: as many as the machine has room for)', positiveWholeNumber)
    .option('--python <path>', 'interpreter for the trials (default: found or built; also $ASSAY_PYTHON)')
    .option(
      '--accept-changes',
      'go on though Assay, the environment, the data, the task or the device are not what it began with',
    )
    .addHelpText(
      'after',
      examples([
        ['assay resume', 'the campaign used last, with the limits it has'],
        ['assay resume nanochat-cpu-vanilla --experiments +25', '25 experiments more'],
      ]),
    )
    .action(async (name: string | undefined, options: Options, command: Command) => {
      const { findCampaign, isRedTeam } = await import('../engine/campaign-folder.ts');
      const { runCampaign } = await import('./run-campaign.ts');
      const { usedSoFar } = await import('./used-so-far.ts');
      const output = openOutput(command);
      const folder = await findCampaign(directoryOf(command), name);
      if (isRedTeam(folder.name)) {
        throw new UserError(
          'usage-red-team',
          `${folder.name} is a campaign of the red team: it proposes nothing, so there are no experiments to go on with`,
          'attack again with: assay redteam <task>; or name another campaign',
        );
      }
      const used = await usedSoFar(folder);
      if (!used) {
        throw new UserError(
          'campaign-empty',
          `campaign ${folder.name} was interrupted before it was made: there is nothing to go on with`,
          'make it with the command that began it: assay run <task>',
        );
      }
      await runCampaign(folder, newLimits(options, used), options, output);
    });
}
