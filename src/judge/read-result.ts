import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Check, FailureKind } from '../domain/trial.ts';
import { describeError, systemErrorCode } from '../errors.ts';
import { duplicateKey } from './duplicate-keys.ts';
import { RESULT_FILE } from './judge-task.ts';
import { plainText } from './plain-text.ts';

/** What the judge's process wrote. */
export type ResultFile =
  | {
      readonly kind: 'valid';
      readonly metric: string;
      readonly value: number;
      readonly metrics: Readonly<Record<string, number>>;
      readonly checks: readonly Check[];
    }
  | {
      readonly kind: 'refused';
      readonly failure: FailureKind;
      readonly reason: string;
      readonly checks: readonly Check[];
      readonly suspected: boolean;
    }
  /** No result, or one that can't be read in exactly one way. */
  | { readonly kind: 'unusable'; readonly reason: string };

/** Largest result file. */
const MAXIMUM_BYTES = 1 << 20;

/** Squares and sums of larger numbers overflow, and one such result would spoil the spread that every other test takes. */
const LARGEST = 1e100;
const measured = z.number().min(-LARGEST, 'too large to compute with').max(LARGEST, 'too large to compute with');

const words = z.string().transform((text) => plainText(text));
const check = z.object({ id: z.string().min(1).max(200), ok: z.boolean(), detail: words.default('') });
const checks = z.array(check).max(1000).default([]);
// Keys beside these are the judge's own notes; they are not read.
const valid = z.object({
  valid: z.literal(true),
  metric: z.string().min(1),
  value: measured,
  metrics: z.record(z.string(), measured).default({}),
  checks,
});
const refused = z.object({
  valid: z.literal(false),
  failure: z.enum(['crash', 'timeout', 'out-of-memory', 'invalid-metric', 'build', 'output-limit', 'disk-full']),
  reason: words.pipe(z.string().min(1)),
  suspected: z.boolean().default(false),
  checks,
});
const resultFile = z.discriminatedUnion('valid', [valid, refused]);

/** Reads the one result in a folder. Never throws for anything that the file holds. */
export async function readResult(folder: string): Promise<ResultFile> {
  const names = await readdir(folder).catch(() => []);
  const others = names.filter((name) => name !== RESULT_FILE && /\.json$/i.test(name));
  if (others.length > 0)
    return unusable(`there is more than one result file: ${[RESULT_FILE, ...others].slice(0, 5).join(', ')}`);
  const text = await readWhole(join(folder, RESULT_FILE));
  if ('reason' in text) return unusable(text.reason);
  return parseResult(text.bytes);
}

/** @param bytes what the result file holds. */
export function parseResult(bytes: Uint8Array): ResultFile {
  let json: string;
  let data: unknown;
  try {
    json = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    data = JSON.parse(json); // refuses NaN, Infinity and a second document
  } catch (error) {
    return unusable(`the result is not one JSON document: ${describeError(error)}`);
  }
  const twice = duplicateKey(json);
  if (twice !== undefined) return unusable(`the result gives '${twice}' twice`);
  const parsed = resultFile.safeParse(data);
  if (!parsed.success) {
    const problem = parsed.error.issues[0];
    return unusable(
      `the result is not well formed: ${problem?.path.join('.') || 'it'}: ${problem?.message ?? 'unknown'}`,
    );
  }
  const { valid: isValid, ...rest } = parsed.data;
  return isValid
    ? { kind: 'valid', ...(rest as Omit<z.output<typeof valid>, 'valid'>) }
    : { kind: 'refused', ...(rest as Omit<z.output<typeof refused>, 'valid'>) };
}

async function readWhole(path: string): Promise<{ readonly bytes: Buffer } | { readonly reason: string }> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile()) return { reason: 'the result is not a plain file' };
    if (facts.size > MAXIMUM_BYTES)
      return { reason: `the result file has ${facts.size} bytes, more than ${MAXIMUM_BYTES}` };
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAXIMUM_BYTES + 1), 0, MAXIMUM_BYTES + 1, 0);
    if (bytesRead > MAXIMUM_BYTES) return { reason: `the result file has more than ${MAXIMUM_BYTES} bytes` };
    return { bytes: buffer.subarray(0, bytesRead) };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { reason: 'no result was written' };
    if (code === 'ELOOP') return { reason: 'the result is a link, not a plain file' };
    return { reason: `the result can't be read: ${describeError(error)}` };
  }
}

function unusable(reason: string): ResultFile {
  return { kind: 'unusable', reason: plainText(reason) };
}
