/** Messages from work under way to the one loop that decides. First in, first out. */
export class Mailbox<Message> {
  #messages: Message[] = [];
  #wake: (() => void) | undefined;

  post(message: Message): void {
    this.#messages.push(message);
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Everything posted so far; waits for the first message if there is none. */
  async take(): Promise<readonly Message[]> {
    if (this.#messages.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }
}
