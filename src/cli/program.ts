import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { COMMAND_GROUPS } from './commands.ts';
import { examples } from './options.ts';
import { styleError } from './output.ts';

/** The whole command line, not yet parsed. Help, completion and the reference page are made from it. */
export function createProgram(): Command {
  const program = new Command('assay')
    .description('Machine-learning research that runs by itself, and keeps only what reproduces.')
    .version(readVersion(), '-V, --version', 'print the version')
    .option(
      '--directory <path>',
      'work in this directory instead of the current one; campaigns live in its .assay folder',
    )
    .helpOption('-h, --help', 'print help for a command')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(inOurForm(text)) })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      examples([
        ['assay run tasks/demo', 'start a campaign'],
        ['assay status', 'what the campaign that was used last is doing'],
        ['assay results --top 5', 'the best experiments so far'],
        ['assay why e12', 'why e12 got its verdict'],
        ['assay export --out evidence', 'patch, tables and report'],
      ]),
    );
  for (const { heading, register } of COMMAND_GROUPS) {
    program.commandsGroup(heading);
    for (const each of register) each(program);
  }
  return program.helpCommand('help [command]', 'print help for a command');
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return hasVersion && typeof manifest.version === 'string' ? manifest.version : 'unknown';
}

/** Commander's `(Did you mean x?)` as the hint that every other error has. */
function inOurForm(text: string): string {
  return text
    .replace(/^error: /, `${styleError('red', 'error:')} `)
    .replace(/\n?\(Did you mean (.*)\?\)/, '\n  hint: did you mean $1?');
}
