import type { KnobValue } from '../domain/hypothesis.ts';
import { UserError } from '../errors.ts';
import type { KnobDescription } from './knobs.ts';
import { suggestWord } from './nearest-word.ts';
import { booleanLiteral, floatLiteral, integerLiteral, stringLiteral } from './python-literal.ts';
import { type Constant, recallConstants, rememberConstants } from './scan-constants.ts';
import { showValue } from './yaml-source.ts';

export type KnobValues = Readonly<Record<string, KnobValue>>;

/**
 * A file with new values for some of its knobs. Only the literals change; a knob that has its value already keeps its text.
 *
 * @param knobs those of exactly this text, from `discoverKnobs`
 * @throws UserError if a name is unknown, or a value is of the wrong kind or out of its range.
 */
export function applyKnobs(source: string, knobs: readonly KnobDescription[], values: KnobValues): string {
  const changes: { constant: Constant; text: string; value: Constant['value'] }[] = [];
  for (const [name, value] of Object.entries(values)) {
    const knob = knobs.find((other) => other.name === name);
    if (knob === undefined) throw unknownKnob(name, knobs);
    const checked = checkValue(knob, value);
    if (!Object.is(checked, knob.current))
      changes.push({ constant: knob.source, value: checked, text: literal(knob, checked) });
  }
  return replaceLiterals(source, changes);
}

/** `applyKnobs` over several files. Files without a change are the same strings. */
export function applyKnobsToFiles(
  files: ReadonlyMap<string, string>,
  knobs: readonly KnobDescription[],
  values: KnobValues,
): Map<string, string> {
  for (const name of Object.keys(values)) {
    if (!knobs.some((knob) => knob.name === name)) throw unknownKnob(name, knobs);
  }
  const changed = new Map(files);
  for (const file of new Set(knobs.map((knob) => knob.file))) {
    const source = files.get(file);
    if (source === undefined) throw new RangeError(`the knobs are those of other files: ${file} is not among them`);
    const own = knobs.filter((knob) => knob.file === file);
    const ownValues = Object.fromEntries(
      Object.entries(values).filter(([name]) => own.some((knob) => knob.name === name)),
    );
    changed.set(file, applyKnobs(source, own, ownValues));
  }
  return changed;
}

interface LiteralChange {
  readonly constant: Constant;
  readonly text: string;
  readonly value: Constant['value'];
}

function replaceLiterals(source: string, changes: readonly LiteralChange[]): string {
  if (changes.length === 0) return source;
  const content = Buffer.from(source);
  const parts: Buffer[] = [];
  let position = 0;
  for (const { constant, text } of changes.toSorted((left, right) => left.constant.start - right.constant.start)) {
    if (content.toString('utf8', constant.start, constant.end) !== constant.text) {
      throw new RangeError(`the knobs are those of another text: '${constant.text}' is not at line ${constant.line}`);
    }
    parts.push(content.subarray(position, constant.start), Buffer.from(text));
    position = constant.end;
  }
  const changed = Buffer.concat([...parts, content.subarray(position)]).toString('utf8');
  rememberShifted(source, changed, changes);
  return changed;
}

/** The constants of the new text follow from those of the old one, so tuning needs no interpreter. */
function rememberShifted(source: string, changed: string, changes: readonly LiteralChange[]): void {
  const known = recallConstants(source);
  if (known === undefined || 'error' in known || changes.some(({ constant }) => constant.text.includes('\n'))) return;
  let shift = 0;
  let line = 0;
  let lineShift = 0;
  const constants = known.constants
    .toSorted((left, right) => left.start - right.start)
    .map((constant): Constant => {
      if (constant.line !== line) lineShift = 0;
      line = constant.line;
      const change = changes.find((other) => other.constant.start === constant.start);
      const start = constant.start + shift;
      const column = constant.column + lineShift;
      if (change === undefined) return { ...constant, column, start, end: constant.end + shift };
      const growth = Buffer.byteLength(change.text) - (constant.end - constant.start);
      shift += growth;
      lineShift += growth;
      const kind =
        typeof change.value === 'number'
          ? /[.e]/.test(change.text)
            ? 'float'
            : 'integer'
          : typeof change.value === 'string'
            ? 'string'
            : 'boolean';
      return { ...constant, kind, value: change.value, text: change.text, column, start, end: constant.end + shift };
    });
  rememberConstants(changed, constants);
}

function checkValue(knob: KnobDescription, value: KnobValue): number | boolean | string {
  const { domain, current } = knob;
  if (typeof value === 'object')
    throw badValue(knob, value, 'one value; the elements of a tuple are knobs of their own');
  if (value === current) return current;
  switch (domain.kind) {
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw badValue(knob, value, 'true or false');
    case 'choice':
      if (domain.choices.includes(value)) return value;
      throw badValue(knob, value, `one of ${domain.choices.map(showValue).join(', ')}`);
    case 'float':
    case 'integer': {
      const kind = domain.kind === 'integer' ? 'a whole number' : 'a number';
      const isRight = domain.kind === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
      if (typeof value === 'number' && isRight && value >= domain.low && value <= domain.high) return value;
      throw badValue(knob, value, `${kind} from ${domain.low} to ${domain.high}`);
    }
  }
}

function literal({ source, domain }: KnobDescription, value: number | boolean | string): string {
  if (typeof value === 'boolean') return booleanLiteral(value);
  if (typeof value === 'string') return stringLiteral(value, source.text);
  const isFloat = domain.kind === 'float' || source.kind === 'float' || !Number.isSafeInteger(value);
  return isFloat ? floatLiteral(value) : integerLiteral(value, source.text);
}

function badValue({ name, file, source }: KnobDescription, value: KnobValue, expected: string): UserError {
  const place = `${file}:${source.line}`;
  return new UserError(
    'knob-value',
    `${name} (${place}) cannot be ${showValue(value)}: expected ${expected}`,
    "Widen it under 'knobs: set:' in task.yaml",
  );
}

function unknownKnob(name: string, knobs: readonly KnobDescription[]): UserError {
  const known = knobs.map((knob) => knob.name);
  return new UserError(
    'knob-unknown',
    `there is no knob '${name}'`,
    suggestWord(name, known) ?? `There are: ${known.join(', ')}`,
  );
}
