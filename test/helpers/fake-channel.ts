/**
 * A channel under the test's control: takes what is written at once, or holds it until `drain`. What it holds is read
 * only when it drains, so bytes that were changed meanwhile would show.
 */
import type { Channel, ChannelHandler } from '../../src/base/ports.ts';

export class FakeChannel implements Channel {
  readonly remoteAddress = 'fake:1';
  /** Told when what was held is gone. */
  handler: Pick<ChannelHandler, 'drained'> | null = null;
  /** Whether the next write is held. */
  holds = false;
  paused = false;
  ended = false;
  destroyed = false;
  /** Number of writes so far. */
  writes = 0;
  readonly #sent: Uint8Array[] = [];
  #held: Uint8Array[] = [];

  write(bytes: Uint8Array): boolean {
    this.writes += 1;
    if (this.holds || this.#held.length > 0) this.#held.push(bytes);
    else this.#sent.push(bytes.slice());
    return this.#held.length === 0;
  }

  /** Sends what is held, and says so. */
  drain(): void {
    if (this.#held.length === 0) return;
    for (const bytes of this.#held) this.#sent.push(bytes.slice());
    this.#held = [];
    this.handler?.drained();
  }

  /** The same, again and again, until so many bytes have left or nothing is held. */
  drainBytes(bytes: number): void {
    const until = this.sentBytes + bytes;
    while (this.#held.length > 0 && this.sentBytes < until) this.drain();
  }

  get sentBytes(): number {
    return this.#sent.reduce((sum, { length }) => sum + length, 0);
  }

  get holding(): boolean {
    return this.#held.length > 0;
  }

  /** Everything that left. */
  get sent(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#sent));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }
}
