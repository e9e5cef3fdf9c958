import type { Command } from 'commander';
import { limit, newLimits, type LimitOptions } from './limits.ts';
import { directoryOf, examples, withCampaignArgument, wholeNumber } from './options.ts';
import { openOutput } from './output.ts';

interface Options extends LimitOptions {
  readonly slots?: number;
  readonly python?: string;
}

export function registerResume(program: Command): void {
  withCampaignArgument(
    program.command('resume').description('go on with a campaign that was stopped, killed or finished'),
  )
    .option('--experiments <n>', "stop after so many experiments in all; '+40': 40 more than now", limit)
    .option('--minutes <n>', "stop after so many minutes of work in all; '+5': 5 more", limit)
    .option('--slots <n>', 'trials at once (default: as many as the machine has room for)', wholeNumber)
    .option('--python <path>', 'interpreter for the trials (default: found or built; also $ASSAY_PYTHON)')
    .addHelpText(
      'after',
      examples([
        ['assay resume', 'the campaign used last, with the limits it has'],
        ['assay resume nanochat-cpu-vanilla --experiments +25', '25 experiments more'],
      ]),
    )
    .action(async (name: string | undefined, options: Options, command: Command) => {
      const { findCampaign } = await import('../engine/campaign-folder.ts');
      const { runCampaign } = await import('./run-campaign.ts');
      const { usedSoFar } = await import('./used-so-far.ts');
      const output = openOutput(command);
      const folder = await findCampaign(directoryOf(command), name);
      const limits = newLimits(options, (await usedSoFar(folder)) ?? { experiments: 0, minutes: 0 });
      await runCampaign(folder, limits, options, output);
    });
}
