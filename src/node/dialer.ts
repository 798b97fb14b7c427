/**
 * Keeps one link to one peer: dials, logs in, and after a loss dials again with decorrelated jitter, for as long as the
 * node lives. A node that starts before its peers waits for them here.
 */
import { Backoff } from '../base/jitter.ts';
import type { Clock, Crypto, Log, Random, Timers, Transport } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';
import { KeyvalError } from '../errors.ts';
import type { Welcome } from '../protocol/hello-codec.ts';
import { FRAME_LENGTH_MAX, LOGIN_TIMEOUT_MS } from '../protocol/limits.ts';
import { Caller, type HelloFields } from '../protocol/login.ts';
import { Connection, type FrameHandler } from './connection.ts';
import type { Peer } from './peer.ts';

const RETRY_BASE_MS = 50;
const RETRY_CAP_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;

export interface DialerHost {
  readonly transport: Transport;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly turn: Turn;
  readonly log: Log;
  readonly secret: Uint8Array | null;
  touch(): number;
  nextConnectionId(): number;
  /** The link is up. @throws KeyvalError when this node refuses the peer */
  linked(peer: Peer, connection: Connection, welcome: Welcome): void;
  linkRefused(peer: Peer, error: KeyvalError): void;
}

export class Dialer implements FrameHandler {
  readonly #peer: Peer;
  readonly #hello: () => HelloFields;
  /** There is a link already, which the other has opened. */
  readonly #isLinked: () => boolean;
  readonly #host: DialerHost;
  readonly #backoff: Backoff;
  #caller: Caller | null = null;
  #connection: Connection | null = null;
  #stopped = false;
  #toldRefusal = '';

  constructor(peer: Peer, hello: () => HelloFields, host: DialerHost, isLinked: () => boolean) {
    this.#peer = peer;
    this.#hello = hello;
    this.#isLinked = isLinked;
    this.#host = host;
    const random = (): number => host.random.u32() / 2 ** 32;
    this.#backoff = new Backoff({ baseMs: RETRY_BASE_MS, capMs: RETRY_CAP_MS, random });
  }

  async start(): Promise<void> {
    if (this.#stopped) return;
    if (this.#isLinked()) return this.#again();
    try {
      await this.#host.transport.connect(this.#peer.address, (channel) => this.#open(channel), CONNECT_TIMEOUT_MS);
    } catch (cause) {
      this.#peer.reason = `cannot connect: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#again();
    }
  }

  #open(channel: Connection['channel']): Connection {
    const host = this.#host;
    const connection = new Connection(host.nextConnectionId(), channel, host.turn, this, () => host.touch());
    connection.decoder.lengthMax = FRAME_LENGTH_MAX;
    this.#connection = connection;
    this.#caller = new Caller(this.#hello(), host.secret, host.crypto, host.random);
    this.#caller.start(connection.frames);
    connection.loginTimer = host.timers.after(LOGIN_TIMEOUT_MS, () => connection.destroy());
    return connection;
  }

  frame(connection: Connection): void {
    try {
      const welcome = (this.#caller as Caller).received(connection.decoder, connection.frames);
      if (welcome === null) return;
      connection.loggedIn();
      this.#host.linked(this.#peer, connection, welcome);
      this.#backoff.reset();
      this.#toldRefusal = '';
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      this.#refused(error);
      connection.destroy();
    }
  }

  #refused(error: KeyvalError): void {
    if (this.#toldRefusal !== error.message) {
      this.#toldRefusal = error.message;
      this.#host.log.write('error', 'peer refuses', {
        peer: this.#peer.name,
        code: error.code,
        message: error.message,
      });
    }
    this.#host.linkRefused(this.#peer, error);
  }

  badLength(connection: Connection, length: number): void {
    this.#refused(new KeyvalError('KV_BAD_FRAME', `${this.#peer.name} announced a frame of ${length} bytes`));
    connection.destroy();
  }

  /** The channel closed during the login. */
  closed(connection: Connection): void {
    this.lost(connection);
  }

  /** A link is gone: if it is this dialer's, dial again. */
  lost(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    this.#again();
  }

  #again(): void {
    if (this.#stopped) return;
    this.#host.timers.after(this.#backoff.next(), () => void this.start());
  }

  /** Keeps the present link and opens no other. */
  stopDialling(): void {
    this.#stopped = true;
  }

  stop(): void {
    this.#stopped = true;
    this.#connection?.destroy();
  }
}
