import type { Command } from 'commander';
import { directoryOf, examples } from './options.ts';
import { openOutput } from './output.ts';

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('make a new task that runs as it is, to be changed into your own')
    .argument('<folder>', 'where; its last part names the task')
    .addHelpText('after', examples([['assay init my-task', 'then: assay check my-task --run']]))
    .action(async (folder: string, _options: object, command: Command) => {
      const { makeTask } = await import('./make-task.ts');
      const output = openOutput(command);
      const files = await makeTask(directoryOf(command), folder);
      for (const file of files) output.print(`  ${file}`);
      output.print(`try it: assay check ${folder} --run, then assay run ${folder} --experiments 20`);
    });
}
