/**
 * The frame decoder: a stream means the same whole, byte by byte, split anywhere, and read on after a pause, and that is
 * what the definition of frames says. Chunks are overwritten when the decoder has asked for more, as a socket does.
 */
import { hashBytes } from '../../../src/base/bytes.ts';
import { DecodeStatus, FrameDecoder } from '../../../src/protocol/frame-decoder.ts';
import { FRAME_LENGTH_MAX, LOGIN_FRAME_LENGTH_MAX } from '../../../src/protocol/limits.ts';
import { mustHold, type Target } from '../target.ts';
import { type PlainFrame, type PlainStream, readStream } from '../world/frames.ts';

const SCRIBBLE = 0xa5;

export function decoderTarget(seeds: readonly Uint8Array[]): Target {
  return {
    name: 'decoder',
    files: ['src/protocol/frame-decoder.ts'],
    framesFrom: 0,
    inputBytesMax: 256,
    inputsPerLife: 1_000_000,
    seeds,
    words: [],
    reset: () => undefined,
    run,
  };
}

function run(input: Uint8Array): undefined {
  const luck = hashBytes(input, 0, input.length) >>> 0;
  const lengthMax = luck % 2 === 0 ? LOGIN_FRAME_LENGTH_MAX : FRAME_LENGTH_MAX;
  const expected = readStream(input, lengthMax);
  check('whole', expected, input, lengthMax, () => input.length);
  check('byte by byte', expected, input, lengthMax, () => 1);
  let state = luck | 1;
  const piece = (): number => {
    state = Math.imul(state, 0x9e3779b1) ^ (state >>> 15);
    return 1 + ((state >>> 8) % (input.length < 64 ? 16 : 100));
  };
  check('split anywhere', expected, input, lengthMax, piece);
  check('read on after pauses', expected, input, lengthMax, piece, true);
}

function check(
  how: string,
  expected: PlainStream,
  input: Uint8Array,
  lengthMax: number,
  pieceBytes: () => number,
  pauses = false,
): void {
  const decoder = new FrameDecoder(lengthMax);
  let seen = 0;
  for (let at = 0; at < input.length; ) {
    const chunk = input.slice(at, at + pieceBytes());
    at += chunk.length;
    decoder.push(chunk);
    for (let status = decoder.next(); status !== DecodeStatus.needMore; status = decoder.next()) {
      if (status === DecodeStatus.badLength) {
        mustHold(seen === expected.frames.length, `${how}: frame ${seen} is followed by a bad length too early`);
        mustHold(decoder.badLength === expected.badLength, `${how}: another bad length than in the stream`);
        return;
      }
      sameFrame(how, decoder, expected.frames[seen]);
      seen += 1;
      if (!pauses) continue;
      decoder.keepRest();
      chunk.fill(SCRIBBLE);
    }
    chunk.fill(SCRIBBLE);
    mustHold(decoder.heldBytes <= Math.min(at, lengthMax + 4), `${how}: more bytes are held than came`);
  }
  mustHold(seen === expected.frames.length, `${how}: ${seen} frames instead of ${expected.frames.length}`);
  mustHold(expected.badLength === -1, `${how}: a bad length was taken`);
  mustHold(
    decoder.heldBytes === expected.restBytes,
    `${how}: ${decoder.heldBytes} bytes held of ${expected.restBytes}`,
  );
}

function sameFrame(how: string, decoder: FrameDecoder, frame: PlainFrame | undefined): void {
  mustHold(frame !== undefined, `${how}: a frame that the stream does not have`);
  mustHold(decoder.opcode >>> 0 === frame.opcode >>> 0, `${how}: another opcode`);
  mustHold(decoder.messageId === frame.messageId, `${how}: another message id`);
  const { buffer, bodyStart, bodyEnd } = decoder;
  mustHold(bodyEnd <= buffer.length && bodyEnd - bodyStart === frame.body.length, `${how}: a body of another length`);
  for (let at = 0; at < frame.body.length; at += 1)
    mustHold(buffer[bodyStart + at] === frame.body[at], `${how}: another body`);
}
