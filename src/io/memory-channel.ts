/**
 * Two channels joined in memory, for a program that embeds a node: its requests for the node's own partitions pass
 * through the same frames and the same code as everybody's, without a socket.
 */
import { type Channel, type ChannelHandler, IN_PROCESS } from '../base/ports.ts';

class MemoryChannel implements Channel {
  readonly remoteAddress: string;
  other: MemoryChannel | null = null;
  handler: ChannelHandler | null = null;
  #paused = false;
  #open = true;
  readonly #held: Uint8Array[] = [];

  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#open) this.other?.deliver(bytes);
    return true;
  }

  deliver(bytes: Uint8Array): void {
    if (!this.#open) return;
    if (this.#paused) this.#held.push(bytes.slice());
    else this.handler?.received(bytes);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && this.#held.length > 0) this.handler?.received(this.#held.shift() as Uint8Array);
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (!this.#open) return;
    this.#open = false;
    queueMicrotask(() => this.handler?.ended(null));
    this.other?.destroy();
  }
}

/** Joins `accept`, a node, and `handlerOf`, its caller. Gives the caller's end. */
export function connectInMemory(
  address: string,
  accept: (channel: Channel) => ChannelHandler,
  handlerOf: (channel: Channel) => ChannelHandler,
): Channel {
  const near = new MemoryChannel(address);
  const far = new MemoryChannel(IN_PROCESS);
  near.other = far;
  far.other = near;
  far.handler = accept(far);
  near.handler = handlerOf(near);
  return near;
}
