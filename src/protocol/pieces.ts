/**
 * A large value as a row of frames, each head and piece written under the send mutex (STGE towards a node, FRAG towards a
 * client). Small frames pass in between.
 */
import { writeU32 } from '../base/bytes.ts';
import { FRAGMENT_BYTES, FRAME_HEADER_BYTES } from './limits.ts';
import { FRAG, STGE } from './opcode.ts';
import type { WriterQueue } from './writer-queue.ts';

/** STGE frames. Resolves when all have left, the connection has closed, or `givenUp` says that nobody wants them. */
export function sendStage(
  queue: WriterQueue,
  messageId: number,
  stage: number,
  value: Uint8Array,
  givenUp: () => boolean,
): Promise<void> {
  return queue.row(() => sendPieces(queue, STGE, messageId, value, [stage, value.length], givenUp));
}

/** FRAG frames. The value is never written to meanwhile. */
export function sendFragments(queue: WriterQueue, messageId: number, value: Uint8Array): Promise<void> {
  return queue.row(() => sendPieces(queue, FRAG, messageId, value, [], () => false));
}

/** Each body is the words given, the piece's offset, the piece. */
async function sendPieces(
  queue: WriterQueue,
  opcode: number,
  messageId: number,
  value: Uint8Array,
  words: readonly number[],
  givenUp: () => boolean,
): Promise<void> {
  for (let offset = 0; offset < value.length; offset += FRAGMENT_BYTES) {
    const piece = value.subarray(offset, offset + FRAGMENT_BYTES);
    const body = [...words, offset];
    const head = new Uint8Array(FRAME_HEADER_BYTES + body.length * 4);
    writeU32(head, 0, head.length - 4 + piece.length);
    writeU32(head, 4, opcode);
    writeU32(head, 8, messageId);
    body.forEach((word, index) => {
      writeU32(head, FRAME_HEADER_BYTES + index * 4, word);
    });
    if (givenUp() || !(await queue.sendPieces([head, piece]))) return;
  }
}
