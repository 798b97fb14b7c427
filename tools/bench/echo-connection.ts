/**
 * The opponent's client, as lean as one can be written: one connection, one frame under way per loop, all frames of a
 * turn in one write. The message id is the number of the loop, so a reply finds its loop by an index into an array.
 */
import { connect, type Socket } from 'node:net';
import { readU32, writeU32 } from '../../src/base/bytes.ts';
import { FRAME_HEADER_BYTES } from '../../src/protocol/limits.ts';

const MESSAGE_ID_AT = 8;
const FILLER = 0x2e;

export interface EchoOptions {
  readonly port: number;
  readonly loops: number;
  /** Size of each frame, header included. */
  readonly frameBytes: number;
}

export class EchoConnection {
  readonly #socket: Socket;
  readonly #frameBytes: number;
  readonly #template: Uint8Array;
  /** Who waits for the frame of each loop. */
  readonly #waiting: (() => void)[];
  readonly #carry: Uint8Array;
  #carried = 0; // bytes of a cut frame at the start of #carry
  #buffer: Uint8Array;
  #length = 0;
  readonly #flush: () => void = () => this.#write();

  static async open(options: EchoOptions): Promise<EchoConnection> {
    const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new EchoConnection(socket, options);
  }

  constructor(socket: Socket, { loops, frameBytes }: EchoOptions) {
    this.#socket = socket;
    this.#frameBytes = frameBytes;
    this.#template = frameOf(frameBytes);
    this.#waiting = new Array(loops).fill(() => undefined);
    this.#carry = new Uint8Array(frameBytes);
    this.#buffer = new Uint8Array(loops * frameBytes);
    socket.on('data', (chunk: Buffer) => {
      this.#received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
  }

  /** Sends the frame of `loop`; `arrived` is called when it has come back. */
  send(loop: number, arrived: () => void): void {
    this.#waiting[loop] = arrived;
    if (this.#length === 0) setImmediate(this.#flush);
    this.#buffer.set(this.#template, this.#length);
    writeU32(this.#buffer, this.#length + MESSAGE_ID_AT, loop);
    this.#length += this.#frameBytes;
  }

  #write(): void {
    this.#socket.write(this.#buffer.subarray(0, this.#length));
    // What the kernel has not taken is still read from the buffer.
    if (this.#socket.writableLength > 0) this.#buffer = new Uint8Array(this.#buffer.length);
    this.#length = 0;
  }

  #received(chunk: Uint8Array): void {
    const size = this.#frameBytes;
    let at = this.#carried > 0 ? this.#completeCut(chunk) : 0;
    for (; at + size <= chunk.length; at += size) this.#arrived(chunk, at);
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  /** Gives where the next frame begins. */
  #completeCut(chunk: Uint8Array): number {
    const end = Math.min(this.#frameBytes - this.#carried, chunk.length);
    this.#keep(chunk, 0, end);
    if (this.#carried === this.#frameBytes) {
      this.#carried = 0;
      this.#arrived(this.#carry, 0);
    }
    return end;
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried += end - start;
  }

  #arrived(bytes: Uint8Array, at: number): void {
    (this.#waiting[readU32(bytes, at + MESSAGE_ID_AT)] as () => void)();
  }

  close(): void {
    this.#socket.destroy();
  }
}

function frameOf(bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes).fill(FILLER, FRAME_HEADER_BYTES);
  writeU32(frame, 0, bytes - 4);
  frame.set(new TextEncoder().encode('ECHO'), 4);
  return frame;
}
