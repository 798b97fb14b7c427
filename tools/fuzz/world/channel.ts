/** A channel that takes everything at once and keeps it until the fuzzer looks. */
import type { Channel, ChannelHandler } from '../../../src/base/ports.ts';

export class RecordingChannel implements Channel {
  readonly remoteAddress = '127.0.0.9:1';
  handler: ChannelHandler | null = null;
  ending = false;
  closed = false;
  #sent: Uint8Array[] = [];

  write(bytes: Uint8Array): boolean {
    this.#sent.push(bytes.slice());
    return true;
  }

  /** Hands a chunk to the handler as a socket does: the memory is used again as soon as it returns. */
  receive(bytes: Uint8Array): void {
    if (this.closed) return;
    const chunk = bytes.slice();
    this.handler?.received(chunk);
    chunk.fill(0xa5);
  }

  /** What was written since the last look. */
  take(): Uint8Array[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.ending = true;
  }

  destroy(): void {
    this.ending = true;
    this.close();
  }

  /** The other side goes away. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.handler?.ended(null);
  }
}
