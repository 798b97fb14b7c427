/**
 * The client's connection to one node: dials, logs in, dials again with decorrelated jitter after a loss, and matches
 * replies to requests. It knows nothing of keys.
 */
import { parseAddress } from '../base/address.ts';
import { hexOf } from '../base/bytes.ts';
import { Backoff } from '../base/jitter.ts';
import type { Channel, ChannelHandler, Clock, Crypto, Random, TimerHandle, Timers, Transport } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';
import { KeyvalError } from '../errors.ts';
import { DecodeStatus, FrameDecoder } from '../protocol/frame-decoder.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { decodeTable, HelloFlag, Role, type RoutingTable, type Welcome } from '../protocol/hello-codec.ts';
import { Caller, checkTable, decodeFail } from '../protocol/login.ts';
import { FAIL, LOST, opcodeName, TABL, WNTD } from '../protocol/opcode.ts';
import { WriterQueue } from '../protocol/writer-queue.ts';
import type { Operation } from './operation.ts';
import { Pending, UNASKED } from './pending.ts';
import type { RenewalHost } from './renewal/work.ts';
import { isReplyTo } from './reply-check.ts';

const RETRY_BASE_MS = 20;
const RETRY_CAP_MS = 500;

export interface ClientPorts {
  readonly transport: Transport;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly turn: Turn;
  /** Renews leases off the main thread. */
  readonly renewal?: RenewalHost;
}

export interface LinkOptions {
  readonly cluster: string;
  readonly name: string;
  readonly secret: Uint8Array | null;
  readonly connectTimeoutMs: number;
  /** With which the ids of the client's sessions begin. */
  readonly owner: Uint8Array;
}

export interface LinkOwner {
  /** @throws KeyvalError when this client does not speak to the node that says so. */
  admit(welcome: Welcome): void;
  linkUp(link: NodeLink, table: RoutingTable): void;
  /** The connection broke, with these requests unanswered. */
  linkDown(link: NodeLink, unanswered: readonly Operation[], error: KeyvalError): void;
  /** It could not be dialled; it is tried again. */
  linkFailed(link: NodeLink, error: KeyvalError): void;
  /** The node does not want this client: `error` says why. */
  linkRefused(link: NodeLink, error: KeyvalError): void;
  /** The node tells of a newer table, unasked. */
  tablePushed(link: NodeLink, table: RoutingTable): void;
  /** WNTD lies in `bytes[start, end)`. */
  wanted(bytes: Uint8Array, start: number, end: number): void;
  /** LOST lies there. */
  lost(bytes: Uint8Array, start: number, end: number): void;
  /** A reply to `operation`; its body lies in `frame`. */
  reply(link: NodeLink, operation: Operation, frame: FrameDecoder): void;
}

type LinkState = 'idle' | 'dialling' | 'login' | 'up' | 'closed';

export class NodeLink implements ChannelHandler {
  readonly endpoint: string;
  readonly pending: Pending = new Pending();
  state: LinkState = 'idle';
  lastError: KeyvalError | null = null;
  /** Of the node, as it said when it let this client in last; null: it has not yet. */
  incarnation: string | null = null;
  /** As the node said when it let this client in last; empty: it belonged to no cluster yet. */
  clusterId = '';
  readonly #ports: ClientPorts;
  readonly #options: LinkOptions;
  readonly #owner: LinkOwner;
  readonly #backoff: Backoff;
  #channel: Channel | null = null;
  #queue: WriterQueue | null = null;
  #decoder: FrameDecoder = new FrameDecoder();
  #caller: Caller | null = null;
  #flushTimer: TimerHandle | null = null;
  #loginTimer: TimerHandle | null = null;
  /** When the node was heard last, monotonic milliseconds. */
  heardAtMs = 0;

  constructor(endpoint: string, ports: ClientPorts, options: LinkOptions, owner: LinkOwner) {
    this.endpoint = endpoint;
    this.#ports = ports;
    this.#options = options;
    this.#owner = owner;
    const random = (): number => ports.random.u32() / 2 ** 32;
    this.#backoff = new Backoff({ baseMs: RETRY_BASE_MS, capMs: RETRY_CAP_MS, random });
  }

  get up(): boolean {
    return this.state === 'up';
  }

  /** Where requests are encoded; only while it is up. */
  get frames(): FrameWriter {
    return (this.#queue as WriterQueue).frames;
  }

  get queue(): WriterQueue {
    return this.#queue as WriterQueue;
  }

  /** Dials, unless it is connected or about to be. */
  open(): void {
    if (this.state !== 'idle') return;
    this.state = 'dialling';
    void this.#dial();
  }

  async #dial(): Promise<void> {
    const address = parseAddress(this.endpoint);
    try {
      if (address === null) throw new Error('not an address');
      await this.#ports.transport.connect(address, (channel) => this.#begin(channel), this.#options.connectTimeoutMs);
    } catch (cause) {
      if (this.state === 'closed') return;
      const text = cause instanceof Error ? cause.message : String(cause);
      this.lastError = new KeyvalError('KV_UNREACHABLE', `${this.endpoint}: ${text}`, { cause });
      this.#again();
      this.#owner.linkFailed(this, this.lastError);
    }
  }

  #begin(channel: Channel): ChannelHandler {
    this.#channel = channel;
    this.#queue = new WriterQueue(channel, this.#ports.turn);
    this.#decoder = new FrameDecoder();
    if (this.state === 'closed') {
      channel.destroy();
      return this;
    }
    this.state = 'login';
    const { cluster, name, secret, owner } = this.#options;
    const hello = { role: Role.client, flags: HelloFlag.routes, cluster, name, owner, peer: null };
    this.#caller = new Caller(hello, secret, this.#ports.crypto, this.#ports.random);
    this.#caller.start(this.#queue.frames);
    // A node that does not answer, though it can be reached, is given up: what it said may be lost for good.
    this.#loginTimer = this.#ports.timers.after(this.#options.connectTimeoutMs, () => channel.destroy());
    return this;
  }

  #again(): void {
    this.state = 'dialling';
    this.#ports.timers.after(this.#backoff.next(), () => {
      if (this.state === 'dialling') void this.#dial();
    });
  }

  received(chunk: Uint8Array): void {
    const decoder = this.#decoder;
    this.heardAtMs = this.#ports.clock.monotonicMs();
    decoder.push(chunk);
    for (let status = decoder.next(); status !== DecodeStatus.needMore; status = decoder.next()) {
      if (status === DecodeStatus.badLength) return this.#broken(`announced a frame of ${decoder.badLength} bytes`);
      if (this.state === 'up') {
        if (!this.#frame(decoder)) return;
      } else if (this.state === 'login') this.#login(decoder);
      else return;
    }
  }

  #broken(what: string): void {
    this.lastError = new KeyvalError('KV_BAD_FRAME', `${this.endpoint} ${what}`);
    this.#channel?.destroy();
  }

  /** False: the node cannot be followed, and the connection is given up. */
  #frame(decoder: FrameDecoder): boolean {
    if (decoder.messageId === UNASKED) return this.#unasked(decoder);
    const operation = this.pending.get(decoder.messageId);
    if (operation === null) return true;
    if (!isReplyTo(operation, decoder)) {
      this.#broken(`answered a request with ${opcodeName(decoder.opcode)}`);
      return false;
    }
    this.#owner.reply(this, operation, decoder);
    return true;
  }

  #unasked({ opcode, buffer, bodyStart, bodyEnd }: FrameDecoder): boolean {
    if (opcode === FAIL) this.lastError = decodeFail(buffer.slice(bodyStart, bodyEnd));
    if (opcode === WNTD) this.#owner.wanted(buffer, bodyStart, bodyEnd);
    if (opcode === LOST) this.#owner.lost(buffer, bodyStart, bodyEnd);
    if (opcode !== TABL) return true;
    try {
      const table = decodeTable(buffer.slice(bodyStart, bodyEnd));
      checkTable(table);
      this.#owner.tablePushed(this, table);
      return true;
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      this.#broken(`sent a table that cannot be: ${error.message}`);
      return false;
    }
  }

  #login(decoder: FrameDecoder): void {
    let welcome: Welcome | null;
    try {
      welcome = (this.#caller as Caller).received(decoder, this.frames);
      if (welcome !== null) this.#owner.admit(welcome);
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      this.lastError = error;
      this.#channel?.destroy();
      this.#owner.linkRefused(this, error);
      return;
    }
    if (welcome === null) return;
    this.#loginTimer?.cancel();
    this.state = 'up';
    this.lastError = null;
    this.incarnation = hexOf(welcome.incarnation);
    this.clusterId = welcome.clusterId;
    this.#backoff.reset();
    this.#owner.linkUp(this, welcome.table);
  }

  drained(): void {
    this.#queue?.drained();
  }

  ended(cause: Error | null): void {
    this.#loginTimer?.cancel();
    this.#queue?.close();
    this.#channel = null;
    const wasUp = this.state === 'up';
    if (this.state === 'closed') return;
    const text = `${this.endpoint}: the connection broke${cause === null ? '' : `: ${cause.message}`}`;
    this.lastError ??= new KeyvalError('KV_UNREACHABLE', text, { cause });
    this.#again();
    if (wasUp) this.#owner.linkDown(this, this.pending.drain(), this.lastError);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#flushTimer = this.#ports.timers.after(ms, resolve);
    });
  }

  /** Nothing has come for too long although something is awaited: the connection is given up and dialled anew. */
  reset(): void {
    this.lastError = new KeyvalError('KV_UNREACHABLE', `${this.endpoint} has been silent for too long`);
    this.#channel?.destroy();
  }

  /** Sends what is queued, for at most `flushMs`, then closes; dials no more. */
  async close(flushMs: number): Promise<void> {
    const channel = this.#channel;
    const queue = this.#queue;
    const wasUp = this.state === 'up';
    this.state = 'closed';
    if (channel === null || queue === null) return;
    if (wasUp) await Promise.race([queue.whenEmpty(), this.#pause(flushMs)]);
    this.#flushTimer?.cancel();
    channel.end();
    channel.destroy();
  }
}
