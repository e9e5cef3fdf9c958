/**
 * A mistake of a person or a fact of their machine, not a bug of ours: the command line prints message and hint, no stack.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** Stable, for scripts: `task-invalid`, `campaign-missing`, … */
  readonly code: string;
  /** What to do next, as a command where there is one. */
  readonly hint: string;

  constructor(code: string, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** The words of a foreign error, whatever was thrown. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOSPC`), if it has one. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
