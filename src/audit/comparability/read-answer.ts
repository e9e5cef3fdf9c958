import { z } from 'zod';
import { CLASSES } from './questions.ts';

const LONGEST_REASON = 1000;

const answerSchema = z.strictObject({
  nonce: z.string(),
  same_task: z.enum(['yes', 'no', 'unsure']),
  class: z.enum(CLASSES),
  reason: z.string().max(LONGEST_REASON),
});

export type ModelAnswer =
  | {
      readonly kind: 'answer';
      readonly sameTask: 'yes' | 'no' | 'unsure';
      readonly concern: string;
      readonly reason: string;
    }
  /** Anything but the one object that was asked for. */
  | { readonly kind: 'none'; readonly why: string };

/** Reads what a model printed. Never throws; what could be read in two ways is no answer. */
export function readAnswer(printed: string, nonce: string): ModelAnswer {
  const text = printed.trim();
  if (text === '') return { kind: 'none', why: 'it said nothing' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'none', why: 'it did not answer with one JSON object' };
  }
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) return { kind: 'none', why: 'its object is not the one that was asked for' };
  const keys = text.match(/"(?:nonce|same_task|class|reason)"\s*:/g) ?? [];
  // JSON.parse takes the last of two keys with the same name, and knows keys that are written with escapes.
  if (keys.length !== 4 || /\\u00[2-7]/i.test(text)) return { kind: 'none', why: 'its object can be read in two ways' };
  if (parsed.data.nonce !== nonce) return { kind: 'none', why: 'it does not repeat the random word' };
  const { same_task: sameTask, class: concern, reason } = parsed.data;
  if (sameTask === 'yes' && concern !== 'none') return { kind: 'none', why: 'it contradicts itself' };
  return { kind: 'answer', sameTask, concern, reason: reason.slice(0, 200) };
}
