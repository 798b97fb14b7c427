/**
 * One connection between two processes: two ends, a pipe in each direction. An end closes when both directions have
 * ended, when it is destroyed, or when the connection breaks; then its handler hears it once. Whoever sends to an end that
 * is closed is told by a reset; whoever sends to a machine that is gone hears nothing until he gives up.
 */
import type { Channel, ChannelHandler } from '../base/ports.ts';
import type { SimEvent } from './event-heap.ts';
import type { SimLink } from './sim-link.ts';
import { type PipeHost, SimPipe } from './sim-pipe.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

/** What a connection needs of the network. */
export interface ConnectionNet {
  readonly world: World;
  link(from: string, to: string): SimLink;
  isUp(host: string): boolean;
  ended(end: SimEnd): void;
  readonly counters: { resets: number; timeouts: number };
}

export interface ConnectionLimits {
  /** Bytes that the two kernels hold in one direction. */
  readonly roomBytes: number;
  /** Without an acknowledgement for so long the sender gives up. */
  readonly giveUpMs: number;
}

/** What a read is handed over in: it is written over afterwards, so that nobody gets away with keeping it. */
const scratch: Uint8Array = new Uint8Array(128 * 1024);
const OVERWRITTEN = 0xdb;

class SystemError extends Error {
  readonly code: string;

  constructor(code: string, what: string) {
    super(`${what} ${code}`);
    this.code = code;
  }
}

export function systemError(code: string, what: string): Error {
  return new SystemError(code, what);
}

export class SimEnd implements Channel, PipeHost {
  readonly process: SimProcess;
  readonly remoteAddress: string;
  readonly #net: ConnectionNet;
  readonly #out: SimPipe;
  readonly link: SimLink;
  readonly wayBack: SimLink;
  other: SimEnd | null = null;
  handler: ChannelHandler | null = null;
  #open = true;
  #reading = true;
  #endReceived = false;

  constructor(
    net: ConnectionNet,
    process: SimProcess,
    remote: string,
    remoteAddress: string,
    limits: ConnectionLimits,
  ) {
    this.#net = net;
    this.process = process;
    this.remoteAddress = remoteAddress;
    this.link = net.link(process.host, remote);
    this.wayBack = net.link(remote, process.host);
    this.#out = new SimPipe(this, limits.roomBytes, limits.giveUpMs);
  }

  get open(): boolean {
    return this.#open;
  }

  get unsentBytes(): number {
    return this.#out.queuedBytes;
  }

  // ---- what its owner does

  write(bytes: Uint8Array): boolean {
    if (!this.#open) return true;
    this.#net.world.noteBytes(bytes);
    return this.#out.write(bytes);
  }

  pause(): void {
    this.#reading = false;
  }

  resume(): void {
    if (this.#reading) return;
    this.#reading = true;
    if (this.#open) (this.other as SimEnd).#out.readOn();
  }

  end(): void {
    if (!this.#open) return;
    this.#out.end();
    this.#closeIfBothEnded();
  }

  destroy(): void {
    if (!this.#open) return;
    this.#out.senderClosed();
    this.#close(null);
  }

  /** Its process is dead. `silently`: its machine, too. A kernel that has unread bytes resets, any other ends. */
  die(silently: boolean): void {
    const { other } = this;
    this.#open = false;
    const unread = other !== null && other.#out.queuedBytes > 0;
    if (silently || unread) this.#out.close();
    else this.#out.senderClosed();
    if (!silently && unread) this.#reset();
    if (other !== null) other.#out.receiverDied();
    this.#net.ended(this);
  }

  // ---- what happens to it

  #close(error: Error | null): void {
    if (!this.#open) return;
    this.#open = false;
    this.#net.ended(this);
    this.#net.world.schedule(this.process, 0, () => this.handler?.ended(error));
  }

  /** The connection is broken here; what was on its way is lost. */
  broken(error: Error): void {
    if (!this.#open) return;
    this.#out.close();
    this.#close(error);
  }

  /** Tells the other side that nobody is here any more. */
  #reset(): void {
    const other = this.other as SimEnd;
    const { world, counters } = this.#net;
    if (!other.open) return;
    if (this.link.cut) return; // it is lost; the other side finds out when it sends
    counters.resets += 1;
    world.schedule(null, this.link.latencyMs(), () => other.broken(systemError('ECONNRESET', 'read')));
  }

  /** A probe of an idle connection: it is answered, lost, or tells that the other end is closed. */
  probe(): void {
    const { other } = this;
    if (!this.#open || other === null || other.open || this.link.cut) return;
    if (this.#net.isUp(other.process.host) && other.#out.isSilent) other.#reset();
  }

  /** The way between the two machines has changed. */
  wayChanged(): void {
    this.#out.goOn();
  }

  // ---- PipeHost: the pipe from here to the other end

  get nowMs(): number {
    return this.#net.world.nowMs;
  }

  get #receiver(): SimEnd {
    return this.other as SimEnd;
  }

  get receiverThere(): boolean {
    return this.#net.isUp(this.#receiver.process.host);
  }

  get receiverPaused(): boolean {
    return this.#receiver.#open && !this.#receiver.#reading;
  }

  atReceiver(atMs: number, run: () => void): SimEvent {
    const { process } = this.#receiver;
    const { world } = this.#net;
    // A kernel answers for a dead process.
    return world.schedule(process.state === 'dead' ? null : process, atMs - world.nowMs, run);
  }

  atSender(afterMs: number, run: () => void): void {
    this.#net.world.schedule(this.process, afterMs, run);
  }

  inNetwork(afterMs: number, run: () => void): void {
    this.#net.world.schedule(null, afterMs, run);
  }

  deliver(chunk: Uint8Array, start: number, end: number): boolean {
    const receiver = this.#receiver;
    if (!receiver.#open) {
      this.#out.close();
      receiver.#reset();
      return false;
    }
    const lent = scratch.subarray(0, end - start);
    lent.set(chunk.subarray(start, end));
    receiver.handler?.received(lent);
    lent.fill(OVERWRITTEN);
    return true;
  }

  deliverEnd(): void {
    const receiver = this.#receiver;
    if (!receiver.#open) return;
    receiver.#endReceived = true;
    if (receiver.handler?.finished === undefined) receiver.#out.end();
    else receiver.handler.finished();
    receiver.#closeIfBothEnded();
    if (this.#open) this.#closeIfBothEnded();
  }

  /** Both directions have ended: the socket closes by itself. */
  #closeIfBothEnded(): void {
    if (this.#endReceived && this.#out.ended) this.#close(null);
  }

  drained(): void {
    if (!this.#open) return;
    this.handler?.drained();
    this.#closeIfBothEnded();
  }

  timedOut(): void {
    this.#net.counters.timeouts += 1;
    this.broken(systemError('ETIMEDOUT', 'read'));
  }
}
