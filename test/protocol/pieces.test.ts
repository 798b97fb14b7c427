import { setImmediate as turnOfLoop } from 'node:timers/promises';
import test from 'ava';
import { FRAGMENT_BYTES } from '../../src/protocol/limits.ts';
import { PING } from '../../src/protocol/opcode.ts';
import { sendFragments, sendStage } from '../../src/protocol/pieces.ts';
import { WriterQueue } from '../../src/protocol/writer-queue.ts';
import { type DecodedFrame, decodeChunks } from '../helpers/decode.ts';
import { FakeChannel } from '../helpers/fake-channel.ts';
import { ManualTurn } from '../helpers/manual-turn.ts';

interface Bench {
  readonly queue: WriterQueue;
  readonly channel: FakeChannel;
  readonly manual: ManualTurn;
}

function bench(): Bench {
  const manual = new ManualTurn();
  const channel = new FakeChannel();
  const queue = new WriterQueue(channel, manual.turn);
  channel.handler = queue;
  return { queue, channel, manual };
}

function numbered(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => index % 251);
}

/** The value that the pieces carry, put together as PROTOCOL.md says: `words` numbers, the offset, bytes. */
function together(frames: readonly DecodedFrame[], words: number, total: number): Uint8Array {
  const value = new Uint8Array(total);
  let expected = 0;
  for (const { body } of frames) {
    const offset = Buffer.from(body).readUInt32BE(words * 4);
    if (offset !== expected) throw new Error(`a piece at ${offset} instead of ${expected}`);
    const piece = body.subarray((words + 1) * 4);
    value.set(piece, offset);
    expected += piece.length;
  }
  if (expected !== total) throw new Error(`${expected} bytes instead of ${total}`);
  return value;
}

for (const bytes of [1, FRAGMENT_BYTES, FRAGMENT_BYTES + 1, 3 * FRAGMENT_BYTES - 1]) {
  test(`a value of ${bytes} bytes comes in FRAG frames of bounded size`, async (t) => {
    const { queue, channel } = bench();
    await sendFragments(queue, 7, numbered(bytes));
    const frames = decodeChunks([channel.sent]);
    t.is(frames.length, Math.ceil(bytes / FRAGMENT_BYTES));
    t.true(frames.every(({ opcode, messageId }) => opcode === 'FRAG' && messageId === 7));
    t.true(frames.every(({ body }) => body.length <= FRAGMENT_BYTES + 4));
    t.is(Buffer.compare(together(frames, 0, bytes), numbered(bytes)), 0);
  });
}

test('STGE frames name the stage and the total too', async (t) => {
  const { queue, channel } = bench();
  const bytes = FRAGMENT_BYTES + 5;
  await sendStage(queue, 7, 0xfffefdfc, numbered(bytes), () => false);
  const frames = decodeChunks([channel.sent]);
  t.true(frames.every(({ opcode }) => opcode === 'STGE'));
  for (const { body } of frames) {
    t.is(Buffer.from(body).readUInt32BE(0), 0xfffefdfc);
    t.is(Buffer.from(body).readUInt32BE(4), bytes);
  }
  t.is(Buffer.compare(together(frames, 2, bytes), numbered(bytes)), 0);
});

test('small frames pass between the pieces of a large value, and a steady flow of them does not hold it up', async (t) => {
  const { queue, channel, manual } = bench();
  channel.holds = true;
  let isSent = false;
  const sent = sendFragments(queue, 1, numbered(4 * FRAGMENT_BYTES)).then(() => {
    isSent = true;
  });
  for (let id = 100; !isSent; id += 1) {
    queue.frames.begin(PING, id);
    queue.frames.end();
    manual.end();
    await turnOfLoop();
    channel.drain();
  }
  await sent;
  const order = decodeChunks([channel.sent]).map(({ opcode }) => opcode);
  const first = order.indexOf('FRAG');
  const last = order.lastIndexOf('FRAG');
  t.true(order.slice(first, last).includes('PING'), order.join(' '));
});

test('two large values share the connection piece by piece', async (t) => {
  const { queue, channel } = bench();
  const value = numbered(3 * FRAGMENT_BYTES);
  await Promise.all([sendFragments(queue, 1, value), sendFragments(queue, 2, value)]);
  const frames = decodeChunks([channel.sent]);
  t.deepEqual(
    frames.map(({ messageId }) => messageId),
    [1, 2, 1, 2, 1, 2],
  );
  for (const id of [1, 2]) {
    const own = frames.filter(({ messageId }) => messageId === id);
    t.is(Buffer.compare(together(own, 0, value.length), value), 0);
  }
});

test('the queue is empty only when the whole value has left', async (t) => {
  const { queue, channel } = bench();
  channel.holds = true;
  void sendFragments(queue, 1, numbered(3 * FRAGMENT_BYTES));
  let isEmpty = false;
  const empty = queue.whenEmpty().then(() => {
    isEmpty = true;
  });
  for (let count = 0; !isEmpty; count += 1) {
    t.true(count < 100);
    await turnOfLoop();
    channel.drain();
  }
  await empty;
  t.is(together(decodeChunks([channel.sent]), 0, 3 * FRAGMENT_BYTES).length, 3 * FRAGMENT_BYTES);
});

test('when the channel is gone the rest is not sent', async (t) => {
  const { queue, channel } = bench();
  channel.holds = true;
  const sent = sendFragments(queue, 1, numbered(10 * FRAGMENT_BYTES));
  await turnOfLoop();
  queue.close();
  await sent;
  t.is(channel.writes, 1);
});

test('pieces that nobody wants any longer are not sent', async (t) => {
  const { queue, channel } = bench();
  let asked = 0;
  await sendStage(queue, 7, 1, numbered(10 * FRAGMENT_BYTES), () => {
    asked += 1;
    return asked > 3;
  });
  t.is(decodeChunks([channel.sent]).length, 3);
});
