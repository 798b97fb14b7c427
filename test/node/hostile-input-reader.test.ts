/** A peer that asks and never reads: the node stops reading it, others do not notice, and nothing is lost. */
import test from 'ava';
import { startNode } from '../../src/index.ts';
import { QUEUE_PAUSE_BYTES } from '../../src/node/connection.ts';
import { frame } from '../helpers/bodies.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { Witness } from '../helpers/witness.ts';

const MIB = 1024 * 1024;
/** Far more than the node queues and the kernels of both sides hold. */
const ASKED_BYTES = 64 * MIB;

test('a peer that never reads is paused, and gets everything once it reads', async (t) => {
  const node = await startNode({ port: 0, logLevel: 'silent' });
  await node.ready();
  const witness = await Witness.of(node.address);
  const client = await RawClient.login(node.address);
  client.socket.pause();
  const count = ASKED_BYTES / MIB;
  for (let id = 1; id <= count; id += 1) client.sendBytes(frame('PING', id, Buffer.alloc(MIB, id)));

  // The node reads no further while the client does not read: the rest stays in the client's own socket.
  await untilSteady(
    () => client.socket.writableLength,
    () => witness.check(),
  );
  t.true(
    client.socket.writableLength > ASKED_BYTES - QUEUE_PAUSE_BYTES - 32 * MIB,
    String(client.socket.writableLength),
  );
  await witness.check();

  client.socket.resume();
  for (let id = 1; id <= count; id += 1) {
    const { opcode, messageId, body } = await client.next();
    t.is(opcode, 'PONG');
    t.is(messageId, id);
    t.is(body.length, MIB);
    t.is(Buffer.compare(body, Buffer.alloc(MIB, id)), 0);
  }
  client.destroy();
  await witness.close();
  await node.close();
});

/** Resolves when `measure` gives the same for a while, `meanwhile` being done over and over. */
async function untilSteady(measure: () => number, meanwhile: () => Promise<void>): Promise<void> {
  for (let same = 0, last = -1; same < 50; ) {
    await meanwhile();
    const now = measure();
    same = now === last ? same + 1 : 0;
    last = now;
  }
}
