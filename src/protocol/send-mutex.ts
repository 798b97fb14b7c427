/**
 * A mutex on sending, as in the first notes: whoever writes one frame in several writes holds it from the frame's first
 * byte to its last, so that no other frame lands in between. Waiters are served in order.
 */
export class SendMutex {
  #held = false;
  readonly #waiting: (() => void)[] = [];

  get held(): boolean {
    return this.#held;
  }

  /** Resolves when the caller holds the mutex. */
  acquire(): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the mutex to the next in line. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}
