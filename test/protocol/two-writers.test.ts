/**
 * Why there is a send mutex: two writers on one socket, each writing its frame in several writes and waiting for the
 * socket in between. Without the mutex the pieces of one land inside the frame of the other.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { Turn } from '../../src/base/turn.ts';
import { systemTimers } from '../../src/io/clock.ts';
import { attachSocket } from '../../src/io/tcp-transport.ts';
import { DecodeStatus, FrameDecoder } from '../../src/protocol/frame-decoder.ts';
import { PING } from '../../src/protocol/opcode.ts';
import { sendFragments } from '../../src/protocol/pieces.ts';
import { SendMutex } from '../../src/protocol/send-mutex.ts';
import { WriterQueue } from '../../src/protocol/writer-queue.ts';
import { frame } from '../helpers/bodies.ts';
import { decodeChunks } from '../helpers/decode.ts';

const FRAMES_PER_WRITER = 20;
const PIECES = 4;
const PIECE_BYTES = 64 * 1024;

/** Gives everything that `run` wrote to one end of a connection, as it arrived at the other. */
async function sentOverTcp(run: (socket: Socket) => Promise<void>): Promise<Uint8Array[]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const [receiver] = (await once(server, 'connection')) as [Socket];
  const chunks: Uint8Array[] = [];
  receiver.on('data', (chunk: Buffer) => chunks.push(new Uint8Array(chunk)));
  await run(socket);
  socket.end();
  await once(receiver, 'end');
  server.close();
  return chunks;
}

async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (!socket.write(bytes)) await once(socket, 'drain');
}

/** One frame in several writes: its header, then piece by piece. Its body is the writer's number, over and over. */
async function writeFrame(socket: Socket, writer: number): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES).fill(writer);
  await write(socket, frame('PING', writer, new Uint8Array(0), 8 + PIECES * PIECE_BYTES));
  for (let count = 0; count < PIECES; count += 1) await write(socket, piece);
}

async function twoWriters(socket: Socket, mutex: SendMutex | null): Promise<void> {
  const writer = async (number: number): Promise<void> => {
    for (let count = 0; count < FRAMES_PER_WRITER; count += 1) {
      await mutex?.acquire();
      await writeFrame(socket, number);
      mutex?.release();
    }
  };
  await Promise.all([writer(1), writer(2)]);
}

interface Count {
  whole: number;
  broken: number;
}

/** Whole: the body holds its writer's bytes and no others. A refused length ends the stream and counts as broken. */
function count(chunks: readonly Uint8Array[]): Count {
  const decoder = new FrameDecoder();
  const found: Count = { whole: 0, broken: 0 };
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let status = decoder.next(); status !== DecodeStatus.needMore; status = decoder.next()) {
      const { buffer, bodyStart, bodyEnd, messageId } = decoder;
      const isWhole =
        status === DecodeStatus.frame && buffer.subarray(bodyStart, bodyEnd).every((byte) => byte === messageId);
      found[isWhole ? 'whole' : 'broken'] += 1;
      if (status === DecodeStatus.badLength) return found;
    }
  }
  return found;
}

test('two writers on one socket: broken frames without the send mutex, whole with it', async (t) => {
  const without = count(await sentOverTcp((socket) => twoWriters(socket, null)));
  t.true(without.broken > 0, 'without the mutex frames are broken');
  t.true(without.whole < 2 * FRAMES_PER_WRITER);

  const withMutex = count(await sentOverTcp((socket) => twoWriters(socket, new SendMutex())));
  t.deepEqual(withMutex, { whole: 2 * FRAMES_PER_WRITER, broken: 0 });
});

test('a writer queue keeps large values and small frames apart on a real socket', async (t) => {
  const value = new Uint8Array(40 * PIECE_BYTES).fill(7);
  const chunks = await sentOverTcp(async (socket) => {
    let queue: WriterQueue | null = null;
    attachSocket(socket, (channel) => {
      const made = new WriterQueue(channel, new Turn(systemTimers.atTurnEnd));
      queue = made;
      return { received: () => undefined, drained: () => made.drained(), ended: () => made.close() };
    });
    await sendMixed(queue as unknown as WriterQueue, value);
  });
  const frames = decodeChunks(chunks);
  const fragments = frames.filter(({ opcode }) => opcode === 'FRAG');
  t.is(fragments.length, 80);
  t.true(fragments.every(({ body }) => body.subarray(4).every((byte) => byte === 7)));
  t.deepEqual(
    frames.filter(({ opcode }) => opcode === 'PING').map(({ messageId }) => messageId),
    Array.from({ length: 200 }, (_, index) => index),
  );
});

/** Two large values at once, and small frames all the while. */
async function sendMixed(queue: WriterQueue, value: Uint8Array): Promise<void> {
  const large = [sendFragments(queue, 1, value), sendFragments(queue, 2, value)];
  for (let id = 0; id < 200; id += 1) {
    queue.frames.begin(PING, id);
    queue.frames.end();
    if (id % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(large);
  await queue.whenEmpty();
}
