/** Frames out of bytes, by the decoder of src/. */
import { DecodeStatus, FrameDecoder } from '../../src/protocol/frame-decoder.ts';
import { opcodeName } from '../../src/protocol/opcode.ts';

export interface DecodedFrame {
  readonly opcode: string;
  readonly messageId: number;
  readonly body: Uint8Array;
}

/** Feeds `chunks` one by one; gives every whole frame. @throws Error when a length is refused */
export function decodeChunks(
  chunks: readonly Uint8Array[],
  decoder: FrameDecoder = new FrameDecoder(),
): DecodedFrame[] {
  const frames: DecodedFrame[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let status = decoder.next(); status !== DecodeStatus.needMore; status = decoder.next()) {
      if (status === DecodeStatus.badLength) throw new Error(`a length of ${decoder.badLength}`);
      const body = decoder.buffer.slice(decoder.bodyStart, decoder.bodyEnd);
      frames.push({ opcode: opcodeName(decoder.opcode), messageId: decoder.messageId, body });
    }
  }
  return frames;
}

/** The only frame in `bytes`. */
export function decodeOne(bytes: Uint8Array): DecodedFrame {
  const frames = decodeChunks([bytes]);
  const [only] = frames;
  if (only === undefined || frames.length > 1) throw new Error(`${frames.length} frames instead of one`);
  return only;
}
