/** The liveness thread's connection to one other node: kept open, so that a stall is told without a login in between. */
import { parseAddress } from '../base/address.ts';
import type { Address, Channel, ChannelHandler, Transport } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';
import { KeyvalError } from '../errors.ts';
import { DecodeStatus, FrameDecoder } from '../protocol/frame-decoder.ts';
import { FRAME_LENGTH_MAX, LOGIN_TIMEOUT_MS } from '../protocol/limits.ts';
import { Caller, type HelloFields } from '../protocol/login.ts';
import { type Stall, writeStall } from '../protocol/peer-codec.ts';
import { WriterQueue } from '../protocol/writer-queue.ts';
import { systemCrypto, systemRandom } from './random.ts';

const DIAL_AGAIN_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;
/** Whoever takes nothing of what it was told already is told no more of the same. */
const UNSENT_BYTES_MAX = 4096;

export interface LivenessLinkHost {
  readonly transport: Transport;
  readonly turn: Turn;
  readonly secret: Uint8Array | null;
}

export class LivenessLink {
  readonly #host: LivenessLinkHost;
  readonly #address: Address | null;
  #hello: HelloFields;
  #login: Login | null = null;
  #isDialling = false;
  #isClosed = false;
  #dialledMs: number = Number.NEGATIVE_INFINITY;

  constructor(address: string, hello: HelloFields, host: LivenessLinkHost) {
    this.#address = parseAddress(address);
    this.#hello = hello;
    this.#host = host;
  }

  /** For the next login. */
  set hello(hello: HelloFields) {
    this.#hello = hello;
  }

  /** Dials where there is no connection. To be called often. */
  keep(nowMs: number): void {
    if (this.#login !== null) return this.#login.check(nowMs - this.#dialledMs);
    if (this.#address === null || this.#isDialling || nowMs - this.#dialledMs < DIAL_AGAIN_MS) return;
    this.#dialledMs = nowMs;
    this.#isDialling = true;
    void this.#dial(this.#address);
  }

  async #dial(address: Address): Promise<void> {
    try {
      const opened = (channel: Channel): ChannelHandler => this.#opened(channel);
      await this.#host.transport.connect(address, opened, CONNECT_TIMEOUT_MS);
    } catch {
      // It is tried again.
    } finally {
      this.#isDialling = false;
    }
  }

  #opened(channel: Channel): ChannelHandler {
    const { turn, secret } = this.#host;
    const caller = new Caller(this.#hello, secret, systemCrypto, systemRandom);
    const login = new Login(channel, new WriterQueue(channel, turn), caller, () => {
      if (this.#login === login) this.#login = null;
    });
    this.#login = login;
    if (this.#isClosed) channel.destroy();
    return login;
  }

  tell(stall: Stall): void {
    this.#login?.tell(stall);
  }

  close(): void {
    this.#isClosed = true;
    this.#login?.close();
  }
}

/** One connection, from its login on. The other node says nothing after it. */
class Login implements ChannelHandler {
  readonly #channel: Channel;
  readonly #queue: WriterQueue;
  readonly #caller: Caller;
  readonly #onEnd: () => void;
  readonly #decoder: FrameDecoder = new FrameDecoder(FRAME_LENGTH_MAX);
  #isWelcome = false;

  constructor(channel: Channel, queue: WriterQueue, caller: Caller, onEnd: () => void) {
    this.#channel = channel;
    this.#queue = queue;
    this.#caller = caller;
    this.#onEnd = onEnd;
    caller.start(queue.frames);
  }

  received(chunk: Uint8Array): void {
    this.#decoder.push(chunk);
    for (let status = this.#decoder.next(); status !== DecodeStatus.needMore; status = this.#decoder.next()) {
      if (status === DecodeStatus.badLength || !this.#isSound()) return this.#channel.destroy();
    }
  }

  /** The frame at hand belongs to the login, and the other lets this node in. */
  #isSound(): boolean {
    if (this.#isWelcome) return false;
    try {
      this.#isWelcome = this.#caller.received(this.#decoder, this.#queue.frames) !== null;
      return true;
    } catch (error) {
      if (error instanceof KeyvalError) return false;
      throw error;
    }
  }

  check(ageMs: number): void {
    if (!this.#isWelcome && ageMs > LOGIN_TIMEOUT_MS) this.#channel.destroy();
  }

  tell(stall: Stall): void {
    if (this.#isWelcome && this.#queue.queuedBytes < UNSENT_BYTES_MAX) writeStall(this.#queue.frames, stall);
  }

  drained(): void {
    this.#queue.drained();
  }

  ended(): void {
    this.#queue.close();
    this.#onEnd();
  }

  close(): void {
    this.#channel.end();
  }
}
