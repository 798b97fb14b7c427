import { setImmediate as turnOfLoop } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { FRAME_HEADER_BYTES } from '../../src/protocol/limits.ts';
import { PING } from '../../src/protocol/opcode.ts';
import { WriterQueue } from '../../src/protocol/writer-queue.ts';
import { frame } from '../helpers/bodies.ts';
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

function ping(queue: WriterQueue, messageId: number, bytes = 0): void {
  queue.frames.begin(PING, messageId);
  queue.frames.bytes(new Uint8Array(bytes).fill(messageId), 0, bytes);
  queue.frames.end();
}

/** A FRAG frame, cut into pieces of these sizes behind its header. */
function pieces(messageId: number, sizes: readonly number[]): Uint8Array[] {
  const body = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0)).fill(messageId);
  const whole = frame('FRAG', messageId, body);
  const cut = [new Uint8Array(whole.subarray(0, FRAME_HEADER_BYTES))];
  let at = FRAME_HEADER_BYTES;
  for (const size of sizes) {
    cut.push(new Uint8Array(whole.subarray(at, at + size)));
    at += size;
  }
  return cut;
}

function ids(channel: FakeChannel): number[] {
  return decodeChunks([channel.sent]).map(({ messageId }) => messageId);
}

test('small frames leave in one write at the end of the turn', (t) => {
  const { queue, channel, manual } = bench();
  ping(queue, 1);
  ping(queue, 2);
  t.is(queue.queuedBytes, 24);
  manual.end();
  t.is(channel.writes, 1);
  t.deepEqual(ids(channel), [1, 2]);
  t.is(queue.queuedBytes, 0);
});

test('a frame in pieces goes behind what was encoded before it, without waiting for the turn', async (t) => {
  const { queue, channel } = bench();
  ping(queue, 1);
  t.true(await queue.sendPieces(pieces(2, [5, 5])));
  t.deepEqual(ids(channel), [1, 2]);
});

test('small frames wait for a frame in pieces, and leave when it has', async (t) => {
  const { queue, channel, manual } = bench();
  channel.holds = true;
  const sent = queue.sendPieces(pieces(1, [10, 10]));
  await turnOfLoop();
  t.true(channel.holding);
  ping(queue, 2);
  manual.end();
  t.is(channel.writes, 1, 'only the header so far');
  t.true(queue.mutex.held);
  channel.holds = false;
  channel.drain();
  t.true(await sent);
  await turnOfLoop();
  t.deepEqual(ids(channel), [1, 2]);
  t.false(queue.mutex.held);
});

test('small frames pass between two frames in pieces', async (t) => {
  const { queue, channel, manual } = bench();
  channel.holds = true;
  const both = Promise.all([queue.sendPieces(pieces(1, [10])), queue.sendPieces(pieces(3, [10]))]);
  await turnOfLoop();
  ping(queue, 2);
  manual.end();
  channel.holds = false;
  channel.drain();
  await both;
  t.deepEqual(ids(channel), [1, 2, 3]);
});

test('a piece on its way counts as queued until it has left', async (t) => {
  const { queue, channel } = bench();
  channel.holds = true;
  const sent = queue.sendPieces([new Uint8Array(frame('PING', 1))]);
  await turnOfLoop();
  t.is(queue.queuedBytes, 12);
  channel.drain();
  await sent;
  t.is(queue.queuedBytes, 0);
});

test('frames in pieces that wait for their turn count as queued', async (t) => {
  const { queue, channel } = bench();
  channel.holds = true;
  const sent = [1, 2, 3].map((id) => queue.sendPieces(pieces(id, [100])));
  await turnOfLoop();
  t.is(queue.queuedBytes, FRAME_HEADER_BYTES + 2 * (FRAME_HEADER_BYTES + 100));
  channel.holds = false;
  channel.drain();
  await Promise.all(sent);
  t.is(queue.queuedBytes, 0);
});

test('when the channel is gone, whoever sends pieces is told so', async (t) => {
  const { queue, channel } = bench();
  channel.holds = true;
  const first = queue.sendPieces(pieces(1, [10]));
  const second = queue.sendPieces(pieces(2, [10]));
  await turnOfLoop();
  queue.close();
  t.deepEqual(await Promise.all([first, second]), [false, false]);
  t.false(await queue.sendPieces(pieces(3, [10])));
  t.is(channel.writes, 1);
  t.false(queue.mutex.held);
});

test('after the end nothing is written', (t) => {
  const { queue, channel, manual } = bench();
  queue.close();
  ping(queue, 1);
  manual.end();
  t.true(queue.closed);
  t.is(channel.writes, 0);
});

test('whenEmpty waits until everything has left', async (t) => {
  const { queue, channel, manual } = bench();
  let empty = false;
  ping(queue, 1);
  const waiting = queue.whenEmpty().then(() => (empty = true));
  channel.holds = true;
  manual.end();
  await turnOfLoop();
  t.false(empty);
  channel.drain();
  await waiting;
  t.deepEqual(ids(channel), [1]);
});

test('whenEmpty does not wait for a channel that is gone, nor when nothing is queued', async (t) => {
  const { queue, channel, manual } = bench();
  await queue.whenEmpty();
  channel.holds = true;
  ping(queue, 1);
  manual.end();
  const waiting = queue.whenEmpty();
  queue.close();
  await waiting;
  await queue.whenEmpty();
  t.pass();
});

test('who waits for room is told when the channel takes everything at once, as well as when it drains', (t) => {
  const { queue, channel, manual } = bench();
  let taken = 0;
  queue.onTaken = () => {
    taken += 1;
    t.is(queue.queuedBytes, 0);
  };
  ping(queue, 1);
  manual.end();
  t.is(taken, 1);
  channel.holds = true;
  ping(queue, 2);
  manual.end();
  t.is(taken, 1);
  channel.holds = false;
  channel.drain();
  t.is(taken, 2);
});

type Step =
  | { readonly kind: 'small'; readonly bytes: number }
  | { readonly kind: 'pieces'; readonly sizes: readonly number[] }
  | { readonly kind: 'endTurn' | 'drain' | 'settle' | 'hold' | 'take' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('small' as const), bytes: fc.nat(100) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pieces' as const), sizes: fc.array(fc.nat(100), { maxLength: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('endTurn', 'drain', 'settle', 'hold', 'take') }) },
);

/** Does the steps; every frame carries the number of its step. Gives what was sent once everything has left. */
async function play(steps: readonly Step[]): Promise<DecodedFrame[]> {
  const { queue, channel, manual } = bench();
  const sending: Promise<boolean>[] = [];
  for (const [number, step] of steps.entries()) {
    if (step.kind === 'small') ping(queue, number, step.bytes);
    else if (step.kind === 'pieces') sending.push(queue.sendPieces(pieces(number, step.sizes)));
    else if (step.kind === 'endTurn') manual.end();
    else if (step.kind === 'drain') channel.drain();
    else if (step.kind === 'settle') await turnOfLoop();
    else channel.holds = step.kind === 'hold';
  }
  channel.holds = false;
  channel.drain();
  await Promise.all(sending);
  manual.end();
  await queue.whenEmpty();
  return decodeChunks([channel.sent]);
}

test('whatever the interleaving, every frame arrives whole, in order among its kind, and behind what was encoded before it', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
      const frames = await play(steps);
      const numbers = steps.flatMap((step, number) =>
        step.kind === 'small' || step.kind === 'pieces' ? [number] : [],
      );
      t.deepEqual(
        frames.map(({ messageId }) => messageId).sort((a, b) => a - b),
        numbers,
      );
      for (const { opcode, messageId, body } of frames) expectWhole(steps[messageId] as Step, opcode, messageId, body);
      expectOrder(frames);
    }),
    { numRuns: 300 },
  );
});

function expectWhole(step: Step, opcode: string, messageId: number, body: Uint8Array): void {
  const bytes =
    step.kind === 'small' ? step.bytes : step.kind === 'pieces' ? step.sizes.reduce((a, b) => a + b, 0) : -1;
  const isWhole = body.length === bytes && body.every((byte) => byte === messageId);
  if (!isWhole || (opcode === 'PING') !== (step.kind === 'small')) throw new Error(`frame ${messageId} was broken`);
}

/** Small frames keep their order, frames in pieces keep theirs, and the latter never pass a small one that was first. */
function expectOrder(frames: readonly DecodedFrame[]): void {
  let lastSmall = -1;
  let lastInPieces = -1;
  for (const { opcode, messageId } of frames) {
    if (opcode === 'PING') {
      if (messageId < lastSmall || messageId < lastInPieces) throw new Error(`small frame ${messageId} came late`);
      lastSmall = messageId;
    } else {
      if (messageId < lastInPieces) throw new Error(`frame in pieces ${messageId} came late`);
      lastInPieces = messageId;
    }
  }
}
