/** Decoding requests, whole and cut: the smallest frequent frame, a get of a 16-byte key. */
import { writeU32 } from '../../../src/base/bytes.ts';
import { READ_KEY } from '../../../src/protocol/client-codec.ts';
import { DecodeStatus, FrameDecoder } from '../../../src/protocol/frame-decoder.ts';
import { FRAME_HEADER_BYTES } from '../../../src/protocol/limits.ts';
import { GETK } from '../../../src/protocol/opcode.ts';
import { KEY_BYTES } from '../data.ts';
import { check, type HotPath } from './path.ts';

const FRAMES = 1000;
const BODY_BYTES = READ_KEY + KEY_BYTES;
const FRAME_BYTES = FRAME_HEADER_BYTES + BODY_BYTES;
/** No multiple of a frame's size: each piece cuts a frame, each at another place. */
const PIECE_BYTES = 1001;

export function decoderPaths(): HotPath[] {
  const chunk = requests();
  return [
    { name: 'decode a frame', operations: FRAMES, run: decoding([chunk]) },
    { name: `decode a frame, cut every ${PIECE_BYTES} bytes`, operations: FRAMES, run: decoding(pieces(chunk)) },
  ];
}

function decoding(chunks: readonly Uint8Array[]): () => void {
  const decoder = new FrameDecoder();
  const expected = (FRAMES * (FRAMES - 1)) / 2 + FRAMES * BODY_BYTES;
  return () => {
    let sum = 0;
    for (const chunk of chunks) {
      decoder.push(chunk);
      while (decoder.next() === DecodeStatus.frame) {
        if (decoder.opcode === GETK) sum += decoder.messageId + decoder.bodyEnd - decoder.bodyStart;
      }
    }
    check(sum, expected, 'message ids and bytes of all frames');
  };
}

function requests(): Uint8Array {
  const chunk = new Uint8Array(FRAMES * FRAME_BYTES);
  for (let id = 0; id < FRAMES; id++) {
    writeU32(chunk, id * FRAME_BYTES, FRAME_BYTES - 4);
    writeU32(chunk, id * FRAME_BYTES + 4, GETK);
    writeU32(chunk, id * FRAME_BYTES + 8, id);
  }
  return chunk;
}

function pieces(chunk: Uint8Array): Uint8Array[] {
  const count = Math.ceil(chunk.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, i) => chunk.slice(i * PIECE_BYTES, (i + 1) * PIECE_BYTES));
}
