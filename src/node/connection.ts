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
/** Paused for longer than this without a byte taken: dropped. */
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
  /** Since when it is not read because its replies pile up; 0: it is read. */
  pausedAtMs = 0;
  readonly #now: () => number;
  #ending = false;

  /** `now` gives monotonic milliseconds; it is called once a chunk and keeps the node's own clock of the turn. */
  constructor(id: number, channel: Channel, turn: Turn, handler: FrameHandler, now: () => number) {
    this.id = id;
    this.channel = channel;
    this.queue = new WriterQueue(channel, turn);
    this.handler = handler;
    this.#now = now;
  }

  get frames(): FrameWriter {
    return this.queue.frames;
  }

  received(chunk: Uint8Array): void {
    const { decoder } = this;
    this.#now();
    decoder.push(chunk);
    for (let status = decoder.next(); status !== DecodeStatus.needMore; status = decoder.next()) {
      if (this.closed || this.#ending) return;
      if (status === DecodeStatus.badLength) {
        this.handler.badLength(this, decoder.badLength);
        this.endSoon();
        return;
      }
      this.handler.frame(this);
    }
    if (this.queue.queuedBytes > QUEUE_PAUSE_BYTES) this.#pause();
  }

  #pause(): void {
    if (this.pausedAtMs !== 0) return;
    this.pausedAtMs = this.#now();
    this.channel.pause();
  }

  drained(): void {
    this.queue.drained();
    if (this.pausedAtMs !== 0 && this.queue.queuedBytes <= QUEUE_PAUSE_BYTES) {
      this.pausedAtMs = 0;
      this.channel.resume();
    }
  }

  /** True when the other side does not take what it asked for. */
  get stuck(): boolean {
    if (this.queue.queuedBytes > QUEUE_DROP_BYTES) return true;
    return this.pausedAtMs !== 0 && this.#now() - this.pausedAtMs > STUCK_MS;
  }

  /** Handles no further frame, sends what is queued, closes. */
  endSoon(): void {
    if (this.#ending || this.closed) return;
    this.#ending = true;
    if (this.pausedAtMs === 0) this.pausedAtMs = this.#now(); // it has as long as one that does not read
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
