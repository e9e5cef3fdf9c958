import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';

/** The global `--directory`, absolute. Default: the current directory. */
export function directoryOf(command: Command): string {
  const { directory } = command.optsWithGlobals<{ directory?: string }>();
  return path.resolve(directory ?? '.');
}

/** `--json` on a command that prints data. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON for scripts instead of text');
}

/** `[campaign]` as the last argument of a command that is about a whole campaign. */
export function withCampaignArgument(command: Command): Command {
  return command.argument('[campaign]', 'name of the campaign (default: the one used last, red teams aside)');
}

/** `--campaign` on a command whose arguments are experiments. */
export function withCampaignOption(command: Command): Command {
  return command.option('-c, --campaign <name>', 'name of the campaign (default: the one used last, red teams aside)');
}

/** For `.option('--top <number>', …, wholeNumber)`. */
export function wholeNumber(text: string): number {
  const number = wholeNumberOf(text);
  if (number === undefined) throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  return number;
}

/** For counts of which there must be one at least. */
export function positiveWholeNumber(text: string): number {
  const number = wholeNumberOf(text);
  if (number === undefined || number < 1) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return number;
}

function wholeNumberOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Help text with commands to copy, for `.addHelpText('after', …)`. */
export function examples(lines: readonly (readonly [command: string, meaning: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`).join('\n')}`;
}
