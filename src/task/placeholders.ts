import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { UserError } from '../errors.ts';
import { suggestWord } from './nearest-word.ts';

/** What a placeholder in a command or a variable can stand for. `{{` and `}}` are plain braces. */
const PLACEHOLDERS = {
  python: "the environment's interpreter",
  result: "the file that a judge's phase writes",
  seed: "the trial's seed",
  stage: 'the stage of the gate',
  workspace: "the folder with the candidate's files",
  output: 'the folder for what a phase leaves to the next',
  task: "the task's own folder",
  out: 'the folder that prepared data goes into',
} as const;

export type PlaceholderName = keyof typeof PLACEHOLDERS;

const PATTERN = /\{\{|\}\}|\{([A-Za-z_]+)(?::([^{}]*))?\}/g;

/** Names of the placeholders in a text; a package as `package:NAME`. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(PATTERN)].flatMap((match) => {
    if (match[1] === undefined) return [];
    return [match[2] === undefined ? match[1] : `${match[1]}:${match[2]}`];
  });
}

/**
 * Fills in the placeholders.
 *
 * @throws UserError if one is unknown or has no value here.
 */
export function expandPlaceholders(text: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): string {
  return text.replaceAll(PATTERN, (whole, name: string | undefined, argument: string | undefined) => {
    if (name === undefined) return whole === '{{' ? '{' : '}';
    if (name === 'package' && argument !== undefined) return requirePackage(argument).folder;
    const value = argument === undefined ? values[name as PlaceholderName] : undefined;
    if (value !== undefined) return value;
    throw new UserError(
      'placeholder-unknown',
      `'${whole}' in '${text}' has no value here`,
      `Known here: ${Object.keys(values)
        .map((known) => `{${known}}`)
        .join(', ')}. A plain brace is written '{{'.`,
    );
  });
}

/** Why a placeholder may not stand here, as the completion of "expected …"; undefined if it may. */
export function placeholderMistake(
  placeholder: string,
  allowed: readonly PlaceholderName[],
): { expected: string; remedy: string | undefined } | undefined {
  const [name = '', argument] = placeholder.split(/:(.*)/s, 2);
  if (name === 'package' && argument !== undefined) {
    if (findPackage(argument) !== undefined) return undefined;
    return {
      expected: `an installed npm package, '${argument}' is not`,
      remedy: `Install it beside Assay: npm install ${argument}`,
    };
  }
  if (argument === undefined && allowed.includes(name as PlaceholderName)) return undefined;
  const known = [...allowed, 'package:NAME'].map((word) => `{${word}}`);
  const remedy = suggestWord(`{${placeholder}}`, known) ?? "A plain brace is written '{{'";
  return { expected: `one of ${known.join(', ')}`, remedy };
}

export interface NpmPackage {
  readonly folder: string;
  readonly version: string;
}

/** The npm package of this name that Assay itself would get; undefined if none is installed. */
export function findPackage(name: string): NpmPackage | undefined {
  if (!/^(?:@[\w.-]+\/)?[\w-][\w.-]*$/.test(name)) return undefined;
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    const manifest = join(candidate, 'package.json');
    if (existsSync(manifest)) {
      const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string };
      return { folder: candidate, version: version ?? '0.0.0' };
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function requirePackage(name: string): NpmPackage {
  const found = findPackage(name);
  if (found !== undefined) return found;
  throw new UserError(
    'package-missing',
    `the npm package '${name}' is not installed beside Assay`,
    `npm install ${name}`,
  );
}
