/** Frames written and read by the plainest code there is: the fuzzer's own idea of the wire. */

export const EMPTY: Uint8Array = new Uint8Array(0);

export function bytes(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) => {
        if (typeof part === 'number') return Buffer.from([part]);
        return typeof part === 'string' ? Buffer.from(part) : part;
      }),
    ),
  );
}

export function number(width: 1 | 2 | 4 | 6 | 8, value: number | bigint): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return new Uint8Array(out.subarray(8 - width));
}

export function frame(
  opcode: number,
  messageId: number,
  ...body: readonly (number | string | Uint8Array)[]
): Uint8Array {
  const content = bytes(...body);
  return bytes(number(4, content.length + 8), number(4, opcode), number(4, messageId), content);
}

export interface PlainFrame {
  readonly opcode: number;
  readonly messageId: number;
  readonly body: Uint8Array;
}

export interface PlainStream {
  readonly frames: readonly PlainFrame[];
  /** The length that ended it, or −1. */
  readonly badLength: number;
  /** Bytes of a last frame that is not whole. */
  readonly restBytes: number;
}

/** What a stream says, by the definition. */
export function readStream(stream: Uint8Array, lengthMax: number): PlainStream {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  const frames: PlainFrame[] = [];
  let at = 0;
  while (stream.length - at >= 4) {
    const length = view.getUint32(at);
    if (length < 8 || length > lengthMax) return { frames, badLength: length, restBytes: 0 };
    if (stream.length - at < 4 + length) break;
    const body = stream.slice(at + 12, at + 4 + length);
    frames.push({ opcode: view.getUint32(at + 4), messageId: view.getUint32(at + 8), body });
    at += 4 + length;
  }
  return { frames, badLength: -1, restBytes: stream.length - at };
}
