import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { CampaignFolder } from '../engine/campaign-folder.ts';
import { UserError } from '../errors.ts';
import type { Task } from '../task/task.ts';
import { directoryOf, examples, withJson } from './options.ts';
import { openOutput } from './output.ts';

interface Options {
  readonly out?: string;
  readonly maxSize: string;
  readonly data?: boolean;
  readonly wheels?: string | boolean;
  readonly python?: string;
}

/** `assay bundle`: one archive that runs a campaign where there is neither Node nor a network. */
export function registerBundle(program: Command): void {
  withJson(
    program.command('bundle').description('one archive that runs a campaign on a machine without Node and network'),
  )
    .argument('<what>', 'folder of a task, the name of one that ships with Assay, or the name of a campaign')
    .option('--out <file>', 'the archive (default: assay-<name>.tar.xz)')
    .option('--max-size <size>', 'refuse to write more than this, compressed', size, '64MiB')
    .option('--data', "bring the task's prepared data (else it is prepared there)")
    .option('--wheels [folder]', 'bring Python wheels: of a folder, or what the task requires, from pip')
    .option('--python <path>', 'interpreter for packing and for pip (default: python3)')
    .addHelpText(
      'after',
      `${examples([
        ['assay bundle starter', 'assay-starter.tar.xz'],
        ['assay bundle nanochat-cpu --data', 'with its data'],
        ['assay bundle nanochat-cpu-vanilla', 'a campaign, to reproduce its champion there'],
      ])}

There: tar xf assay-starter.tar.xz && sh assay-starter/run.sh --experiments 20
and back here, with the folder 'outcome' that it left: assay import outcome`,
    )
    .action(async (what: string, options: Options, command: Command) => {
      const { makeBundle } = await import('../bundle/make-bundle.ts');
      const { mebibytes } = await import('../bundle/archive.ts');
      const { sizeInBytes } = await import('../task/units.ts');
      const output = openOutput(command);
      const directory = directoryOf(command);
      const { task, campaign } = await find(directory, what);
      const name = campaign?.name ?? task.name;
      const archive = await makeBundle({
        task,
        ...(campaign === undefined ? {} : { campaign }),
        out: path.resolve(directory, options.out ?? `assay-${name}.tar.xz`),
        maxBytes: sizeInBytes(options.maxSize),
        data: options.data === true,
        wheels: typeof options.wheels === 'string' ? path.resolve(directory, options.wheels) : options.wheels === true,
        python: options.python ?? 'python3',
        report: (message) => {
          if (!output.isJson) output.print(output.style('dim', message));
        },
      });
      if (output.isJson) {
        output.json('assay.bundle.v1', { name, task: task.name, campaign: campaign?.name, ...archive });
        return;
      }
      output.print(`${archive.file}: ${mebibytes(archive.bytes)}, ${mebibytes(archive.unpackedBytes)} unpacked`);
      for (const [part, bytes] of Object.entries(archive.parts).sort(([, left], [, right]) => right - left))
        output.print(`  ${part.padEnd(12)} ${mebibytes(bytes)}`);
      output.print(`sha256 ${archive.sha256}`);
      output.print(`there: tar xf ${path.basename(archive.file)} && sh assay-${name}/run.sh`);
    });
}

async function find(directory: string, what: string): Promise<{ task: Task; campaign?: CampaignFolder }> {
  const { existsSync } = await import('node:fs');
  const { campaignFolder, listCampaigns } = await import('../engine/campaign-folder.ts');
  const { loadTask } = await import('../task/load-task.ts');
  const { taskFolder } = await import('./find-task.ts');
  const place = taskFolder(directory, what);
  const isTask = existsSync(path.join(place, 'task.yaml'));
  if (!(await listCampaigns(directory)).includes(what)) return { task: await loadTask(place) };
  if (isTask)
    throw new UserError(
      'usage-bundle',
      `'${what}' is a campaign and a task`,
      `for the task, say: assay bundle ./${what}`,
    );
  const campaign = campaignFolder(directory, what);
  return { task: await loadTask(campaign.task), campaign };
}

function size(text: string): string {
  if (/^\d+(?:\.\d+)? ?(B|kB|MB|GB|KiB|MiB|GiB|TiB)$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a size such as 64MiB.');
}
