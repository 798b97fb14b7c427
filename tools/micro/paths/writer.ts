/** Writing replies: those of one turn into one buffer, and that to a channel that takes everything at once. */
import { readU32 } from '../../../src/base/bytes.ts';
import type { Channel } from '../../../src/base/ports.ts';
import { Turn } from '../../../src/base/turn.ts';
import { GOT_VALUE, GotFlag } from '../../../src/protocol/client-codec.ts';
import { FRAME_HEADER_BYTES } from '../../../src/protocol/limits.ts';
import { DONE, GOTK } from '../../../src/protocol/opcode.ts';
import { WriterQueue } from '../../../src/protocol/writer-queue.ts';
import { VALUE_BYTES, writeValue } from '../data.ts';
import { check, type HotPath } from './path.ts';

const FRAMES = 500;
const GOT_BYTES = FRAME_HEADER_BYTES + GOT_VALUE + VALUE_BYTES;
const DONE_BYTES = FRAME_HEADER_BYTES + 9;

export function writerPaths(): HotPath[] {
  const value = new Uint8Array(VALUE_BYTES);
  writeValue(value, 0, 1);
  return [
    {
      name: 'write a reply with a value',
      operations: FRAMES,
      run: writing(GOT_BYTES, (queue, id) => got(queue, id, value)),
    },
    { name: 'write a reply without a value', operations: FRAMES, run: writing(DONE_BYTES, done) },
  ];
}

function got({ frames }: WriterQueue, id: number, value: Uint8Array): void {
  frames.begin(GOTK, id);
  frames.u8(GotFlag.value);
  frames.u32(1);
  frames.u32(id);
  frames.u48(0);
  frames.bytes(value, 0, value.length);
  frames.end();
}

function done({ frames }: WriterQueue, id: number): void {
  frames.begin(DONE, id);
  frames.u8(1);
  frames.u32(1);
  frames.u32(id);
  frames.end();
}

function writing(frameBytes: number, write: (queue: WriterQueue, id: number) => void): () => void {
  const sink = new Sink();
  const turn = new Turn(() => undefined);
  const queue = new WriterQueue(sink, turn);
  return () => {
    sink.bytes = 0;
    for (let id = 0; id < FRAMES; id++) write(queue, id);
    turn.end();
    check(sink.bytes, FRAMES * frameBytes, 'bytes written');
    check(readU32(sink.last, sink.bytes - frameBytes + 8), FRAMES - 1, 'last message id');
  };
}

class Sink implements Channel {
  readonly remoteAddress = '';
  bytes = 0;
  last: Uint8Array = new Uint8Array(0);

  write(bytes: Uint8Array): boolean {
    this.bytes += bytes.length;
    this.last = bytes;
    return true;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}
