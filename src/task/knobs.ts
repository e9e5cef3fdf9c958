import type { KnobValue } from '../domain/hypothesis.ts';
import { UserError } from '../errors.ts';
import { type KnobDomain, knobDomain } from './knob-range.ts';
import { type Constant, scanConstants } from './scan-constants.ts';
import type { KnobSettings } from './schema.ts';
import type { Task } from './task.ts';

export type { KnobDomain } from './knob-range.ts';

/** A constant that can be tuned: where it stands, what it is and what it may be. */
export interface KnobDescription {
  /** `LEARNING_RATE`, `BETAS[0]`; with the file in front (`model.py:WIDTH`) where two files have the same name. */
  readonly name: string;
  readonly file: string;
  readonly current: Scalar;
  readonly domain: KnobDomain;
  readonly source: Constant;
}

type Scalar = number | boolean | string;

/** A knob as the search sees it; the same shape as its own type. */
export type KnobDimension =
  | (Extract<KnobDomain, { kind: 'float' | 'integer' }> & { readonly name: string; readonly current: number })
  | { readonly kind: 'boolean'; readonly name: string; readonly current: boolean }
  | { readonly kind: 'choice'; readonly choices: readonly Scalar[]; readonly name: string; readonly current: Scalar };

export interface DiscoverOptions {
  /** Absolute path of an interpreter. */
  readonly python: string;
  /** Texts by path; others than editable Python files are passed over. */
  readonly files: ReadonlyMap<string, string>;
  readonly task?: Pick<Task, 'isEditable'> & { readonly spec: { readonly knobs: KnobSettings } };
}

const NO_SETTINGS: KnobSettings = { exclude: [], set: {} };
/** A seed that is tuned is a lucky draw that is kept. */
const SEED_NAME = /(?:^|_)SEEDS?(?:_|\[|$)/;

/**
 * The knobs of a candidate, in the order of files and lines. Ranges follow the present values.
 *
 * @throws UserError naming file and line if a file is no Python.
 */
export async function discoverKnobs({ python, files, task }: DiscoverOptions): Promise<KnobDescription[]> {
  const sources = [...files].filter(([path]) => path.endsWith('.py') && (task?.isEditable(path) ?? true));
  const scanned = await scanConstants(python, new Map(sources));
  const found: { file: string; constant: Constant }[] = [];
  for (const [file, result] of scanned) {
    if ('error' in result) {
      throw new UserError(
        'source-invalid',
        `${file}:${result.line}: ${result.error}`,
        'A candidate must be valid Python; correct the line',
      );
    }
    found.push(...result.constants.map((constant) => ({ file, constant })));
  }
  const settings = task?.spec.knobs ?? NO_SETTINGS;
  return found.flatMap(({ file, constant }): KnobDescription[] => {
    const isShared = found.some((other) => other.file !== file && other.constant.name === constant.name);
    const name = isShared ? `${file}:${constant.name}` : constant.name;
    const names = namesOf(file, constant.name);
    if (!isWanted(names, settings)) return [];
    const setting = names.map((alias) => settings.set[alias]).find((value) => value !== undefined);
    const domain = knobDomain(constant, setting);
    return domain === undefined ? [] : [{ name, file, current: constant.value, domain, source: constant }];
  });
}

/** Every name that a task can mean an element by, the most exact first: file:A[0], A[0], file:A, A. */
export function namesOf(file: string, name: string): string[] {
  const base = name.replace(/\[.*$/, '');
  return [`${file}:${name}`, name, `${file}:${base}`, base];
}

function isWanted(names: readonly string[], { only, exclude, set }: KnobSettings): boolean {
  if (names.some((name) => exclude.includes(name))) return false;
  if (only !== undefined) return names.some((name) => only.includes(name));
  return names.some((name) => name in set) || !SEED_NAME.test(names.at(-1) ?? '');
}

/** What the search needs of a knob. */
export function knobDimension({ name, current, domain }: KnobDescription): KnobDimension {
  if (domain.kind === 'choice') return { name, current, ...domain };
  if (domain.kind === 'boolean' && typeof current === 'boolean') return { name, current, ...domain };
  if (domain.kind !== 'boolean' && typeof current === 'number') return { name, current, ...domain };
  throw new TypeError(`the knob ${name} is ${String(current)}, which is not of the kind ${domain.kind}`);
}

/** The present values by name, as a `knobs` change would give them. */
export function currentValues(knobs: readonly KnobDescription[]): Record<string, KnobValue> {
  return Object.fromEntries(knobs.map(({ name, current }) => [name, current]));
}
