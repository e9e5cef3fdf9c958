import { Argument, type Command } from 'commander';
import { examples } from './options.ts';
import { openOutput } from './output.ts';

/** `assay completion`: a script for the shell, made from the program itself. */
export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .description('a script that teaches a shell to complete assay commands')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      examples([
        ['source <(assay completion bash)', 'for this shell; put it into ~/.bashrc for all'],
        ['source <(assay completion zsh)', 'the same in ~/.zshrc, after compinit'],
        ['assay completion fish | source', 'the same in ~/.config/fish/config.fish'],
      ]),
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('./completion-script.ts');
      openOutput().print(completionScript(program, shell).trimEnd());
    });
}
