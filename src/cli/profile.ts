import type { Command } from 'commander';
import { directoryOf, examples, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';

interface Options {
  readonly dry?: boolean;
  readonly python?: string;
}

/** `assay profile`: where the time of an experiment's program goes. */
export function registerProfile(program: Command): void {
  withJson(
    program
      .command('profile')
      .description("where an experiment's time goes: its commit run for a few steps under a profiler, in no trial"),
  )
    .argument('<experiment>', "e12, 'champion', 'baseline' or a commit")
    .argument('[campaign]', 'name of the campaign (default: the one used last, red teams aside)')
    .option('--dry', 'only run and print: nothing is written, so it may run beside an engine')
    .option('--python <path>', 'interpreter (default: found or built; also $ASSAY_PYTHON)')
    .addHelpText(
      'after',
      `${examples([
        ['assay profile champion', 'top kernels, idle share, MFU, memory'],
        ['assay profile baseline --dry --json', 'for a script, without a trace in the log'],
      ])}

The candidate's own process writes the profile, so it is a claim: 'assay why' shows it and proposers are told of it, and nothing is
decided by it. The task needs a phase with 'stages: [profile]'; a campaign of such a task profiles each champion by itself.`,
    )
    .action(async (word: string, name: string | undefined, options: Options, command: Command) => {
      const { findCampaign } = await import('../engine/campaign-folder.ts');
      const { profileExperiment } = await import('../engine/profile/profile-experiment.ts');
      const { findExperiment } = await import('./open-campaign.ts');
      const { listenForInterruption } = await import('./interruption.ts');
      const output = openOutput(command);
      const folder = await findCampaign(directoryOf(command), name);
      const say = (text: string): void => {
        if (!output.isJson) output.print(output.style('dim', printable(text)));
      };
      using controls = listenForInterruption(say);
      const report = await profileExperiment({
        folder,
        choose: (state) => findExperiment(state, word),
        signal: AbortSignal.any([controls.stop, controls.abort]),
        ...(options.python === undefined ? {} : { python: options.python }),
        dry: options.dry === true,
        report: ({ message }) => say(`set-up: ${message}`),
      });
      if (output.isJson) return output.json('assay.profile.v1', report);
      output.print(output.style('bold', `${report.experiment}, as its own process said: a claim that nobody checked`));
      for (const line of report.lines) output.print(`  ${printable(line)}`);
      output.print(
        output.style('dim', report.isRecorded ? 'it was written to the log' : 'nothing was written (--dry)'),
      );
    });
}
