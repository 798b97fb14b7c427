/**
 * One direction of a connection: TCP as a program sees it, an ordered byte stream that arrives late, torn and merged, or
 * breaks.
 *
 *      write ─► pending (the caller's memory) ─► kernel: flight, at most `roomBytes` ─► received, in chunks of any size
 *
 * What does not fit the kernel stays where the caller has it and is copied when there is room, as the real system does:
 * a caller who writes over it before `drained` sends rubbish here, too. While the way is cut bytes wait; after a time the
 * sender gives the connection up.
 */
import type { SimEvent } from './event-heap.ts';
import type { SimLink } from './sim-link.ts';

/** A chunk on its way; null: the end of the stream. */
interface Packet {
  readonly bytes: Uint8Array | null;
  /** Bytes of it that have been received. */
  taken: number;
  readonly arriveAtMs: number;
}

/** What a pipe asks of the connection it belongs to. */
export interface PipeHost {
  readonly nowMs: number;
  readonly link: SimLink;
  /** The way back, on which acknowledgements come. */
  readonly wayBack: SimLink;
  /** The receiver's machine is there. */
  readonly receiverThere: boolean;
  /** The receiver does not read at present. */
  readonly receiverPaused: boolean;
  /** An event of the receiver's, or of the sender's, or of the network. */
  atReceiver(atMs: number, run: () => void): SimEvent;
  atSender(afterMs: number, run: () => void): void;
  inNetwork(afterMs: number, run: () => void): void;
  /** False: nobody takes it, the connection breaks. */
  deliver(chunk: Uint8Array, start: number, end: number): boolean;
  deliverEnd(): void;
  drained(): void;
  /** Nothing was acknowledged for too long. */
  timedOut(): void;
}

/** As much as one read of Node.js. */
const CHUNK_BYTES_MAX: number = 64 * 1024;
/** Where what has arrived is put together; it is copied once more before anybody sees it. */
const joined: Uint8Array = new Uint8Array(2 * CHUNK_BYTES_MAX);
/** A lost packet is sent again after about this long, at least. */
const RESEND_MS = 200;

export class SimPipe {
  readonly #host: PipeHost;
  readonly #roomBytes: number;
  readonly #giveUpMs: number;
  readonly #pending: { bytes: Uint8Array; at: number }[] = [];
  readonly #flight: Packet[] = [];
  #kernelBytes = 0;
  /** Received, and the acknowledgement could not come back. */
  #unacknowledged = 0;
  #lastArrivalMs = 0;
  #arrival: SimEvent | null = null;
  #stalledSinceMs = -1;
  #awaitsDrain = false;
  #ending = false;
  #endSent = false;
  #closed = false;

  constructor(host: PipeHost, roomBytes: number, giveUpMs: number) {
    this.#host = host;
    this.#roomBytes = roomBytes;
    this.#giveUpMs = giveUpMs;
  }

  /** Bytes handed over and not received. */
  get queuedBytes(): number {
    return this.#kernelBytes + this.#pending.reduce((sum, { bytes, at }) => sum + bytes.length - at, 0);
  }

  /** True: the memory may be reused at once. */
  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending || bytes.length === 0) return true;
    this.#pending.push({ bytes, at: 0 });
    this.#fillKernel();
    this.#awaitsDrain = this.#pending.length > 0;
    return !this.#awaitsDrain;
  }

  /** The stream ends behind what was written. */
  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#fillKernel();
  }

  /** Nothing is on its way that would tell the receiver anything. */
  get isSilent(): boolean {
    return this.#closed || this.#flight.length === 0;
  }

  /** The end is on its way, behind everything that was written. */
  get ended(): boolean {
    return this.#ending && this.#pending.length === 0;
  }

  /** Nothing more is delivered. */
  close(): void {
    this.#closed = true;
    this.#arrival?.cancel();
    this.#pending.length = 0;
    this.#flight.length = 0;
  }

  /** The receiver has died: its kernel takes what is on the way, and refuses it. */
  receiverDied(): void {
    const first = this.#flight[0];
    if (first !== undefined && this.#stalledSinceMs < 0 && !this.#closed) this.#expect(first.arriveAtMs);
  }

  /** The sender is gone: what its kernel has still arrives, then the end; what it had not handed over is lost. */
  senderClosed(): void {
    this.#pending.length = 0;
    this.#awaitsDrain = false;
    this.end();
  }

  #fillKernel(): void {
    const pending = this.#pending;
    for (let first = pending[0]; first !== undefined; first = pending[0]) {
      const room = this.#roomBytes - this.#kernelBytes;
      if (room <= 0) return;
      const size = Math.min(room, first.bytes.length - first.at, CHUNK_BYTES_MAX);
      this.#send(first.bytes.slice(first.at, first.at + size));
      first.at += size;
      if (first.at === first.bytes.length) pending.shift();
    }
    if (!this.#ending || this.#endSent) return;
    this.#endSent = true;
    this.#fly(null, this.#host.link.latencyMs());
  }

  #send(bytes: Uint8Array): void {
    const { link, nowMs } = this.#host;
    this.#kernelBytes += bytes.length;
    this.#fly(bytes, link.arrivalMs(nowMs, bytes.length) - nowMs);
  }

  #fly(bytes: Uint8Array | null, afterMs: number): void {
    const atMs = Math.max(this.#lastArrivalMs, this.#host.nowMs + afterMs);
    this.#lastArrivalMs = atMs;
    this.#flight.push({ bytes, taken: 0, arriveAtMs: atMs });
    if (this.#flight.length === 1) this.#expect(atMs);
  }

  #expect(atMs: number): void {
    this.#arrival?.cancel();
    this.#arrival = this.#host.atReceiver(Math.max(atMs, this.#host.nowMs), () => this.#arrive());
  }

  /** The way is open again, the receiver reads again, or its machine is back. */
  goOn(): void {
    if (this.#closed) return;
    this.#acknowledge(0);
    if (this.#stalledSinceMs < 0) return;
    const cutMs = this.#host.nowMs - this.#stalledSinceMs;
    this.#stalledSinceMs = -1;
    // The sender waits twice as long after each try (RFC 6298), so the next one is up to as far away as the cut was long.
    const { link } = this.#host;
    this.#expect(this.#host.nowMs + RESEND_MS * link.random.float() + Math.min(cutMs, 2000) * link.random.float());
  }

  /** The receiver reads again. */
  readOn(): void {
    const first = this.#flight[0];
    if (first !== undefined && this.#stalledSinceMs < 0) this.#expect(first.arriveAtMs);
  }

  #arrive(): void {
    const host = this.#host;
    if (this.#closed) return;
    if (host.link.cut || !host.receiverThere) return this.#stall();
    if (host.receiverPaused) return;
    const first = this.#flight[0] as Packet;
    if (first.bytes === null) {
      this.#flight.shift();
      return host.deliverEnd();
    }
    const merged = this.#takeChunk();
    const delivered = host.deliver(merged, 0, merged.length);
    if (!delivered || this.#closed) return;
    this.#acknowledge(merged.length);
    const next = this.#flight[0];
    if (next !== undefined) this.#expect(next.arriveAtMs);
  }

  /** What has arrived, in one piece, or torn somewhere. */
  #takeChunk(): Uint8Array {
    const { nowMs, link } = this.#host;
    const pieces: Uint8Array[] = [];
    let size = 0;
    for (let first = this.#flight[0]; first !== undefined; first = this.#flight[0]) {
      if (first.bytes === null || first.arriveAtMs > nowMs || size >= CHUNK_BYTES_MAX) break;
      const left = first.bytes.length - first.taken;
      const torn = left > 1 && link.quality.tears > 0 && link.random.float() < link.quality.tears;
      const length = torn ? 1 + link.random.below(left - 1) : left;
      pieces.push(first.bytes.subarray(first.taken, first.taken + length));
      first.taken += length;
      size += length;
      if (torn) break;
      this.#flight.shift();
    }
    if (pieces.length === 1) return pieces[0] as Uint8Array;
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined.subarray(0, size);
  }

  #acknowledge(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#host.wayBack.cut) return;
    this.#kernelBytes -= this.#unacknowledged;
    this.#unacknowledged = 0;
    if (this.#pending.length === 0) return;
    this.#fillKernel();
    if (this.#awaitsDrain && this.#pending.length === 0) {
      this.#awaitsDrain = false;
      this.#host.atSender(this.#host.link.latencyMs(), () => {
        if (!this.#closed) this.#host.drained();
      });
    }
  }

  #stall(): void {
    if (this.#stalledSinceMs >= 0) return;
    const since = this.#host.nowMs;
    this.#stalledSinceMs = since;
    this.#host.inNetwork(this.#giveUpMs, () => {
      if (!this.#closed && this.#stalledSinceMs === since) this.#host.timedOut();
    });
  }
}
