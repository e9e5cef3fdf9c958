import type * as z from 'zod';

import { suggestWord } from './nearest-word.ts';
import { type JsonSchemaNode, schemaNodeAt } from './json-schema.ts';
import type { Problem } from './problem.ts';
import { type KeyPath, type YamlSource, showValue } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

/** Turns what zod says into places in the file, what was expected there, and what to do. */
export function schemaProblems(
  source: YamlSource,
  schema: JsonSchemaNode,
  issues: readonly Issue[],
  prefix: KeyPath = [],
): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(schemaNodeAt(schema, path)?.properties ?? {});
      return issue.keys.map((key) => unknownKeyProblem(source, [...path, key], known));
    }
    const keyIssue = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
    const expected = expectation(keyIssue ?? issue);
    if (keyIssue !== undefined) {
      return [source.problem(path, { expected, atKey: true, found: `the key ${showValue(issue.path.at(-1))}` })];
    }
    return [source.problem(path, { expected, remedy: remedyFor(issue, valueAt(source.value, path), schema, path) })];
  });
}

export function unknownKeyProblem(source: YamlSource, path: KeyPath, known: readonly string[]): Problem {
  const key = String(path.at(-1));
  const list = known.length === 0 ? 'no key here' : `one of ${known.join(', ')}`;
  return source.problem(path, {
    expected: list,
    remedy: suggestWord(key, known),
    atKey: true,
    found: `the unknown key '${key}'`,
  });
}

function remedyFor(issue: Issue, value: unknown, schema: JsonSchemaNode, path: KeyPath): string | undefined {
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const suggestion = suggestWord(value, issue.values.map(String));
    if (suggestion !== undefined) return suggestion;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'string' && ['number', 'boolean'].includes(typeof value)) {
    return `Quote it: "${String(value)}"`;
  }
  return schemaNodeAt(schema, path)?.description;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** Completes the sentence "expected …". Messages that the schema gives are such completions already. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map(showValue).join(' or ');
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'above' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? 'below' : 'at most', issue.maximum);
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
    case 'invalid_format':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message;
  }
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'string')
    return limit === 1n || limit === 1 ? 'a text that is not empty' : `${relation} ${limit} characters`;
  if (origin === 'array') return `a list with ${relation} ${limit} ${Number(limit) === 1 ? 'entry' : 'entries'}`;
  return `a number ${relation} ${limit}`;
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let inside = value;
  for (const step of path) {
    if (typeof inside !== 'object' || inside === null) return undefined;
    inside = (inside as Record<PropertyKey, unknown>)[step];
  }
  return inside;
}
