import type { Command, Option } from 'commander';

/** What completion knows of one command. */
interface Shape {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
  readonly words: readonly string[];
}

/** A script for the shell. Complete by itself: nothing of Assay runs while a person types. */
export function completionScript(program: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const shapes = commandShapes(program);
  const global = visibleOptions(program);
  switch (shell) {
    case 'bash':
      return bashScript(program.name(), shapes, global);
    case 'zsh':
      // zsh runs bash's completions; compgen and complete come with bashcompinit.
      return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(program.name(), shapes, global)}`;
    case 'fish':
      return fishScript(program.name(), shapes, global);
    default:
      return shell satisfies never;
  }
}

function commandShapes(program: Command): readonly Shape[] {
  const shapes = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: visibleOptions(command),
    words: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  }));
  return [
    ...shapes,
    { name: 'help', description: 'print help for a command', options: [], words: shapes.map(({ name }) => name) },
  ];
}

function visibleOptions(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function flags(option: Option): readonly string[] {
  return [option.short, option.long].filter((flag) => flag !== undefined);
}

function bashScript(name: string, shapes: readonly Shape[], global: readonly Option[]): string {
  const every = [...shapes.flatMap(({ options }) => options), ...global];
  const takingValue = [...new Set(every.filter(takesValue).flatMap(flags))];
  const folders = [...new Set(every.filter(isPath).flatMap(flags))];
  const choices = new Map(
    every.filter((option) => option.argChoices).map((option) => [flags(option).join('|'), option.argChoices ?? []]),
  );
  const globalWords = global.flatMap(flags).join(' ');
  const cases = shapes.map(
    (shape) =>
      `    ${shape.name}) words="${[...shape.words, ...shape.options.flatMap(flags)].join(' ')} ${globalWords}" ;;`,
  );
  return `_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" words="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${takingValue.join('|') || '--'}) ((i++)) ;;
      -*) ;;
      *) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "$previous" in
    ${folders.join('|') || '--'}) COMPREPLY=($(compgen -d -- "$current")); return ;;
${[...choices].map(([flag, values]) => `    ${flag}) COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$current")); return ;;`).join('\n')}
  esac
  case "$command" in
    "") words="${shapes.map((shape) => shape.name).join(' ')} ${globalWords}" ;;
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${name} ${name}
`;
}

function fishScript(name: string, shapes: readonly Shape[], global: readonly Option[]): string {
  const lines = [`complete -c ${name} -f`];
  for (const option of global) lines.push(fishOption(name, option));
  for (const shape of shapes) {
    lines.push(`complete -c ${name} -n __fish_use_subcommand -a ${shape.name} -d ${fishQuote(shape.description)}`);
    const condition = `'__fish_seen_subcommand_from ${shape.name}'`;
    if (shape.words.length > 0)
      lines.push(`complete -c ${name} -n ${condition} -a ${fishQuote(shape.words.join(' '))}`);
    for (const option of shape.options) lines.push(fishOption(name, option, condition));
  }
  return `${lines.join('\n')}\n`;
}

function fishOption(name: string, option: Option, condition?: string): string {
  const parts = [`complete -c ${name}`];
  if (condition !== undefined) parts.push(`-n ${condition}`);
  if (option.short !== undefined) parts.push(`-s ${option.short.slice(1)}`);
  if (option.long !== undefined) parts.push(`-l ${option.long.slice(2)}`);
  if (option.argChoices) parts.push(`-x -a ${fishQuote(option.argChoices.join(' '))}`);
  else if (isPath(option)) parts.push("-x -a '(__fish_complete_directories)'");
  else if (takesValue(option)) parts.push('-x');
  return `${parts.join(' ')} -d ${fishQuote(option.description)}`;
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** By the name of its value: `--directory <path>`. */
function isPath(option: Option): boolean {
  return /<(path|directory|folder|dir)>/.test(option.flags);
}

function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
