import path from 'node:path';
import type { Command } from 'commander';
import { directoryOf, examples, withJson } from './options.ts';
import { openOutput, printable } from './output.ts';

/** `assay import`: a campaign that ran elsewhere, to be read and reproduced here. */
export function registerImport(program: Command): void {
  withJson(program.command('import').description('take in a campaign that ran on another machine'))
    .argument('<folder>', "the outcome folder of a bundle's run.sh, or of: assay export --whole")
    .addHelpText(
      'after',
      `${examples([['assay import outcome', 'then: assay results, assay reproduce champion']])}

Every file, event and commit is checked first, and nothing is written over. Numbers never cross machines: the campaign can be
read, exported and reproduced here, and resumed only on the device it was measured on.`,
    )
    .action(async (folder: string, _options: object, command: Command) => {
      const { importCampaign } = await import('../bundle/import-campaign.ts');
      const { labelled } = await import('./labelled-lines.ts');
      const { count } = await import('../report/numbers.ts');
      const directory = directoryOf(command);
      const output = openOutput(command);
      const report = await importCampaign(directory, path.resolve(directory, folder));
      const { imported, machine, remarks, events, candidates } = report;
      const { name, root } = report.folder;
      if (output.isJson) {
        output.json('assay.import.v1', {
          campaign: name,
          folder: root,
          ...imported,
          machine,
          events,
          candidates,
          remarks,
        });
        return;
      }
      const gpus = machine.gpus.length === 0 ? '' : `, ${machine.gpus.join(', ')}`;
      output.print(`campaign ${name} is in ${root}`);
      output.print(
        labelled(
          [
            ['device', printable(imported.devices.join('; '))],
            ['sandbox', imported.sandboxes.join(', ')],
            ['machine', printable(`${machine.system}, ${machine.cores} cores of ${machine.processor}${gpus}`)],
            ['checked', `${count(events, 'event')}, ${count(candidates, 'candidate')}`],
            ...remarks.map((remark): [string, string] => ['note', printable(remark)]),
          ],
          output,
        ),
      );
    });
}
