/**
 * An echo over a loopback socket: the client masks and sends, the server unmasks and sends back, the client compares. Both
 * are in this process, so that its processor time is the work of both.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import WebSocket, { WebSocketServer } from 'ws';
import { cpuNanosOf } from './cpu-time.ts';
import { framesPerCall, payloadOf } from './web-socket-frames.ts';

/** Frames under way. */
const WINDOW_MAX = 64;

export interface Echo {
  /** Nanoseconds of processor time for a frame, there and back, many being under way. */
  measure(payloadBytes: number, seconds: number): Promise<number>;
  close(): Promise<void>;
}

export async function openEcho(): Promise<Echo> {
  const options = { perMessageDeflate: false, maxPayload: 2 ** 26, allowSynchronousEvents: true };
  const server = new WebSocketServer({ ...options, host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => socket.on('message', (message) => socket.send(message, { binary: true })));
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  await once(client, 'open');
  return {
    measure: (payloadBytes, seconds) => measure(client, payloadOf(payloadBytes), seconds),
    close: async () => {
      client.close();
      await once(client, 'close');
      server.close();
      await once(server, 'close');
    },
  };
}

function measure(client: WebSocket, payload: Buffer, seconds: number): Promise<number> {
  const frames = framesPerCall(payload.length);
  return cpuNanosOf(seconds, frames, () => batch(client, payload, frames));
}

/** Resolves when all frames are back. The first and the last byte of each are looked at, and all of one of them. */
function batch(client: WebSocket, payload: Buffer, frames: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let back = 0;
    const send = (): void => {
      sent += 1;
      client.send(payload);
    };
    const end = (error?: Error): void => {
      client.off('message', received);
      client.off('close', closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = (): void => end(new Error('the echo closed the connection'));
    const received = (message: Buffer): void => {
      back += 1;
      if (!isRight(message, payload, back === 1)) return end(new Error('the echo sent back something else'));
      if (sent < frames) send();
      else if (back === frames) end();
    };
    client.on('message', received);
    client.on('close', closed);
    while (sent < Math.min(frames, WINDOW_MAX)) send();
  });
}

function isRight(message: Buffer, payload: Buffer, whole: boolean): boolean {
  if (whole) return message.equals(payload);
  return message.length === payload.length && message[0] === payload[0] && message.at(-1) === payload.at(-1);
}
