import test from 'ava';
import fc from 'fast-check';
import { FrameWriter } from '../../src/protocol/frame-writer.ts';
import { PING, PONG } from '../../src/protocol/opcode.ts';
import { frame } from '../helpers/bodies.ts';
import { decodeChunks } from '../helpers/decode.ts';
import { FakeChannel } from '../helpers/fake-channel.ts';
import { ManualTurn } from '../helpers/manual-turn.ts';

/** Above this size a buffer is given back when it has been sent. */
const KEPT_BYTES_MAX = 1024 * 1024;

interface Bench {
  readonly writer: FrameWriter;
  readonly channel: FakeChannel;
  readonly manual: ManualTurn;
}

/** A writer that flushes to a fake channel at the end of each turn. */
function bench(): Bench {
  const manual = new ManualTurn();
  const channel = new FakeChannel();
  const writer: FrameWriter = new FrameWriter(manual.turn, { flush: () => writer.flush(channel) });
  channel.handler = {
    drained: () => {
      writer.drained(channel);
      writer.flush(channel);
    },
  };
  return { writer, channel, manual };
}

function ping(writer: FrameWriter, messageId: number, body: Uint8Array = new Uint8Array(0)): void {
  writer.begin(PING, messageId);
  writer.bytes(body, 0, body.length);
  writer.end();
}

test('a frame has its length, opcode, message id and fields, big-endian', (t) => {
  const { writer, channel, manual } = bench();
  writer.begin(PING, 0xfffefdfc);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0xf4f5f6f7);
  writer.u48(0x08090a0b0c0d);
  writer.bytes(Uint8Array.of(9, 8, 7, 6), 1, 3);
  writer.end();
  manual.end();
  const body = '01' + '0203' + 'f4f5f6f7' + '08090a0b0c0d' + '0807';
  t.is(Buffer.from(channel.sent).toString('hex'), `00000017${Buffer.from('PING').toString('hex')}fffefdfc${body}`);
});

test('all frames of a turn leave in one write', (t) => {
  const { writer, channel, manual } = bench();
  for (let id = 1; id <= 100; id += 1) ping(writer, id);
  t.is(channel.writes, 0);
  t.is(writer.queuedBytes, 1200);
  manual.end();
  t.is(channel.writes, 1);
  t.is(writer.queuedBytes, 0);
  t.deepEqual(
    decodeChunks([channel.sent]).map(({ messageId }) => messageId),
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test('an abandoned frame leaves nothing behind', (t) => {
  const { writer, channel, manual } = bench();
  ping(writer, 1);
  writer.begin(PONG, 2);
  writer.u32(5);
  t.is(writer.frameBytes, 16);
  writer.abandon();
  ping(writer, 3);
  manual.end();
  t.deepEqual(channel.sent, new Uint8Array(Buffer.concat([frame('PING', 1), frame('PING', 3)])));
});

test('a turn whose only frame was abandoned writes nothing', (t) => {
  const { writer, channel, manual } = bench();
  writer.begin(PONG, 2);
  writer.abandon();
  manual.end();
  t.is(channel.writes, 0);
  ping(writer, 3);
  manual.end();
  t.is(channel.writes, 1);
});

test('while the channel holds one buffer, frames go into the other', (t) => {
  const { writer, channel, manual } = bench();
  channel.holds = true;
  ping(writer, 1, new Uint8Array(50).fill(1));
  manual.end();
  t.true(writer.sending);
  ping(writer, 2, new Uint8Array(50).fill(2));
  manual.end();
  ping(writer, 3, new Uint8Array(50).fill(3));
  t.is(channel.writes, 1, 'nothing more is handed over before the first has left');
  t.is(writer.queuedBytes, 3 * 62);
  channel.holds = false;
  channel.drain();
  t.false(writer.sending);
  t.is(writer.queuedBytes, 0);
  const sent = decodeChunks([channel.sent]);
  t.deepEqual(
    sent.map(({ messageId, body }) => [messageId, body[49]]),
    [
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  );
});

test('two buffers are enough, however often they take turns', (t) => {
  const { writer, channel, manual } = bench();
  const buffers = new Set<Uint8Array>();
  channel.holds = true;
  for (let id = 1; id <= 20; id += 1) {
    ping(writer, id);
    buffers.add(writer.buffer);
    manual.end();
    if (id % 2 === 0) channel.drain();
  }
  channel.holds = false;
  channel.drain();
  channel.drain();
  t.is(buffers.size, 2);
  t.is(decodeChunks([channel.sent]).length, 20);
});

for (const holds of [false, true]) {
  test(`a buffer that grew large is given back, when the channel ${holds ? 'held it' : 'took it at once'}`, (t) => {
    const { writer, channel, manual } = bench();
    channel.holds = holds;
    ping(writer, 1, new Uint8Array(2 * KEPT_BYTES_MAX).fill(5));
    t.true(writer.buffer.length > KEPT_BYTES_MAX);
    manual.end();
    channel.drainBytes(Number.POSITIVE_INFINITY);
    for (let id = 2; id <= 3; id += 1) {
      ping(writer, id);
      t.true(writer.buffer.length <= KEPT_BYTES_MAX);
      manual.end();
      channel.drainBytes(Number.POSITIVE_INFINITY);
    }
    const [large] = decodeChunks([channel.sent]);
    t.is(large?.body.length, 2 * KEPT_BYTES_MAX);
    t.true(large?.body.every((byte) => byte === 5));
  });
}

test('frames of any size come out as they went in, whenever the channel holds and drains', (t) => {
  const size = fc.oneof({ weight: 9, arbitrary: fc.nat(200) }, { weight: 1, arbitrary: fc.nat(70_000) });
  const step = fc.record({ size, endTurn: fc.boolean(), holds: fc.boolean(), drain: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { writer, channel, manual } = bench();
      steps.forEach((one, index) => {
        channel.holds = one.holds;
        ping(writer, index, new Uint8Array(one.size).fill(index));
        if (one.endTurn) manual.end();
        if (one.drain) channel.drain();
      });
      channel.holds = false;
      manual.end();
      channel.drain();
      const frames = decodeChunks([channel.sent]);
      t.deepEqual(
        frames.map(({ messageId, body }) => [messageId, body.length, body.every((byte) => byte === messageId)]),
        steps.map((one, index) => [index, one.size, true]),
      );
    }),
  );
});

test('very many bytes leave in slices, each when the one before was taken', (t) => {
  const { writer, channel, manual } = bench();
  channel.holds = true;
  const bytes = new Uint8Array(1024 * 1024).map((_, index) => index % 251);
  writer.begin(PONG, 1);
  writer.bytes(bytes, 0, bytes.length);
  writer.end();
  manual.end();
  const left: number[] = [];
  for (let times = 0; writer.sending && times < 10; times += 1) {
    left.push(writer.queuedBytes);
    channel.drain();
  }
  t.is(channel.writes, 5);
  t.deepEqual(
    left,
    [...left].sort((a, b) => b - a),
  );
  t.is(new Set(left).size, left.length, 'every slice that was taken is seen');
  t.is(writer.queuedBytes, 0);
  t.deepEqual(decodeChunks([channel.sent])[0]?.body, bytes);
});
