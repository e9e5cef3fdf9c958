import { open } from 'node:fs/promises';

/**
 * Bounds what a power loss can take. A commit is in the operating system's cache at once, so a killed process loses nothing; this
 * brings it to the disk soon after, without making each append wait and without blocking the event loop.
 */
export class WalSync {
  readonly #file: string;
  readonly #delayMs: number;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  /** @param file the write-ahead log, `FILE-wal`. */
  constructor(file: string, delayMs: number) {
    this.#file = file;
    this.#delayMs = delayMs;
  }

  /** Call after each commit. */
  schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#sync();
    }, this.#delayMs).unref();
  }

  /** @throws what the disk said when an earlier commit could not be brought to it; once. */
  throwIfFailed(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #sync(): Promise<void> {
    try {
      const handle = await open(this.#file, 'r+');
      try {
        await handle.datasync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      // Not there any more: the last connection closed, which wrote everything into the database itself and synced that.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      this.#failure = error;
    }
  }
}
