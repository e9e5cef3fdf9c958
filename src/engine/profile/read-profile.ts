import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import * as z from 'zod';
import type { Profile } from '../../domain/profile.ts';
import { plainText } from '../../judge/plain-text.ts';

/** A candidate wrote it. */
const MOST_BYTES = 256 * 1024;

const words = (length: number) => z.string().transform((text) => plainText(text, length).replaceAll('\n', ' '));
const share = z.number().min(0).max(1);
const amount = z.number().nonnegative();

const document = z.object({
  schema: z.literal('assay.training-profile.v1'),
  device: words(100),
  steps: z.int().positive(),
  secondsPerStep: z.number().positive(),
  recordedSecondsPerStep: z.number().positive().exactOptional(),
  top: z
    .array(z.object({ name: words(120), secondsPerStep: amount, callsPerStep: amount, share }))
    .min(1)
    .max(32),
  idleShare: share.exactOptional(),
  operationsPerStep: amount.exactOptional(),
  operationsCounted: words(200).exactOptional(),
  mfu: amount.exactOptional(),
  matrixOperationsPerSecond: amount.exactOptional(),
  peakMemoryBytes: amount.exactOptional(),
  reservedMemoryBytes: amount.exactOptional(),
});

export type ReadProfile =
  | { readonly kind: 'read'; readonly profile: Profile }
  | { readonly kind: 'unread'; readonly reason: string };

/** What a candidate's process left as its profile: a plain file of the shape that is known, nothing else; links are not followed. */
export async function readProfile(path: string): Promise<ReadProfile> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (!file) return { kind: 'unread', reason: 'it left no profile.json' };
  try {
    const facts = await file.stat();
    if (!facts.isFile()) return { kind: 'unread', reason: 'its profile.json is no plain file' };
    if (facts.size > MOST_BYTES) return { kind: 'unread', reason: `its profile.json has ${facts.size} bytes` };
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    const parsed = document.safeParse(parseJson(buffer.toString('utf8', 0, bytesRead)));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const where = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
      return { kind: 'unread', reason: `its profile.json is no profile: ${where}${issue?.message ?? 'unknown'}` };
    }
    const { schema: _, ...profile } = parsed.data;
    return { kind: 'read', profile };
  } finally {
    await file.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
