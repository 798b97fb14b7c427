/**
 * The frame path of ws without a socket: what a client does to a frame before it is sent, and what a server does to one
 * that has come. Masking writes to a copy, as it does for whoever sends a Buffer.
 */
import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { check, type HotPath } from '../tools/micro/paths/path.ts';

/** What ws exports besides, without types. */
interface FrameClasses {
  readonly Receiver: new (options: { isServer: boolean; allowSynchronousEvents: boolean }) => Writable;
  readonly Sender: { frame(data: Buffer, options: FrameOptions): Buffer[] };
}

interface FrameOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly mask: boolean;
  /** The data is the caller's: it is masked in a copy. */
  readonly readOnly: boolean;
  readonly rsv1: boolean;
}

const { Receiver, Sender } = ws as unknown as FrameClasses;

const BINARY = 2;
/** Bytes of one call, about: small frames come many at a time. */
const CALL_BYTES: number = 256 * 1024;
const FRAMES_MAX = 500;

export function framesPerCall(payloadBytes: number): number {
  return Math.max(1, Math.min(FRAMES_MAX, Math.floor(CALL_BYTES / payloadBytes)));
}

/** The same bytes every time. */
export function payloadOf(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >>> 8)) & 255));
}

export function masking(payloadBytes: number): HotPath {
  const payload = payloadOf(payloadBytes);
  const operations = framesPerCall(payloadBytes);
  return {
    name: 'mask',
    operations,
    run: () => {
      let bytes = 0;
      for (let i = 0; i < operations; i++) bytes += maskedFrame(payload).length;
      check(bytes, operations * (payloadBytes + headerBytes(payloadBytes)), 'bytes of the masked frames');
    },
  };
}

export function unmasking(payloadBytes: number): HotPath {
  const payload = payloadOf(payloadBytes);
  const operations = framesPerCall(payloadBytes);
  const frame = maskedFrame(payload);
  const receiver = new Receiver({ isServer: true, allowSynchronousEvents: true });
  let right = 0;
  receiver.on('message', (message: Buffer) => {
    if (message.length === payloadBytes && message.at(-1) === payload.at(-1)) right++;
  });
  return {
    name: 'unmask',
    operations,
    run: () => {
      right = 0;
      // It unmasks in place, so each needs a copy; the copy is the same work in every mode.
      for (let i = 0; i < operations; i++) receiver.write(Buffer.from(frame));
      check(right, operations, 'frames that came out as they went in');
    },
  };
}

function maskedFrame(payload: Buffer): Buffer {
  const frame = Sender.frame(payload, { fin: true, opcode: BINARY, mask: true, readOnly: true, rsv1: false });
  return frame.length === 1 ? (frame[0] as Buffer) : Buffer.concat(frame);
}

/** Two bytes, a longer length where it is needed, the mask. */
function headerBytes(payloadBytes: number): number {
  return 6 + (payloadBytes >= 65_536 ? 8 : payloadBytes > 125 ? 2 : 0);
}
