import path from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { directoryOf, examples, withCampaignArgument, withJson } from './options.ts';
import { openOutput } from './output.ts';

interface Options {
  readonly out?: string;
  readonly whole?: boolean;
}

/** `assay export`: everything that others need to check and use a campaign. */
export function registerExport(program: Command): void {
  withJson(
    withCampaignArgument(
      program.command('export').description('patch, tables and report of a campaign, to keep or to pass on'),
    ),
  )
    .option('--out <path>', "folder for the files (default: the campaign's own report folder)")
    .option('--whole', 'instead: the whole campaign, for `assay import` on another machine; needs --out')
    .addHelpText(
      'after',
      `${examples([['assay export --out evidence', 'results.tsv, results.json, trials.csv, champion.patch and report.html in ./evidence']])}

Files:
  results.tsv     one line an experiment, as karpathy/autoresearch writes it
  results.json    the same as assay results --json
  trials.csv      every trial with its seed, failed ones too
  champion.patch  from the starting files to the champion; git apply takes it
  report.html     one page that needs nothing else`,
    )
    .action(async (name: string | undefined, options: Options, command: Command) => {
      if (options.whole === true) {
        await exportWhole(name, options, command);
        return;
      }
      const { openCampaign } = await import('./open-campaign.ts');
      const { openRepository } = await import('./open-repository.ts');
      const directory = directoryOf(command);
      await using campaign = await openCampaign(directory, name);
      await using repository = await openRepository(campaign.folder.candidates);
      const { exportCampaign } = await import('../report/export/export-campaign.ts');
      const { state, store, folder } = campaign;
      const out = options.out === undefined ? folder.report : path.resolve(directory, options.out);
      const written = await exportCampaign({ state, store, repository, out, now: Date.now() });
      const output = openOutput(command);
      if (output.isJson) {
        output.json('assay.export.v1', { campaign: state.campaign, out, ...written });
        return;
      }
      for (const file of written.files) output.print(path.join(options.out ?? out, file));
      for (const { file, reason } of written.leftOut) output.warn(`${file} was left out: ${reason}`);
    });
}

async function exportWhole(name: string | undefined, options: Options, command: Command): Promise<void> {
  const { findCampaign } = await import('../engine/campaign-folder.ts');
  const { writeOutcome } = await import('../bundle/outcome.ts');
  if (options.out === undefined)
    throw new UserError('usage-export', '--whole needs a folder', 'say: assay export --whole --out <folder>');
  const directory = directoryOf(command);
  const out = path.resolve(directory, options.out);
  const outcome = await writeOutcome(await findCampaign(directory, name), out);
  const output = openOutput(command);
  const files = Object.keys(outcome.files).length;
  if (output.isJson) output.json('assay.outcome.v1', { out, ...outcome });
  else
    output.print(
      `campaign ${outcome.campaign}, ${files} files: on another machine take it in with: assay import ${options.out}`,
    );
}
