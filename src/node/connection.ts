/**
 * One connection at a node: bytes to frames, frames to a handler, replies to a bounded writer queue. A connection whose
 * replies pile up is not read any further until they have left; one that never reads them is dropped.
 */
import type { Channel, ChannelHandler, TimerHandle } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';
import { DecodeStatus, FrameDecoder } from '../protocol/frame-decoder.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { LOGIN_FRAME_LENGTH_MAX } from '../protocol/limits.ts';
import { WriterQueue } from '../protocol/writer-queue.ts';

/** Above this much unsent the connection is not read. */
export const QUEUE_PAUSE_BYTES: number = 4 * 1024 * 1024;
/** Above this much unsent it is dropped: replies to requests that were read before the pause. */
export const QUEUE_DROP_BYTES: number = 256 * 1024 * 1024;
/** Something waits for longer than this and the other side takes nothing: dropped. */
export const STUCK_MS = 30_000;

export interface FrameHandler {
  /** One frame, readable through the connection's decoder until this returns. */
  frame(connection: Connection): void;
  /** The stream cannot be followed: `length` is out of bounds. The connection is closed afterwards. */
  badLength(connection: Connection, length: number): void;
  closed(connection: Connection, error: Error | null): void;
}

export class Connection implements ChannelHandler {
  readonly id: number;
  readonly channel: Channel;
  readonly queue: WriterQueue;
  readonly decoder: FrameDecoder = new FrameDecoder(LOGIN_FRAME_LENGTH_MAX);
  /** Who handles its frames: the login, later requests or a peer's messages. */
  handler: FrameHandler;
  closed = false;
  /** The other side finds primaries itself. */
  routes = false;
  /** Number of the peer whose link this is, or −1. */
  peer = -1;
  /** Shown in listings. */
  name = '';
  /** Closes it unless the login is done by then. */
  loginTimer: TimerHandle | null = null;
  /** Told when the channel has taken everything. */
  onDrained: (() => void) | null = null;
  /** It is not read, because its replies pile up. */
  #paused = false;
  /** When the other side last took something, or nothing was waiting for it. */
  #progressAtMs: number;
  readonly #now: () => number;
  #ending = false;

  /** `now` gives monotonic milliseconds; it is called once a chunk and keeps the node's own clock of the turn. */
  constructor(id: number, channel: Channel, turn: Turn, handler: FrameHandler, now: () => number) {
    this.id = id;
    this.channel = channel;
    this.queue = new WriterQueue(channel, turn);
    this.queue.onTaken = (): void => this.#readOn();
    this.handler = handler;
    this.#now = now;
    this.#progressAtMs = now();
  }

  get frames(): FrameWriter {
    return this.queue.frames;
  }

  received(chunk: Uint8Array): void {
    const { decoder } = this;
    this.#now();
    decoder.push(chunk);
    this.#handleFrames();
  }

  #handleFrames(): void {
    const { decoder } = this;
    for (let status = decoder.next(); status !== DecodeStatus.needMore; status = decoder.next()) {
      if (this.closed || this.#ending) return;
      if (status === DecodeStatus.badLength) {
        this.handler.badLength(this, decoder.badLength);
        this.endSoon();
        return;
      }
      this.handler.frame(this);
      if (this.full) return this.#pause();
    }
  }

  /**
   * Replies pile up: nothing more is taken from it now. Links between nodes are never full in this sense: two that
   * stopped reading each other would wait for ever; what they queue is bounded by their senders.
   */
  get full(): boolean {
    return this.peer < 0 && this.queue.queuedBytes > QUEUE_PAUSE_BYTES;
  }

  #pause(): void {
    this.decoder.keepRest();
    if (this.#paused) return;
    this.#paused = true;
    this.channel.pause();
  }

  drained(): void {
    this.#progressAtMs = this.#now();
    this.queue.drained();
    this.onDrained?.();
    this.#readOn();
  }

  /** There may be room again: handles what was kept, then reads on. */
  #readOn(): void {
    if (!this.#paused || this.full || this.closed) return;
    this.#handleFrames();
    if (this.full) return;
    this.#paused = false;
    this.channel.resume();
  }

  /** True when the other side does not take what it asked for. To be asked every tick. */
  get stuck(): boolean {
    const { queuedBytes } = this.queue;
    if (queuedBytes > QUEUE_DROP_BYTES) return true;
    if (queuedBytes === 0 && !this.#ending) this.#progressAtMs = this.#now();
    return this.#now() - this.#progressAtMs > STUCK_MS;
  }

  /** Handles no further frame, sends what is queued, closes. */
  endSoon(): void {
    if (this.#ending || this.closed) return;
    this.#ending = true;
    this.#progressAtMs = this.#now(); // it has as long as one that does not read
    void this.queue.whenEmpty().then(() => this.channel.end());
  }

  destroy(): void {
    this.#ending = true;
    this.channel.destroy();
  }

  ended(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    this.loginTimer?.cancel();
    this.queue.close();
    this.handler.closed(this, error);
  }
}
