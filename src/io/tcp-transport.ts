/** TCP sockets as channels: small packets leave at once, dead peers are noticed, chunks are plain arrays. */
import { connect as connectSocket, type Socket } from 'node:net';
import type { Address, Channel, ChannelHandler, Transport } from '../base/ports.ts';

/** Idle this long before the kernel probes. */
const KEEP_ALIVE_MS = 15_000;
/** What is read at once: as much as the system hands over. */
const READ_BYTES: number = 64 * 1024;

/** For those whose first byte shows that they do not speak in frames: one answer, then the end. */
export interface TextDoor {
  /** The whole answer once it is known; null: more must come. */
  received(chunk: Uint8Array): Uint8Array | null;
}

class TcpChannel implements Channel {
  readonly remoteAddress: string;
  handler: ChannelHandler | null = null;
  readonly #socket: Socket;
  /** One for all writes: nothing is made per write. */
  readonly #written: () => void;
  #waiting = false;
  #muted = false;

  constructor(socket: Socket, remoteAddress: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#written = (): void => this.#afterWrite();
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded || this.#muted) return true;
    socket.write(bytes, this.#written);
    // Node tries at once; what the kernel took is no longer counted.
    if (socket.writableLength === 0) return true;
    this.#waiting = true;
    return false;
  }

  /** What is written from now on goes nowhere: the other side would not understand it. */
  mute(): void {
    this.#muted = true;
  }

  #afterWrite(): void {
    if (!this.#waiting || this.#socket.writableLength > 0 || this.#socket.destroyed) return;
    this.#waiting = false;
    this.handler?.drained();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    // A reset frees at once what the other side does not take; an orderly end would have the kernel keep it for minutes.
    if (this.#socket.writableLength > 0) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}

/** Joins an accepted socket and its handler; the first byte decides whether it comes in by the door for text. */
export function attachSocket(
  socket: Socket,
  handlerOf: (channel: Channel) => ChannelHandler,
  openDoor: (() => TextDoor) | null = null,
): Channel {
  const { channel, handler } = join(socket, handlerOf);
  let receiver: Pick<ChannelHandler, 'received'> | null = openDoor === null ? handler : null;
  socket.on('data', (chunk: Buffer) => {
    receiver ??= openDoor !== null && isCapitalLetter(chunk[0]) ? textReceiver(socket, channel, openDoor()) : handler;
    receiver.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  });
  return channel;
}

/** As a method of HTTP begins. Frames begin with the upper byte of a length, which is far smaller. */
function isCapitalLetter(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}

/** The handler still sees to it that the connection does not stay. */
function textReceiver(socket: Socket, channel: TcpChannel, door: TextDoor): Pick<ChannelHandler, 'received'> {
  let isAnswered = false;
  channel.mute();
  return {
    received: (chunk): void => {
      const answer = isAnswered ? null : door.received(chunk);
      if (answer === null) return;
      isAnswered = true;
      socket.end(answer);
    },
  };
}

function join(
  socket: Socket,
  handlerOf: (channel: Channel) => ChannelHandler,
): { channel: TcpChannel; handler: ChannelHandler } {
  const channel = new TcpChannel(socket, `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`);
  const handler = handlerOf(channel);
  channel.handler = handler;
  let failure: Error | null = null;
  socket.on('end', () => {
    if (handler.finished === undefined) socket.end();
    else handler.finished();
  });
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('close', () => handler.ended(failure));
  return { channel, handler };
}

/** Machines number their own 127.x.y.z freely, so that several nodes on one may each have an address. */
const LOOPBACK = /^127(?:\.\d{1,3}){3}$/;

/** `host`: where the caller listens. Between loopback addresses it also calls from there; elsewhere the system chooses. */
export function tcpTransportOf(host: string | null): Transport {
  return {
    connect: (address, handlerOf, timeoutMs) => {
      const isLocal = host !== null && LOOPBACK.test(host) && LOOPBACK.test(address.host);
      return connectFrom(isLocal ? { localAddress: host } : {}, address, handlerOf, timeoutMs);
    },
  };
}

export const tcpTransport: Transport = tcpTransportOf(null);

function connectFrom(
  from: { readonly localAddress?: string },
  address: Address,
  handlerOf: (channel: Channel) => ChannelHandler,
  timeoutMs: number,
): Promise<Channel> {
  return new Promise((resolve, reject) => {
    let handler: ChannelHandler | null = null;
    // All chunks are read into one buffer, past the stream's own queue: nothing is allocated for their bytes.
    const onread = {
      buffer: new Uint8Array(READ_BYTES),
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        handler?.received(buffer.subarray(0, bytes));
        return true;
      },
    };
    const socket = connectSocket({ host: address.host, port: address.port, noDelay: true, onread, ...from });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no connection within ${timeoutMs} ms`));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      const joined = join(socket, handlerOf);
      handler = joined.handler;
      resolve(joined.channel);
    });
  });
}
