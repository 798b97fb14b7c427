/**
 * What one connection has to send, in order. Small frames are encoded into `frames` and leave in one write at the end
 * of the turn. A frame made of several pieces (a fragment of a large value) goes through `sendPieces` under the send
 * mutex; small frames pass between two such frames, never inside one.
 */
import type { Channel } from '../base/ports.ts';
import type { Flushable, Turn } from '../base/turn.ts';
import { FrameWriter } from './frame-writer.ts';
import { SendMutex } from './send-mutex.ts';

export class WriterQueue implements Flushable {
  readonly frames: FrameWriter;
  readonly mutex: SendMutex = new SendMutex();
  readonly #channel: Channel;
  #closed = false;
  #pieceBytes = 0;
  #waitingBytes = 0; // of frames in pieces that wait for the mutex
  #pieceSent: (() => void) | null = null;
  #rows = 0;
  readonly #whenEmpty: (() => void)[] = [];
  /** Told when a row has ended, and when the channel has taken at once all that was flushed: no `drained` follows then. */
  onTaken: (() => void) | null = null;

  constructor(channel: Channel, turn: Turn) {
    this.#channel = channel;
    this.frames = new FrameWriter(turn, this);
  }

  /** Bytes waiting here or in the channel. */
  get queuedBytes(): number {
    return this.frames.queuedBytes + this.#pieceBytes + this.#waitingBytes;
  }

  /** Memory held for it, used or not. */
  get memoryBytes(): number {
    return this.frames.memoryBytes + this.#pieceBytes + this.#waitingBytes;
  }

  /** Rows of frames in pieces under way: large values. */
  get rows(): number {
    return this.#rows;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** End of turn: everything encoded leaves, unless a frame in pieces is on its way. */
  flush(): void {
    // Whoever holds the mutex flushes when it lets go.
    if (this.#closed || this.mutex.held) return;
    this.frames.flush(this.#channel);
    this.#settleEmpty();
    if (!this.frames.sending) this.onTaken?.();
  }

  /** Runs `send`, which sends several frames in pieces, one behind the other: the queue is not empty before the last. */
  async row(send: () => Promise<void>): Promise<void> {
    this.#rows += 1;
    try {
      await send();
    } finally {
      this.#rows -= 1;
      this.#settleEmpty();
      this.onTaken?.();
    }
  }

  /** Sends one frame given in pieces. Resolves when the channel has taken all of them; false when it closed before. */
  async sendPieces(pieces: readonly Uint8Array[]): Promise<boolean> {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#waitingBytes += bytes;
    await this.mutex.acquire();
    this.#waitingBytes -= bytes;
    try {
      if (!(await this.#emptyFrames())) return false;
      for (const piece of pieces) if (!(await this.#sendPiece(piece))) return false;
      return true;
    } finally {
      this.mutex.release();
      if (!this.mutex.held) this.flush();
    }
  }

  /**
   * Everything encoded before this frame goes first; what is encoded while that leaves comes after it, so that a
   * steady flow of small frames cannot hold up a large value for ever.
   */
  async #emptyFrames(): Promise<boolean> {
    while (this.frames.sending && !this.#closed) await this.#channelDrained();
    if (this.#closed) return false;
    this.frames.flush(this.#channel);
    while (this.frames.sending && !this.#closed) await this.#channelDrained();
    return !this.#closed;
  }

  async #sendPiece(piece: Uint8Array): Promise<boolean> {
    if (this.#closed) return false;
    this.#pieceBytes = piece.length;
    if (!this.#channel.write(piece)) await this.#channelDrained();
    this.#pieceBytes = 0;
    return !this.#closed;
  }

  #channelDrained(): Promise<void> {
    return new Promise((resolve) => {
      this.#pieceSent = resolve;
    });
  }

  /** To be called by the channel's handler. */
  drained(): void {
    this.frames.drained(this.#channel);
    const resume = this.#pieceSent;
    this.#pieceSent = null;
    if (resume === null) this.flush();
    else resume();
  }

  /** To be called when the channel is gone: whoever waits goes on and finds it closed. */
  close(): void {
    this.#closed = true;
    const resume = this.#pieceSent;
    this.#pieceSent = null;
    resume?.();
    this.#settleEmpty();
  }

  /** Resolves when nothing is left to send, or the channel has closed. */
  whenEmpty(): Promise<void> {
    if (this.#isEmpty) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  get #isEmpty(): boolean {
    return this.#closed || (this.#rows === 0 && this.queuedBytes === 0);
  }

  #settleEmpty(): void {
    if (this.#whenEmpty.length === 0) return;
    if (!this.#isEmpty) return;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}
