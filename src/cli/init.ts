import { Option, type Command } from 'commander';
import { directoryOf, examples, positiveWholeNumber } from './options.ts';
import { type Output, openOutput, printable } from './output.ts';

/** Files of one folder that are named one by one. */
const MOST_NAMED = 6;

interface Options {
  readonly from?: string;
  readonly into?: string;
  readonly track?: number;
  readonly gpus?: number;
  readonly problem?: string;
  readonly data?: string;
  readonly substitutes?: boolean;
  readonly seconds?: number;
  readonly screenSeconds?: number;
}

export function registerInit(program: Command): void {
  program
    .command('init')
    .description(
      'make a new task: one that runs as it is, to be changed into your own, or one for a published benchmark',
    )
    .argument('<folder>', 'where; its last part names the task. With --from: the checkout, which is only read')
    .addOption(
      new Option('--from <benchmark>', 'make the task of a benchmark').choices([
        'autoresearch',
        'speedrun',
        'sol-execbench',
      ]),
    )
    .option('--into <folder>', 'with --from: where (default: beside the checkout, named after it)')
    .option('--track <number>', 'with --from speedrun: 1 (seconds) or 3 (steps) (default: 1)', positiveWholeNumber)
    .option('--gpus <number>', 'with --from speedrun: how many (default: 8, for track 3 one)', positiveWholeNumber)
    .option('--problem <folder>', 'with --from sol-execbench: folder of the problem in the checkout')
    .option('--data <folder>', 'with --from: where the data are, if not where the benchmark keeps them')
    .option(
      '--substitutes',
      'with --from autoresearch: attention of torch for FlashAttention-3, a deviation in every result',
    )
    .option('--seconds <number>', 'with --from autoresearch: of training (default: 300)', positiveWholeNumber)
    .option(
      '--screen-seconds <number>',
      'with --from autoresearch: of training in screens (default: as in all trials)',
      positiveWholeNumber,
    )
    .addHelpText(
      'after',
      examples([
        ['assay init my-task', 'then: assay check my-task --run'],
        ['assay init --from autoresearch ../autoresearch', 'then: assay check ../autoresearch-task'],
        ['assay init --from speedrun ../modded-nanogpt --track 3 --into track-3', 'steps, on one GPU'],
      ]),
    )
    .action(async (folder: string, options: Options, command: Command) => {
      const output = openOutput(command);
      const directory = directoryOf(command);
      if (options.from !== undefined)
        return await initFrom(output, directory, folder, { ...options, from: options.from });
      const { UserError } = await import('../errors.ts');
      const { flagOf } = await import('../task/adapters/adapter.ts');
      const [loose] = Object.keys(options);
      if (loose !== undefined)
        throw new UserError(
          'usage-option',
          `${flagOf(loose)} needs --from`,
          'assay init --from speedrun ../modded-nanogpt',
        );
      const { makeTask } = await import('./make-task.ts');
      const files = await makeTask(directory, folder);
      for (const file of files) output.print(`  ${file}`);
      output.print(`try it: assay check ${folder} --run, then assay run ${folder} --experiments 20`);
    });
}

async function initFrom(
  output: Output,
  directory: string,
  given: string,
  options: Options & { readonly from: string },
): Promise<void> {
  const path = await import('node:path');
  const { findAdapter } = await import('../task/adapters/adapters.ts');
  const { makeAdapterTask } = await import('../task/adapters/make-adapter-task.ts');
  const { from, into, data, ...rest } = options;
  const adapter = findAdapter(from);
  const checkout = path.resolve(directory, given);
  const beside = path.join(path.dirname(checkout), `${taskName(path.basename(checkout))}-task`);
  const folder = into === undefined ? beside : path.resolve(directory, into);
  const made = await makeAdapterTask(adapter, checkout, folder, {
    ...rest,
    ...(data === undefined ? {} : { data: path.resolve(directory, data) }),
  });
  const shown = path.relative(directory, folder) || '.';
  for (const file of made.files) output.print(`  ${path.join(shown, file)}`);
  output.print(`  of the checkout: ${byFolder(made.task.files.flatMap((file) => (file.ofCheckout ? file.path : [])))}`);
  if (!made.isKnownCommit) {
    const { commit, problem } = made.state;
    const what =
      commit === undefined
        ? `commit unknown (${problem ?? 'git does not say'})`
        : `commit ${commit.slice(0, 12)} is not the known one`;
    output.warn(
      `${printable(what)}: the task follows the rules of ${adapter.repository} at ${adapter.commit.slice(0, 12)}. The files it uses count by their content, sha256 ${made.filesHash.slice(0, 16)}`,
    );
  }
  const changed = (made.state.changed ?? []).filter((file) => made.task.files.some(({ path: used }) => used === file));
  if (changed.length > 0)
    output.warn(`changed since its commit, and used as it is now: ${printable(changed.join(', '))}`);
  for (const note of made.notes) output.print(`  note: ${printable(note)}`);
  output.print(`what this machine lacks for it: assay check ${shown}`);
}

/** Paths in words: a top folder with many files stands for them. */
function byFolder(paths: readonly string[]): string {
  const topOf = (path: string): string => path.split('/').slice(0, 2).join('/');
  const words = paths.map((path) => {
    const count = paths.filter((other) => topOf(other) === topOf(path)).length;
    return count > MOST_NAMED ? `${topOf(path)} (${count} files)` : path;
  });
  return [...new Set(words)].join(', ');
}

/** A folder's name as a task's: small letters, digits, single dashes. */
function taskName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '');
  return name === '' ? 'benchmark' : name;
}
