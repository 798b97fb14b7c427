/** Codecs of the login and of tables: what can be read can be written, and reads the same again; everything else is a KeyvalError. */
import { isDeepStrictEqual } from 'node:util';
import { Turn } from '../../../src/base/turn.ts';
import { KeyvalError } from '../../../src/errors.ts';
import { FrameWriter } from '../../../src/protocol/frame-writer.ts';
import * as hello from '../../../src/protocol/hello-codec.ts';
import { decodeFail } from '../../../src/protocol/login.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { mustHold, type Target } from '../target.ts';
import { bytes, readStream } from '../world/frames.ts';

interface Codec {
  readonly opcode: number;
  decode(body: Uint8Array): unknown;
  encode(writer: FrameWriter, value: never): void;
}

const codecs: readonly Codec[] = [
  { opcode: op.HELO, decode: hello.decodeHello, encode: hello.encodeHello as Codec['encode'] },
  { opcode: op.WLCM, decode: hello.decodeWelcome, encode: hello.encodeWelcome as Codec['encode'] },
  { opcode: op.TABL, decode: hello.decodeTable, encode: hello.encodeTable as Codec['encode'] },
  { opcode: op.FAIL, decode: (body) => void decodeFail(body), encode: () => undefined },
];

const writer = new FrameWriter(new Turn(() => undefined), { flush: () => undefined });

/** The first byte of an input says which codec. */
export function codecsTarget(seeds: readonly Uint8Array[]): Target {
  return {
    name: 'codecs',
    files: ['src/protocol/hello-codec.ts', 'src/protocol/frame-writer.ts', 'src/protocol/login.ts', 'src/errors.ts'],
    framesFrom: null,
    inputBytesMax: 1024,
    inputsPerLife: 1_000_000,
    seeds: seeds.flatMap(seedsOf),
    words: [],
    reset: () => undefined,
    run,
  };
}

function seedsOf(stream: Uint8Array): Uint8Array[] {
  return readStream(stream, 2 ** 24).frames.flatMap(({ opcode, body }) => {
    const index = codecs.findIndex((codec) => codec.opcode === opcode >>> 0);
    return index < 0 ? [] : [bytes(index, body)];
  });
}

function run(input: Uint8Array): undefined {
  const codec = codecs[(input[0] ?? 0) % codecs.length] as Codec;
  const value = attempt(codec, input.slice(1));
  if (value === undefined) return;
  writer.length = 0;
  writer.begin(codec.opcode, 0);
  codec.encode(writer, value as never);
  writer.end();
  const { frames, restBytes } = readStream(writer.buffer.subarray(0, writer.length), 2 ** 24);
  mustHold(frames.length === 1 && restBytes === 0, 'a codec writes one frame');
  const again = codec.decode((frames[0] as { body: Uint8Array }).body);
  mustHold(isDeepStrictEqual(again, value), 'what was read is written, and reads the same');
}

function attempt(codec: Codec, body: Uint8Array): unknown {
  try {
    return codec.decode(body);
  } catch (error) {
    if (error instanceof KeyvalError) return undefined;
    throw error;
  }
}
