import { setImmediate as turnOfLoop } from 'node:timers/promises';
import test from 'ava';
import {
  Connection,
  FRAME_MS,
  type FrameHandler,
  GOODBYE_MS,
  QUEUE_DROP_BYTES,
  QUEUE_PAUSE_BYTES,
  STUCK_MS,
} from '../../src/node/connection.ts';
import { FairShare, NEWCOMER_UNITS, TURN_UNITS } from '../../src/node/fair-share.ts';
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

function bench(share: FairShare | null = null): Bench {
  const manual = new ManualTurn();
  const channel = new FakeChannel();
  const recorder = new Recorder();
  const clock = { nowMs: 1000 };
  const connection = new Connection(1, channel, manual.turn, recorder, () => clock.nowMs, share);
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
  t.is(connection.overdue, null);
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
  channel.drainBytes(QUEUE_PAUSE_BYTES);
  manual.end();
  channel.drainBytes(QUEUE_PAUSE_BYTES);
  t.deepEqual(recorder.events, ['PING 1', 'PING 2', 'PING 3']);
  t.true(channel.paused);
  manual.end();
  channel.drainBytes(QUEUE_PAUSE_BYTES);
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
  channel.drainBytes(QUEUE_PAUSE_BYTES / 2);
  t.true(channel.paused, 'the second reply is on its way');
  for (let times = 0; times < 4; times += 1) {
    manual.end();
    channel.drainBytes(QUEUE_PAUSE_BYTES / 2);
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

test('who takes nothing for too long is overdue; whatever it takes counts', (t) => {
  const { connection, channel, manual, clock } = bench();
  channel.holds = true;
  for (let times = 0; times < 3; times += 1) {
    pong(connection, 10);
    manual.end();
    clock.nowMs += STUCK_MS;
    t.is(connection.overdue, null);
    channel.drain();
  }
  clock.nowMs += 10 * STUCK_MS;
  t.is(connection.overdue, null, 'nothing waits for it');
  pong(connection, 10);
  manual.end();
  clock.nowMs += STUCK_MS + 1;
  t.is(connection.overdue, 'it does not read its replies');
});

test('something that waits whenever it is looked at, and leaves every time, is no sign of being stuck', (t) => {
  const { connection, manual, clock } = bench();
  connection.peer = 0;
  for (let times = 0; times < 5; times += 1) {
    pong(connection, 10); // a heartbeat, say
    t.is(connection.overdue, null);
    manual.end();
    clock.nowMs += STUCK_MS;
  }
});

test('with far too much unsent it is overdue at once', (t) => {
  const { connection, recorder } = bench();
  connection.peer = 0;
  recorder.onFrame = () => pong(connection, 1024 * 1024);
  const count = QUEUE_DROP_BYTES / (1024 * 1024);
  connection.received(pings(...Array.from({ length: count + 1 }, (_, index) => index)));
  t.is(connection.overdue, 'it does not read its replies');
});

test('a frame that was begun must be whole in time; each frame has its own time', (t) => {
  const { connection, clock } = bench();
  connection.decoder.lengthMax = 1000;
  const bytes = Buffer.concat([frame('PING', 1, Buffer.alloc(100)), frame('PING', 2, Buffer.alloc(100))]);
  connection.received(bytes.subarray(0, 50));
  clock.nowMs += FRAME_MS;
  t.is(connection.overdue, null);
  connection.received(bytes.subarray(50, 150));
  clock.nowMs += FRAME_MS;
  t.is(connection.overdue, null, 'the second frame was begun later');
  connection.received(bytes.subarray(150, 151));
  clock.nowMs += 1;
  t.is(connection.overdue, 'it does not finish a frame');
  connection.received(bytes.subarray(151));
  t.is(connection.overdue, null);
});

test('whoever was sent off must close', async (t) => {
  const { connection, clock } = bench();
  connection.endSoon();
  await turnOfLoop();
  clock.nowMs += GOODBYE_MS;
  t.is(connection.overdue, null);
  clock.nowMs += 1;
  t.is(connection.overdue, 'it does not close');
});

/** A share whose turns end when the test says so. */
function manualShare(): { share: FairShare; endTurn: () => void } {
  const turns: (() => void)[] = [];
  const share = new FairShare((run) => turns.push(run));
  return { share, endTurn: () => turns.shift()?.() };
}

test('more than one turn may hold of one connection waits, unread, and goes on in later turns in order', (t) => {
  const { share, endTurn } = manualShare();
  const { connection, channel, recorder } = bench(share);
  const count = 3 * TURN_UNITS;
  const ids = Array.from({ length: count }, (_, index) => index);
  const chunk = pings(...ids);
  connection.received(chunk);
  chunk.fill(0xff);
  t.is(recorder.events.length, TURN_UNITS);
  t.true(channel.paused);
  t.is(share.waiting, 1);
  endTurn();
  t.is(recorder.events.length, 2 * TURN_UNITS);
  endTurn();
  t.deepEqual(
    recorder.events,
    ids.map((id) => `PING ${id}`),
  );
  t.false(channel.paused);
  t.is(share.waiting, 0);
});

test('what comes although it is not read is kept behind the rest', (t) => {
  const { share, endTurn } = manualShare();
  const { connection, recorder } = bench(share);
  connection.received(pings(...Array.from({ length: TURN_UNITS + 1 }, () => 1)));
  connection.received(pings(2, 3).subarray(0, 20));
  connection.received(pings(2, 3).subarray(20));
  t.is(recorder.events.length, TURN_UNITS);
  endTurn();
  t.deepEqual(recorder.events.slice(TURN_UNITS), ['PING 1', 'PING 2', 'PING 3']);
});

test('somebody who sends little is handled at once while others wait', (t) => {
  const { share } = manualShare();
  const heavy = bench(share);
  heavy.connection.received(pings(...Array.from({ length: 4 * TURN_UNITS }, () => 1)));
  const light = bench(share);
  light.connection.received(pings(1, 2, 3));
  t.is(light.recorder.events.length, 3);
  t.false(light.channel.paused);
  light.connection.received(pings(...Array.from({ length: 2 * NEWCOMER_UNITS }, () => 4)));
  t.is(light.recorder.events.length, 3 + NEWCOMER_UNITS, 'and no more than little');
});

test('bytes that come in and go out count as well as frames', (t) => {
  const { share } = manualShare();
  const { connection, recorder } = bench(share);
  recorder.onFrame = () => pong(connection, 256 * (TURN_UNITS / 4));
  connection.received(pings(1, 2, 3, 4, 5));
  t.is(recorder.events.length, 4);
});

test('a connection that waits and fills up meanwhile is handled only when it has room', (t) => {
  const { share, endTurn } = manualShare();
  const { connection, channel, manual, recorder } = bench(share);
  channel.holds = true;
  connection.received(pings(...Array.from({ length: TURN_UNITS + 2 }, () => 1)));
  pong(connection, QUEUE_PAUSE_BYTES + 1);
  manual.end();
  endTurn();
  t.is(recorder.events.length, TURN_UNITS);
  t.is(share.waiting, 0);
  channel.drain();
  t.is(recorder.events.length, TURN_UNITS + 2);
  t.false(channel.paused);
});

test('a connection that closes while it waits is forgotten', (t) => {
  const { share, endTurn } = manualShare();
  const { connection, recorder } = bench(share);
  connection.received(pings(...Array.from({ length: TURN_UNITS + 2 }, () => 1)));
  connection.ended(null);
  endTurn();
  t.is(share.waiting, 0);
  t.is(recorder.events.length, TURN_UNITS + 1, 'its end');
});

test('a channel that delivers what it held as soon as it is read on keeps one place in the rotation', (t) => {
  const { share, endTurn } = manualShare();
  const { connection, channel, recorder } = bench(share);
  const held = Array.from({ length: 20 }, () => pings(...Array.from({ length: 2 * TURN_UNITS }, () => 1)));
  channel.resume = () => {
    channel.paused = false;
    while (!channel.paused && held.length > 0) connection.received(held.shift() as Uint8Array);
  };
  connection.received(held.shift() as Uint8Array);
  let most = 0;
  for (let turn = 0; turn < 100; turn += 1) {
    endTurn();
    most = Math.max(most, share.waiting);
  }
  t.is(most, 1);
  t.is(recorder.events.length, 20 * 2 * TURN_UNITS);
});
