/*
 * The command line.
 *
 * How a command is added:
 *
 * 1. `src/cli/<name>.ts` exports `register<Name>(program: Command): void`, which calls `program.command('<name> …')` with description,
 *    arguments, options and `.addHelpText('after', examples([...]))`, and ends with `.action(async (…, options, command) => { … })`.
 * 2. The file imports at its top only types, `./output.ts`, `./options.ts` and `../errors.ts`. Everything else comes by
 *    `await import('…')` inside the action: a command must not pay for the modules of another.
 * 3. One line in `commands.ts` (alphabetical within its group) makes it known.
 *
 * What an action may rely on:
 *
 * - `directoryOf(command)` of `./options.ts`: the value of the global `--directory`, absolute.
 * - `openOutput(command)` of `./output.ts`: `print(text)`, `json(schema, data)`, `table(columns, rows)`, `style(format, text)`, `warn(text)`.
 *   It knows `--json`, colours, the width, and swallows a closed pipe (`output.isClosed` says so; a follower ends then).
 * - A mistake of a person is a thrown `UserError`: printed as `error: message` and `  hint: …`, exit code by `exit-codes.ts`.
 *   Anything else that is thrown is a bug of ours: it is printed with its stack, exit code 1.
 * - To end with another code without an error, set `process.exitCode` and return. No command calls `process.exit`.
 * - A command that handles SIGINT itself sets `process.exitCode = EXIT.interrupted` where it was interrupted.
 */
import { CommanderError } from 'commander';
import { describeError, UserError } from '../errors.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { guardPipes, printable, styleError } from './output.ts';
import { createProgram } from './program.ts';

/**
 * Runs one command.
 *
 * @param words what was typed after `assay`.
 * @returns the exit code. Never rejects.
 */
export async function main(words: readonly string[]): Promise<number> {
  guardPipes();
  try {
    const program = createProgram();
    if (words.length === 0) {
      program.outputHelp();
      return EXIT.ok;
    }
    await program.parseAsync([...words], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.stderr.write(errorText(error));
    return exitCodeOf(error);
  }
}

/** What a person sees of an error. */
export function errorText(error: unknown): string {
  const label = styleError('red', 'error:');
  if (error instanceof UserError)
    return `${label} ${printable(error.message, { lines: true })}\n  hint: ${printable(error.hint, { lines: true })}\n`;
  if (error instanceof Error && error.name === 'AbortError') return `${label} interrupted\n`;
  const details = error instanceof Error ? (error.stack ?? error.message) : describeError(error);
  return `${label} this is a bug in Assay: ${printable(details, { lines: true })}\n`;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
