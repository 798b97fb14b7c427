import test from 'ava';
import fc from 'fast-check';
import { DecodeStatus, FrameDecoder } from '../../src/protocol/frame-decoder.ts';
import { FRAME_LENGTH_MAX, LOGIN_FRAME_LENGTH_MAX } from '../../src/protocol/limits.ts';
import { BTCH } from '../../src/protocol/opcode.ts';
import { frame } from '../helpers/bodies.ts';
import { type DecodedFrame, decodeChunks } from '../helpers/decode.ts';

const KIB = 1024;

function numbered(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => index);
}

function decoded(opcode: string, messageId: number, body: Uint8Array): DecodedFrame {
  return { opcode, messageId, body: new Uint8Array(body) };
}

const cases: readonly [title: string, frames: readonly DecodedFrame[]][] = [
  ['an empty body', [decoded('WAIT', 1, numbered(0))]],
  ['a body of one byte', [decoded('PING', 2, numbered(1))]],
  ['the largest message id', [decoded('PING', 0xffff_ffff, numbered(3))]],
  [
    'several frames',
    [decoded('PING', 1, numbered(5)), decoded('WAIT', 2, numbered(0)), decoded('GETK', 3, numbered(40))],
  ],
  [
    'a body larger than the first buffer for cut frames',
    [decoded('PUTK', 1, numbered(3 * KIB)), decoded('PING', 2, numbered(2))],
  ],
];

function encode(frames: readonly DecodedFrame[]): Uint8Array {
  return new Uint8Array(Buffer.concat(frames.map(({ opcode, messageId, body }) => frame(opcode, messageId, body))));
}

function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

for (const [title, frames] of cases) {
  const bytes = encode(frames);
  test(`${title}: whole`, (t) => {
    t.deepEqual(decodeChunks([bytes]), frames);
  });
  test(`${title}: byte by byte`, (t) => {
    t.deepEqual(decodeChunks(byteByByte(bytes)), frames);
  });
  test(`${title}: split at each offset`, (t) => {
    for (let at = 0; at <= bytes.length; at += 1) {
      t.deepEqual(decodeChunks([bytes.subarray(0, at), bytes.subarray(at)]), frames, `split at ${at}`);
    }
  });
}

test('any frames in any chunks come out whole and in order', (t) => {
  const body = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 2000, maxLength: 3000 }));
  const anyFrame = fc.tuple(fc.stringMatching(/^[A-Z]{4}$/), fc.integer({ min: 0, max: 2 ** 32 - 1 }), body);
  const cuts = fc.array(fc.integer({ min: 0, max: 12_000 }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), cuts, (tuples, offsets) => {
      const frames = tuples.map(([opcode, id, bytes]) => decoded(opcode, id, bytes));
      t.deepEqual(decodeChunks(cutAt(encode(frames), offsets)), frames);
    }),
  );
});

function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const sorted = [0, ...offsets.filter((offset) => offset < bytes.length).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index] as number, end));
}

test('a frame that lies whole in a chunk is read where it lies', (t) => {
  const bytes = encode([decoded('PING', 1, numbered(5))]);
  const decoder = new FrameDecoder();
  decoder.push(bytes);
  t.is(decoder.next(), DecodeStatus.frame);
  t.is(decoder.buffer, bytes);
  t.is(decoder.heldBytes, 0);
});

test('a cut frame survives its chunk being reused', (t) => {
  const bytes = encode([decoded('PING', 1, numbered(50))]);
  const chunk = bytes.slice(0, 30);
  const decoder = new FrameDecoder();
  decoder.push(chunk);
  t.is(decoder.next(), DecodeStatus.needMore);
  t.is(decoder.heldBytes, 30);
  chunk.fill(0xee);
  t.deepEqual(decodeChunks([bytes.subarray(30)], decoder), [decoded('PING', 1, numbered(50))]);
});

test('what is left of a chunk can be kept for later, though the chunk is reused', (t) => {
  const frames = [1, 2, 3].map((id) => decoded('PING', id, numbered(50)));
  const bytes = encode(frames);
  for (let cut = 1; cut <= bytes.length; cut += 1) {
    const decoder = new FrameDecoder();
    const chunk = bytes.slice(0, cut);
    decoder.push(chunk);
    const first = decoder.next();
    decoder.keepRest();
    chunk.fill(0xee);
    const seen = first === DecodeStatus.frame ? 1 : 0;
    const rest = [...taken(decoder), ...decodeChunks([bytes.subarray(cut)], decoder)];
    t.deepEqual(rest, frames.slice(seen), `cut at ${cut}`);
  }
});

/** The frames that lie in the decoder. */
function taken(decoder: FrameDecoder): DecodedFrame[] {
  const frames: DecodedFrame[] = [];
  while (decoder.next() === DecodeStatus.frame) {
    const body = decoder.buffer.slice(decoder.bodyStart, decoder.bodyEnd);
    frames.push(decoded('PING', decoder.messageId, body));
  }
  return frames;
}

for (const length of [0, 7, FRAME_LENGTH_MAX + 1, 2 ** 32 - 1]) {
  const bytes = frame('PING', 1, numbered(4), length);
  test(`a length of ${length} is refused as soon as its four bytes are there`, (t) => {
    for (let at = 0; at <= 4; at += 1) {
      const decoder = new FrameDecoder();
      decoder.push(bytes.subarray(0, at));
      if (at < 4) t.is(decoder.next(), DecodeStatus.needMore);
      decoder.push(bytes.subarray(at < 4 ? at : 0, 4));
      t.is(decoder.next(), DecodeStatus.badLength, `split at ${at}`);
      t.is(decoder.badLength, length);
      t.true(decoder.heldBytes <= 4);
    }
  });
  test(`a length of ${length} is refused behind good frames too`, (t) => {
    const decoder = new FrameDecoder();
    decoder.push(Buffer.concat([encode([decoded('PING', 1, numbered(4))]), bytes]));
    t.is(decoder.next(), DecodeStatus.frame);
    t.is(decoder.next(), DecodeStatus.badLength);
  });
}

test('the smallest and the largest length are accepted', (t) => {
  const smallest = decoded('WAIT', 1, numbered(0));
  const largest = decoded('PUTK', 2, numbered(FRAME_LENGTH_MAX - 8));
  const frames = decodeChunks(cutAt(encode([smallest, largest]), [500_000, 9_000_000]));
  t.deepEqual(frames, [smallest, largest]);
});

test('before the login the limit is low, and it can be raised between two frames of one chunk', (t) => {
  const small = encode([decoded('HELO', 0, numbered(LOGIN_FRAME_LENGTH_MAX - 8))]);
  const large = encode([decoded('PUTK', 1, numbered(LOGIN_FRAME_LENGTH_MAX - 7))]);
  const decoder = new FrameDecoder(LOGIN_FRAME_LENGTH_MAX);
  decoder.push(Buffer.concat([small, large]));
  t.is(decoder.next(), DecodeStatus.frame);
  decoder.lengthMax = FRAME_LENGTH_MAX;
  t.is(decoder.next(), DecodeStatus.frame);
  t.deepEqual(decodeChunks([small], new FrameDecoder(LOGIN_FRAME_LENGTH_MAX)).length, 1);
  t.throws(() => decodeChunks([large], new FrameDecoder(LOGIN_FRAME_LENGTH_MAX)), { message: 'a length of 4097' });
});

test('announcing large frames costs the receiver nothing', (t) => {
  const head = frame('PUTK', 1, numbered(0), FRAME_LENGTH_MAX);
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 1000 }, () => new FrameDecoder());
  for (const decoder of decoders) t.deepEqual(decodeChunks([head], decoder), []);
  const grown = process.memoryUsage().arrayBuffers - before;
  t.true(grown < 64 * KIB * KIB, `${grown} bytes for 1000 announcements of 16 MiB`);
});

test('after a huge frame nothing of it is kept', (t) => {
  const huge = encode([decoded('PUTK', 1, numbered(KIB * KIB))]);
  const small = encode([decoded('PING', 2, numbered(10))]);
  const decoder = new FrameDecoder();
  t.is(decodeChunks([huge.subarray(0, 100), huge.subarray(100)], decoder).length, 1);
  t.is(decoder.buffer.length, 0);
  t.is(decoder.heldBytes, 0);
  decodeChunks([small.subarray(0, 15)], decoder);
  decoder.push(small.subarray(15));
  t.is(decoder.next(), DecodeStatus.frame);
  t.true(decoder.buffer.length <= KIB, 'the small frame was gathered in a small buffer');
});

test('frames inside a frame come as if by themselves, wherever the stream is cut', (t) => {
  const inner = [decoded('PING', 2, numbered(3)), decoded('PING', 3, numbered(0)), decoded('GETK', 4, numbered(40))];
  const stream = encode([decoded('BTCH', 1, encode(inner)), decoded('PING', 5, numbered(7))]);
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const decoder = new FrameDecoder();
    const ids: number[] = [];
    for (const chunk of [stream.slice(0, cut), stream.slice(cut)]) {
      decoder.push(chunk);
      while (decoder.next() === DecodeStatus.frame) {
        ids.push(decoder.messageId);
        if (decoder.opcode === BTCH) decoder.enter();
      }
    }
    t.deepEqual(ids, [1, 2, 3, 4, 5], `cut at ${cut}`);
  }
});
