/** Reads straight at one node: which answers are from the past. Port 27310. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test from 'ava';
import type { Client } from '../../../src/index.ts';
import { addReads, CountingWrites, DirectReader, type ReadCounts } from '../../../tools/chaos/direct-reads.ts';
import { frame } from '../../helpers/bodies.ts';

const LISTEN = '127.0.0.1:27310';
const KEY_AT = 7;

/** A node that answers every read with what `values` holds for the key; without one it refuses. */
function answering(values: ReadonlyMap<string, string>): (socket: Socket) => void {
  return (socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 12 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const end = 4 + rest.readUInt32BE(0);
        const body = rest.subarray(12, end);
        if (rest.toString('latin1', 4, 8) === 'HELO') socket.write(frame('WLCM', 0));
        else socket.write(answerTo(body.toString('latin1', KEY_AT), rest.readUInt32BE(8), values));
        rest = rest.subarray(end);
      }
    });
  };
}

function answerTo(key: string, messageId: number, values: ReadonlyMap<string, string>): Uint8Array {
  const value = values.get(key);
  if (value === undefined) return frame('MOVD', messageId, Buffer.alloc(5));
  const body = Buffer.concat([Buffer.from([1]), Buffer.alloc(14), Buffer.from(value)]);
  return frame('GOTK', messageId, body);
}

test('an answer below what was acknowledged before the read was sent is from the past', async (t) => {
  const values = new Map([
    ['fresh', '7'],
    ['ahead', '9'],
    ['old', '6'],
  ]);
  const server = createServer(answering(values)).listen(27310, '127.0.0.1');
  await once(server, 'listening');
  const keys = ['fresh', 'ahead', 'old', 'elsewhere'];
  const writes = new CountingWrites({} as Client, keys);
  for (const key of keys) writes.acknowledged.set(key, 7);
  const reader = await DirectReader.open(LISTEN, writes, keys, true);
  t.teardown(() => {
    reader.close();
    server.close();
  });
  const sums = (): ReadCounts => {
    const sum: ReadCounts = { sent: 0, current: 0, acrossPause: 0, stale: [], others: {} };
    for (const counts of Object.values(reader.counts)) addReads(sum, counts);
    return sum;
  };
  while (Object.values(reader.counts).some(({ others }) => (others.MOVD ?? 0) < 2)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { current, stale, acrossPause } = sums();
  t.true(current >= 4);
  t.is(acrossPause, 0);
  t.regex(stale[0] ?? '', /read of old gave 6 after 7 was acknowledged/);
  t.true(stale.every((text) => text.includes(' old ')));
});
