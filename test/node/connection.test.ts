import { setImmediate as turnOfLoop } from 'node:timers/promises';
import test from 'ava';
import {
  Connection,
  type FrameHandler,
  QUEUE_DROP_BYTES,
  QUEUE_PAUSE_BYTES,
  STUCK_MS,
} from '../../src/node/connection.ts';
import { LOGIN_FRAME_LENGTH_MAX } from '../../src/protocol/limits.ts';
import { opcodeName, PONG } from '../../src/protocol/opcode.ts';
import { frame } from '../helpers/bodies.ts';
import { decodeChunks } from '../helpers/decode.ts';
import { FakeChannel } from '../helpers/fake-channel.ts';
import { ManualTurn } from '../helpers/manual-turn.ts';

/** Writes down what it is told; `onFrame` does more. */
class Recorder implements FrameHandler {
  readonly events: string[] = [];
  onFrame: (connection: Connection) => void = () => undefined;

  frame(connection: Connection): void {
    this.events.push(`${opcodeName(connection.decoder.opcode)} ${connection.decoder.messageId}`);
    this.onFrame(connection);
  }

  badLength(connection: Connection, length: number): void {
    this.events.push(`length ${length}`);
    pong(connection, 0);
  }

  closed(_connection: Connection, error: Error | null): void {
    this.events.push(`closed ${error?.message ?? ''}`);
  }
}

interface Bench {
  readonly connection: Connection;
  readonly channel: FakeChannel;
  readonly manual: ManualTurn;
  readonly recorder: Recorder;
  /** Monotonic milliseconds. */
  readonly clock: { nowMs: number };
}

function bench(): Bench {
  const manual = new ManualTurn();
  const channel = new FakeChannel();
  const recorder = new Recorder();
  const clock = { nowMs: 1000 };
  const connection = new Connection(1, channel, manual.turn, recorder, () => clock.nowMs);
  channel.handler = connection;
  return { connection, channel, manual, recorder, clock };
}

function pong(connection: Connection, bytes: number): void {
  connection.frames.begin(PONG, 1);
  connection.frames.bytes(new Uint8Array(bytes), 0, bytes);
  connection.frames.end();
}

const pings = (...ids: number[]): Uint8Array => new Uint8Array(Buffer.concat(ids.map((id) => frame('PING', id))));

test('every frame of a chunk goes to the handler, in order', (t) => {
  const { connection, recorder } = bench();
  const bytes = pings(1, 2, 3);
  connection.received(bytes.subarray(0, 20));
  connection.received(bytes.subarray(20));
  t.deepEqual(recorder.events, ['PING 1', 'PING 2', 'PING 3']);
});

test('a handler that hands the connection to another one is not told of the next frame', (t) => {
  const { connection, recorder } = bench();
  const next = new Recorder();
  recorder.onFrame = () => {
    connection.handler = next;
  };
  connection.received(pings(1, 2));
  t.deepEqual([recorder.events, next.events], [['PING 1'], ['PING 2']]);
});

test('before the login frames are short', (t) => {
  const { connection, recorder } = bench();
  connection.received(frame('HELO', 0, Buffer.alloc(0), LOGIN_FRAME_LENGTH_MAX + 1));
  t.deepEqual(recorder.events, [`length ${LOGIN_FRAME_LENGTH_MAX + 1}`]);
});

test('a length that cannot be is answered, then the connection ends', async (t) => {
  const { connection, channel, manual, recorder } = bench();
  connection.received(Buffer.concat([pings(1), frame('PING', 2, Buffer.alloc(0), 7), pings(3)]));
  t.deepEqual(recorder.events, ['PING 1', 'length 7']);
  t.false(channel.ended);
  manual.end();
  await turnOfLoop();
  t.is(decodeChunks([channel.sent]).length, 1, 'what the handler said of it was sent');
  t.true(channel.ended);
});

test('after the end nothing that comes is handled', async (t) => {
  const { connection, channel, recorder } = bench();
  recorder.onFrame = () => connection.endSoon();
  connection.received(pings(1, 2));
  connection.received(pings(3));
  t.deepEqual(recorder.events, ['PING 1']);
  await turnOfLoop();
  t.true(channel.ended);
});

test('what is queued leaves before the end', async (t) => {
  const { connection, channel, manual } = bench();
  channel.holds = true;
  pong(connection, 10);
  connection.endSoon();
  connection.endSoon();
  manual.end();
  await turnOfLoop();
  t.false(channel.ended);
  channel.drain();
  await turnOfLoop();
  t.true(channel.ended);
});

test('a connection that is destroyed handles nothing more', (t) => {
  const { connection, channel, recorder } = bench();
  recorder.onFrame = () => connection.destroy();
  connection.received(pings(1, 2));
  t.deepEqual(recorder.events, ['PING 1']);
  t.true(channel.destroyed);
});

test('the handler is told once that the channel is gone', (t) => {
  const { connection, recorder } = bench();
  connection.ended(new Error('reset'));
  connection.ended(null);
  t.deepEqual(recorder.events, ['closed reset']);
  t.true(connection.closed);
  t.true(connection.queue.closed);
});

test('a connection whose replies pile up is not read until they have left', (t) => {
  const { connection, channel, manual, recorder } = bench();
  recorder.onFrame = () => pong(connection, QUEUE_PAUSE_BYTES / 4);
  channel.holds = true;
  connection.received(pings(1, 2, 3));
  t.false(channel.paused);
  manual.end();
  connection.received(pings(4));
  t.true(channel.paused, 'above the mark, held by the channel or not');
  t.false(connection.stuck);
  channel.drain();
  t.false(channel.paused);
});

test('what came in the same chunk is handled when there is room again', (t) => {
  const { connection, channel, manual, recorder } = bench();
  recorder.onFrame = () => pong(connection, QUEUE_PAUSE_BYTES);
  channel.holds = true;
  const chunk = pings(1, 2, 3);
  connection.received(chunk);
  chunk.fill(0xff);
  t.deepEqual(recorder.events, ['PING 1']);
  manual.end();
  channel.drain();
  manual.end();
  channel.drain();
  t.deepEqual(recorder.events, ['PING 1', 'PING 2', 'PING 3']);
  t.true(channel.paused);
  manual.end();
  channel.drain();
  t.false(channel.paused);
});

test('a channel that takes everything at once, and so never drains, does not leave it paused', (t) => {
  const { connection, channel, manual, recorder } = bench();
  recorder.onFrame = () => pong(connection, QUEUE_PAUSE_BYTES);
  connection.received(pings(1, 2, 3));
  t.true(channel.paused);
  for (let times = 0; times < 3; times += 1) manual.end();
  t.deepEqual(recorder.events, ['PING 1', 'PING 2', 'PING 3']);
  t.false(channel.paused);
});

test('it stays paused while too much is left', (t) => {
  const { connection, channel, manual, recorder } = bench();
  recorder.onFrame = () => pong(connection, QUEUE_PAUSE_BYTES / 2);
  channel.holds = true;
  connection.received(pings(1));
  manual.end();
  connection.received(pings(2, 3, 4));
  t.deepEqual(recorder.events, ['PING 1', 'PING 2']);
  channel.drain();
  t.true(channel.paused, 'the second reply is on its way');
  for (let times = 0; times < 4; times += 1) {
    manual.end();
    channel.drain();
  }
  t.false(channel.paused);
  t.is(recorder.events.length, 4);
});

test('links between nodes are always read', (t) => {
  const { connection, channel, recorder } = bench();
  connection.peer = 0;
  recorder.onFrame = () => pong(connection, QUEUE_PAUSE_BYTES);
  connection.received(pings(1, 2, 3));
  t.is(recorder.events.length, 3);
  t.false(channel.paused);
});

test('who takes nothing for too long is stuck; whatever it takes counts', (t) => {
  const { connection, channel, manual, clock } = bench();
  channel.holds = true;
  for (let times = 0; times < 3; times += 1) {
    pong(connection, 10);
    manual.end();
    clock.nowMs += STUCK_MS;
    t.false(connection.stuck);
    channel.drain();
  }
  clock.nowMs += 10 * STUCK_MS;
  t.false(connection.stuck, 'nothing waits for it');
  pong(connection, 10);
  manual.end();
  clock.nowMs += STUCK_MS + 1;
  t.true(connection.stuck);
});

test('with far too much unsent it is stuck at once', (t) => {
  const { connection, recorder } = bench();
  connection.peer = 0;
  recorder.onFrame = () => pong(connection, 1024 * 1024);
  const count = QUEUE_DROP_BYTES / (1024 * 1024);
  connection.received(pings(...Array.from({ length: count + 1 }, (_, index) => index)));
  t.true(connection.stuck);
});
