/**
 * A socket of the attacker. It reads the frames that come by their headers and keeps no more than the start of each body,
 * so that what is asked for by the gigabyte costs the attacker little.
 */
import { connect, type Socket } from 'node:net';
import { codeOfWire } from '../../src/errors.ts';
import { decodeWelcome, type Welcome } from '../../src/protocol/hello-codec.ts';
import { frame, type HelloParts, hello } from './frames.ts';

export interface Heard {
  readonly opcode: string;
  readonly messageId: number;
  /** Its first bytes. */
  readonly body: Buffer;
  readonly bodyBytes: number;
}

const HEADER_BYTES = 12;
/** Enough for a table of 256 partitions. */
const BODY_KEPT_BYTES = 8192;
/** Frames that nobody has asked for yet. */
const UNREAD_MAX = 1000;
const CONNECT_TIMEOUT_MS = 10_000;

export interface WireOptions {
  /** Where it connects from: each address has some 28,000 ports of its own. */
  readonly from?: string;
  /** Bytes that are read ahead while nobody takes them. */
  readonly readAheadBytes?: number;
  /** Of each body so much is kept. */
  readonly bodyKeptBytes?: number;
}

export class Wire {
  readonly socket: Socket;
  readonly openedAtMs: number = performance.now();
  closedAtMs = 0;
  /** Frames that came, in all and by opcode; FAIL by its code. */
  frames = 0;
  bytesRead = 0;
  readonly kinds: Map<string, number> = new Map();
  /** The last FAIL. */
  failure: Heard | null = null;
  /** Takes each frame instead of the queue of `next`. */
  onFrame: ((heard: Heard) => void) | null = null;
  readonly #unread: Heard[] = [];
  readonly #watchers: Set<() => void> = new Set();
  readonly #header: Buffer = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #bodyBytes = 0;
  #bodyMissing = 0;
  #body: Buffer = Buffer.alloc(0);
  #bodyKept = 0;
  readonly #bodyKeptMax: number;

  private constructor(socket: Socket, bodyKeptMax: number) {
    this.socket = socket;
    this.#bodyKeptMax = bodyKeptMax;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', () => undefined); // a reset is one way to be closed
    socket.on('close', () => {
      this.closedAtMs = performance.now();
      this.#wake();
    });
  }

  /** `address`: host:port. */
  static connect(address: string, options: WireOptions = {}): Promise<Wire> {
    const at = address.lastIndexOf(':');
    const [host, port] = [address.slice(0, at), Number(address.slice(at + 1))];
    return new Promise((resolve, reject) => {
      const from = options.from === undefined ? {} : { localAddress: options.from };
      const ahead = options.readAheadBytes === undefined ? {} : { highWaterMark: options.readAheadBytes };
      const socket = connect({ host, port, noDelay: true, timeout: CONNECT_TIMEOUT_MS, ...from, ...ahead });
      const refused = (error: Error): void => reject(error);
      socket.once('error', refused);
      socket.once('timeout', () => socket.destroy(new Error(`no connection to ${address}`)));
      socket.once('connect', () => {
        socket.setTimeout(0);
        socket.off('error', refused);
        resolve(new Wire(socket, options.bodyKeptBytes ?? BODY_KEPT_BYTES));
      });
    });
  }

  /** Connects and logs in without a secret. @throws Error saying what came instead of WLCM */
  static async login(
    address: string,
    parts: HelloParts = {},
    options: WireOptions = {},
  ): Promise<{ wire: Wire; welcome: Welcome }> {
    const wire = await Wire.connect(address, options);
    wire.send(frame('HELO', 0, hello(parts)));
    const heard = await wire.next(10_000);
    if (heard?.opcode === 'WLCM') return { wire, welcome: decodeWelcome(heard.body) };
    wire.destroy();
    throw new Error(`expected WLCM, got ${told(heard)}`);
  }

  get closed(): boolean {
    return this.closedAtMs > 0;
  }

  send(bytes: Uint8Array): void {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(bytes);
  }

  /** Says FIN; what comes is still read. */
  finish(): void {
    this.socket.end();
  }

  /** RST instead of FIN, whatever is under way. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The next frame; null when the connection closes, or nothing comes for `waitMs`. */
  async next(waitMs: number): Promise<Heard | null> {
    await this.until(() => this.#unread.length > 0 || this.closed, waitMs);
    return this.#unread.shift() ?? null;
  }

  /** Sends a request and gives its answer; frames of other message ids are passed over. */
  async request(opcode: string, messageId: number, body: Uint8Array, waitMs = 10_000): Promise<Heard | null> {
    this.send(frame(opcode, messageId, body));
    for (;;) {
      const heard = await this.next(waitMs);
      if (heard === null || heard.messageId === messageId) return heard;
    }
  }

  /** True when it is closed within `waitMs`. */
  untilClosed(waitMs: number): Promise<boolean> {
    return this.until(() => this.closed, waitMs);
  }

  /** True when so many frames have come within `waitMs`; false also when the connection closes before. */
  async untilFrames(count: number, waitMs: number): Promise<boolean> {
    await this.until(() => this.frames >= count || this.closed, waitMs);
    return this.frames >= count;
  }

  async until(reached: () => boolean, waitMs: number): Promise<boolean> {
    const deadline = performance.now() + waitMs;
    while (!reached()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await this.#news(left);
    }
    return true;
  }

  #news(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const told = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(told);
        resolve();
      };
      const timer = setTimeout(told, waitMs);
      this.#watchers.add(told);
    });
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }

  #received(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    for (let at = 0; at < chunk.length; ) at = this.#bodyMissing > 0 ? this.#more(chunk, at) : this.#head(chunk, at);
    this.#wake();
  }

  #head(chunk: Buffer, at: number): number {
    const taken = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at);
    chunk.copy(this.#header, this.#headerBytes, at, at + taken);
    this.#headerBytes += taken;
    if (this.#headerBytes < HEADER_BYTES) return at + taken;
    this.#headerBytes = 0;
    this.#bodyBytes = this.#header.readUInt32BE(0) - 8;
    this.#bodyMissing = this.#bodyBytes;
    this.#body = Buffer.alloc(Math.min(this.#bodyBytes, this.#bodyKeptMax));
    this.#bodyKept = 0;
    if (this.#bodyMissing === 0) this.#whole();
    return at + taken;
  }

  #more(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#bodyMissing, chunk.length - at);
    this.#bodyKept += chunk.copy(this.#body, this.#bodyKept, at, at + taken);
    this.#bodyMissing -= taken;
    if (this.#bodyMissing === 0) this.#whole();
    return at + taken;
  }

  #whole(): void {
    const heard: Heard = {
      opcode: this.#header.toString('latin1', 4, 8),
      messageId: this.#header.readUInt32BE(8),
      body: this.#body,
      bodyBytes: this.#bodyBytes,
    };
    this.frames += 1;
    const kind = heard.opcode === 'FAIL' ? codeIn(heard) : heard.opcode;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    if (heard.opcode === 'FAIL') this.failure = heard;
    if (this.onFrame !== null) this.onFrame(heard);
    else if (this.#unread.length < UNREAD_MAX) this.#unread.push(heard);
  }
}

/** The code in a FAIL; the opcode of anything else; `nothing`. */
export function codeIn(heard: Heard | null): string {
  if (heard === null) return 'nothing';
  return heard.opcode === 'FAIL' && heard.body.length >= 2 ? codeOfWire(heard.body.readUInt16BE(0)) : heard.opcode;
}

/** Code and text, for people. */
export function told(heard: Heard | null): string {
  if (heard?.opcode !== 'FAIL') return codeIn(heard);
  return `${codeIn(heard)} (${heard.body.toString('utf8', 2)})`;
}

/** The revision in a DONE, the token in an LKDK. */
export function revisionIn({ opcode, body }: Heard): bigint {
  return body.readBigUInt64BE(opcode === 'LKDK' ? 0 : 1);
}
