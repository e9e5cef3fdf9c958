import type { Argument, Command, Option } from 'commander';
import { EXIT_CODE_MEANINGS } from './exit-codes.ts';
import { JSON_SCHEMAS } from './json-schemas.ts';
import { createProgram } from './program.ts';

/** The page docs/reference/cli.md, made from the program itself. */
export function cliReference(): string {
  const program = createProgram();
  const commands = program.commands.filter((command) => command.name() !== 'help');
  return `${[
    '# Command line',
    '<!-- Generated from the program by scripts/generate-docs.ts. Do not edit. -->',
    program.description(),
    '```\nassay [--directory <path>] <command> …\n```',
    commands
      .map((command) => `- [\`assay ${command.name()}\`](#assay-${command.name()}): ${command.description()}`)
      .join('\n'),
    '## Options of every command',
    optionTable(visibleOptions(program)),
    ...commands.map(commandPage),
    '## Exit codes',
    table(
      ['code', 'meaning'],
      Object.entries(EXIT_CODE_MEANINGS).map(([code, meaning]) => [code, meaning]),
    ),
    '## JSON',
    'With `--json` a command prints one document (`log`: one a line). `schema` names its shape: within a version, fields are added and never changed. What is unknown is absent, never 0. Gains are in units of the metric and positive when better; times are milliseconds since 1970 unless the name says otherwise.',
    table(
      ['schema', 'printed by', 'fields'],
      Object.entries(JSON_SCHEMAS).map(([schema, { command, fields }]) => [`\`${schema}\``, `\`${command}\``, fields]),
    ),
    '## Environment',
    table(
      ['variable', 'meaning'],
      [
        ['`ASSAY_PYTHON`', 'interpreter for the trials; `--python` goes before it (default: one is found or built)'],
        [
          '`ASSAY_SANDBOX`',
          '`bubblewrap` or `process`, the weak one (default: bubblewrap where it works; every verdict says which)',
        ],
        ['`ASSAY_CACHE`', 'folder for environments and prepared data (default: `$XDG_CACHE_HOME/assay`)'],
        ['`ASSAY_NO_INSTALL`', '`1`: never install packages of the system'],
        ['`XDG_CACHE_HOME`', 'folder of caches (default: `~/.cache`)'],
        ['`NO_COLOR`', 'print without colours'],
        ['`FORCE_COLOR`', 'print colours also into a pipe'],
      ],
    ),
  ].join('\n\n')}\n`;
}

function commandPage(command: Command): string {
  const help = command.createHelp();
  const parts = [
    `## \`assay ${command.name()}\``,
    sentence(command.description()),
    `\`\`\`\nassay ${command.name()} ${command.usage()}\n\`\`\``,
  ];
  if (command.registeredArguments.length > 0) {
    parts.push(
      table(
        ['argument', 'meaning'],
        command.registeredArguments.map((argument) => [
          `\`${argumentName(argument)}\``,
          escapeCell(help.argumentDescription(argument)),
        ]),
      ),
    );
  }
  const options = visibleOptions(command).filter((option) => option.long !== '--help');
  if (options.length > 0) parts.push(optionTable(options));
  const after = afterText(command);
  if (after !== '') parts.push(`\`\`\`\n${after}\n\`\`\``);
  return parts.join('\n\n');
}

/** What `.addHelpText('after', …)` adds: examples and notes. */
function afterText(command: Command): string {
  let text = '';
  const output = command.configureOutput();
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  command.configureOutput(output);
  return text.slice(command.helpInformation().length).trim();
}

function visibleOptions(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function optionTable(options: readonly Option[]): string {
  return table(
    ['option', 'meaning'],
    options.map((option) => {
      const choices = option.argChoices
        ? ` One of ${option.argChoices.map((choice) => `\`${choice}\``).join(', ')}.`
        : '';
      const standard = option.defaultValue === undefined ? '' : ` Default: \`${JSON.stringify(option.defaultValue)}\`.`;
      return [
        `\`${escapeCell(option.flags)}\``,
        `${escapeCell(option.description)}${choices || standard ? '.' : ''}${choices}${standard}`,
      ];
    }),
  );
}

function argumentName(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
