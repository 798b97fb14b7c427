/**
 * One connection at a node: bytes to frames, frames to a handler, replies to a bounded writer queue. What it may have
 * done for it in one turn is bounded (fair-share.ts). A connection whose replies pile up is not read any further until
 * they have left; one that never reads them is dropped.
 */
import type { Channel, ChannelHandler, TimerHandle } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';
import { DecodeStatus, FrameDecoder } from '../protocol/frame-decoder.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { LOGIN_FRAME_LENGTH_MAX } from '../protocol/limits.ts';
import { WriterQueue } from '../protocol/writer-queue.ts';
import { type FairShare, type Sharer, unitsOf } from './fair-share.ts';

/** Above this much unsent the connection is not read. */
export const QUEUE_PAUSE_BYTES: number = 4 * 1024 * 1024;
/** Above this much unsent it is dropped: replies to requests that were read before the pause. */
export const QUEUE_DROP_BYTES: number = 256 * 1024 * 1024;
/** Large values on their way to it; while there are more it is not read. */
export const LARGE_REPLIES_MAX = 16;
/** Something waits for longer than this and the other side takes nothing: dropped. */
export const STUCK_MS = 30_000;
/** Whoever was sent off must have closed after this. */
export const GOODBYE_MS = 5000;
/** The owner of a connection that has named no session: no id begins so. */
export const NOBODY = '-';
/** A frame that was begun must be whole after this. */
export const FRAME_MS = 30_000;

export interface FrameHandler {
  /** One frame, readable through the connection's decoder until this returns. */
  frame(connection: Connection): void;
  /** The stream cannot be followed: `length` is out of bounds. The connection is closed afterwards. */
  badLength(connection: Connection, length: number): void;
  closed(connection: Connection, error: Error | null): void;
}

export class Connection implements ChannelHandler, Sharer {
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
  /** With which the ids of the sessions begin that it speaks of, hexadecimal. */
  owner: string = NOBODY;
  /** Sessions that it has brought, hexadecimal, and the partitions they were attached to over it. */
  sessions: Map<string, Set<number>> | null = null;
  /** Its requests that were handed on to other nodes and are not answered yet. */
  forwards = 0;
  /** Closes it unless the login is done by then. */
  loginTimer: TimerHandle | null = null;
  /** Told when the channel has taken everything. */
  onDrained: (() => void) | null = null;
  /** Monotonic milliseconds. */
  readonly openedAtMs: number;
  /** Frames and bytes that came, for listings. */
  framesIn = 0;
  bytesIn = 0;
  /** Work for the frame at hand beyond its bytes; whoever does it adds it. */
  units = 0;
  leased = false;
  /** Above this much unsent it is not read; less while all connections together have much unsent. */
  pauseBytes: number = QUEUE_PAUSE_BYTES;
  /** It is not read: its replies pile up, or it waits for its turn. */
  #paused = false;
  #waiting = false;
  #beingServed = false;
  /** The other side has said that it sends no more. */
  #finished = false;
  /** When it was last seen that the other side had taken something, or nothing was waiting for it. */
  #progressAtMs: number;
  /** It has taken something since. */
  #progressed = false;
  /** When the present cut frame was begun; 0: there is none. */
  #frameSinceMs = 0;
  #framesBefore = 0;
  readonly #now: () => number;
  readonly #share: FairShare | null;
  #ending = false;

  /**
   * `now` gives monotonic milliseconds; it is called once a chunk and keeps the node's own clock of the turn. Without a
   * `share` everything is handled as it comes: links between nodes.
   */
  constructor(
    id: number,
    channel: Channel,
    turn: Turn,
    handler: FrameHandler,
    now: () => number,
    share: FairShare | null = null,
  ) {
    this.id = id;
    this.channel = channel;
    this.queue = new WriterQueue(channel, turn);
    this.queue.onTaken = (): void => {
      this.#progressed = true;
      this.#readOn();
    };
    this.handler = handler;
    this.#now = now;
    this.#share = share;
    this.#progressAtMs = now();
    this.openedAtMs = this.#progressAtMs;
  }

  get frames(): FrameWriter {
    return this.queue.frames;
  }

  received(chunk: Uint8Array): void {
    if (this.#ending) return;
    this.#now();
    this.bytesIn += chunk.length;
    this.decoder.push(chunk);
    if (this.#paused) return this.decoder.keepRest(); // it came before the channel had stopped
    this.#handleNow();
  }

  /** The other side sends no more: what has come is still handled, and the answers of that turn leave. */
  finished(): void {
    this.#finished = true;
    if (!this.#paused) this.endSoon();
  }

  #handleNow(): void {
    const share = this.#share;
    if (share === null || this.peer >= 0) return void this.#handleFrames(Number.POSITIVE_INFINITY);
    share.charge(this.#handleFrames(share.allowance));
    if (this.#waiting && !this.#beingServed) share.wait(this);
  }

  /** Its turn has come. True when more is left for later ones. */
  serve(units: number): boolean {
    this.#waiting = false;
    if (this.closed) return false;
    this.#now();
    if (this.full) return false; // it goes on when it has room again
    this.#beingServed = true;
    this.#handleFrames(units);
    if (!this.#waiting && !this.full) this.#resume(); // a channel in memory delivers at once, what it has held
    this.#beingServed = false;
    return this.#waiting;
  }

  /** Handles what has come, for about `units` of work; gives the work done. What is left then waits. */
  #handleFrames(units: number): number {
    const { decoder, queue } = this;
    let spent = 0;
    for (let status = decoder.next(); status !== DecodeStatus.needMore; status = decoder.next()) {
      if (this.closed || this.#ending) return spent;
      if (status === DecodeStatus.badLength) {
        this.handler.badLength(this, decoder.badLength);
        this.endSoon();
        return spent;
      }
      const { length } = queue.frames;
      const bytes = decoder.bodyEnd - decoder.bodyStart;
      this.framesIn += 1;
      this.handler.frame(this);
      spent += unitsOf(bytes + Math.max(0, queue.frames.length - length)) + this.units;
      this.units = 0;
      if (this.full) {
        this.#pause();
        return spent;
      }
      if (spent >= units && decoder.restBytes > 0) {
        this.#waiting = true;
        this.#pause();
        return spent;
      }
    }
    if (decoder.heldBytes === 0) this.#frameSinceMs = 0;
    else if (this.#frameSinceMs === 0 || this.framesIn !== this.#framesBefore) this.#frameBegun();
    return spent;
  }

  #frameBegun(): void {
    this.#frameSinceMs = this.#now();
    this.#framesBefore = this.framesIn;
  }

  /**
   * Replies pile up: nothing more is taken from it now. Links between nodes are never full in this sense: two that
   * stopped reading each other would wait for ever; what they queue is bounded by their senders.
   */
  get full(): boolean {
    if (this.peer >= 0) return false;
    return this.queue.queuedBytes > this.pauseBytes || this.queue.rows >= LARGE_REPLIES_MAX;
  }

  #pause(): void {
    this.decoder.keepRest();
    if (this.#paused) return;
    this.#paused = true;
    this.channel.pause();
  }

  drained(): void {
    this.#progressed = true;
    this.queue.drained();
    this.onDrained?.();
    this.#readOn();
  }

  /** There may be room again: handles what was kept, then reads on. */
  #readOn(): void {
    if (!this.#paused || this.#waiting || this.full || this.closed) return;
    this.#handleNow();
    if (!this.#waiting && !this.full) this.#resume();
  }

  #resume(): void {
    if (this.closed || this.#ending) return;
    this.#paused = false;
    if (this.#finished) return this.endSoon();
    if (this.#frameSinceMs > 0) this.#frameSinceMs = this.#now(); // it could not go on meanwhile
    this.channel.resume();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Memory held for it: what it has sent and not been answered, and what it has not read. */
  get memoryBytes(): number {
    return this.decoder.memoryBytes + this.queue.memoryBytes;
  }

  /** Why it must go, or null: it does not take what it asked for, or does not finish a frame. To be asked every second. */
  get overdue(): string | null {
    const { queuedBytes } = this.queue;
    const now = this.#now();
    if (queuedBytes > QUEUE_DROP_BYTES) return 'it does not read its replies';
    if (this.#progressed || (queuedBytes === 0 && !this.#ending)) this.#progressAtMs = now;
    this.#progressed = false;
    const waitedMs = now - this.#progressAtMs;
    if (waitedMs > STUCK_MS) return 'it does not read its replies';
    if (this.#ending && queuedBytes === 0 && waitedMs > GOODBYE_MS) return 'it does not close';
    const slow = this.#frameSinceMs > 0 && !this.#paused && this.peer < 0;
    return slow && now - this.#frameSinceMs > FRAME_MS ? 'it does not finish a frame' : null;
  }

  /** The login is over: nothing is kept of it. */
  loggedIn(): void {
    this.loginTimer?.cancel();
    this.loginTimer = null;
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
    this.loggedIn();
    this.queue.close();
    this.handler.closed(this, error);
  }
}
