/** A client of a few lines over a bare socket, for what no well-behaved client would send. It shares no code with src/. */
import { connect, type Socket } from 'node:net';
import { frame, type HelloParts, hello } from './bodies.ts';

export interface RawFrame {
  readonly opcode: string;
  readonly messageId: number;
  readonly body: Buffer;
}

const HEADER_BYTES = 12;

export class RawClient {
  readonly socket: Socket;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  #unparsed: Buffer = Buffer.alloc(0);
  readonly #unread: RawFrame[] = [];
  readonly #readers: Set<() => void> = new Set();
  #ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('error', () => undefined); // a reset is one way to be closed
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#ended = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** `address`: host:port. */
  static connect(address: string): Promise<RawClient> {
    const [host = '', port = ''] = address.split(':');
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawClient(socket)));
    });
  }

  /** Connects and logs in, without a secret. */
  static async login(address: string, parts: HelloParts = {}): Promise<RawClient> {
    const client = await RawClient.connect(address);
    client.send('HELO', 0, hello(parts));
    const welcome = await client.next();
    if (welcome.opcode !== 'WLCM') throw new Error(`expected WLCM, got ${describe(welcome)}`);
    return client;
  }

  send(opcode: string, messageId: number, body?: Uint8Array): void {
    this.sendBytes(frame(opcode, messageId, body));
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends a request and gives the reply. */
  request(opcode: string, messageId: number, body?: Uint8Array): Promise<RawFrame> {
    this.send(opcode, messageId, body);
    return this.reply(messageId);
  }

  /** The next frame. */
  next(): Promise<RawFrame> {
    return this.#take(() => true);
  }

  /** The next frame of this message id; others stay for later. */
  reply(messageId: number): Promise<RawFrame> {
    return this.#take((unread) => unread.messageId === messageId);
  }

  async #take(wanted: (unread: RawFrame) => boolean): Promise<RawFrame> {
    for (;;) {
      const at = this.#unread.findIndex(wanted);
      if (at >= 0) return this.#unread.splice(at, 1)[0] as RawFrame;
      if (this.#ended) throw new Error('the connection was closed before the reply came');
      await new Promise<void>((resolve) => this.#readers.add(resolve));
    }
  }

  #received(chunk: Buffer): void {
    this.#unparsed = Buffer.concat([this.#unparsed, chunk]);
    for (let found = this.#parse(); found !== null; found = this.#parse()) this.#unread.push(found);
    this.#wake();
  }

  #parse(): RawFrame | null {
    const bytes = this.#unparsed;
    if (bytes.length < HEADER_BYTES || bytes.length < 4 + bytes.readUInt32BE(0)) return null;
    const end = 4 + bytes.readUInt32BE(0);
    this.#unparsed = bytes.subarray(end);
    const opcode = bytes.toString('latin1', 4, 8);
    return { opcode, messageId: bytes.readUInt32BE(8), body: Buffer.from(bytes.subarray(HEADER_BYTES, end)) };
  }

  #wake(): void {
    for (const resolve of this.#readers) resolve();
    this.#readers.clear();
  }

  /** Closes at once. */
  destroy(): void {
    this.socket.destroy();
  }
}

/** Opcode and, for FAIL, its code and text: what an assertion prints. */
export function describe({ opcode, body }: RawFrame): string {
  if (opcode !== 'FAIL') return opcode;
  return `FAIL ${body.readUInt16BE(0)} ${body.toString('utf8', 2)}`;
}
