export interface Prompt {
  readonly system: string;
  readonly user: string;
}

/**
 * Asks a model one question, without tools and without a memory of earlier ones.
 *
 * @returns its words, as they came. Rejects if there are none: no answer, too late, too long.
 */
export type AskModel = (prompt: Prompt, signal: AbortSignal) => Promise<string>;
