import * as z from 'zod';

import { patternSchema } from './schema-search.ts';
import { taskSchema } from './schema.ts';

/** Type of a JSON Schema node, as far as it is read here. */
export interface JsonSchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly additionalProperties?: JsonSchemaNode | boolean;
  readonly items?: JsonSchemaNode;
  readonly anyOf?: readonly JsonSchemaNode[];
}

/**
 * The JSON Schema of task.yaml as people write it (before defaults are filled in), for editors:
 * `# yaml-language-server: $schema=…/docs/reference/task.schema.json`.
 */
export function taskJsonSchema(): Record<string, unknown> {
  return { title: 'Assay task', ...z.toJSONSchema(taskSchema, { io: 'input' }) };
}

/** The JSON Schema of one file of `patterns`. */
export function patternJsonSchema(): Record<string, unknown> {
  return { title: 'Assay pattern', ...z.toJSONSchema(patternSchema, { io: 'input' }) };
}

/** The node that describes the value at a path of keys and indices; undefined where the schema knows nothing of it. */
export function schemaNodeAt(root: JsonSchemaNode, path: readonly PropertyKey[]): JsonSchemaNode | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return root;
  for (const node of [root, ...(root.anyOf ?? [])]) {
    const additional = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
    const next = typeof step === 'number' ? node.items : (node.properties?.[String(step)] ?? additional);
    if (next !== undefined) return schemaNodeAt(next, rest);
  }
  return undefined;
}
