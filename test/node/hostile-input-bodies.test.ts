/** Bodies that do not have their layout: cut at every byte, too long, random, or frames with some bytes changed. */
import test from 'ava';
import fc from 'fast-check';
import * as bodies from '../helpers/bodies.ts';
import { decodeChunks, decodeOne } from '../helpers/decode.ts';
import { FIRST_EPOCH, type ScriptedConnection, ScriptedNode } from '../helpers/scripted-node.ts';

const PARTITIONS = 4;
const session = Buffer.alloc(16, 1);
/** The second entry of each partition's log, when the session attaches first. */
const attachment = (BigInt(FIRST_EPOCH) << 32n) | 2n;
const key = 'key';

const write = (parts: Partial<bodies.WriteParts> = {}): Buffer =>
  bodies.write({ attachment, sequence: 1, key, ...parts });

/** Requests as they should be, and how many of their bytes are more than an optional end. */
const requests: readonly [opcode: string, body: Buffer, fixedBytes: number][] = [
  ['GETK', bodies.getk(key), 10],
  ['PUTK', write({ payload: 'value' }), 40],
  ['PUTK', write({ flags: bodies.STAGED, payload: bodies.stageReference(1, 70_000) }), 48],
  ['CASK', write({ flags: bodies.IF_REVISION, payload: 'value' }), 40],
  ['DELK', write(), 40],
  ['INCR', write({ payload: bodies.i64(1n) }), 48],
  ['LCKK', write(), 40],
  ['ULKK', write(), 40],
  ['CNCL', write({ payload: bodies.u32(1) }), 44],
  ['ATCH', bodies.attach({ partition: 1, session, name: 'name' }), 31],
  ['KEEP', bodies.keep(session, [0, 1]), 22],
  ['CLOS', bodies.keep(session, [0, 1]), 22],
  ['SCAN', bodies.scan({ partition: 1, prefix: 'k' }), 18],
  ['STGE', bodies.stage(1, 10, 0, Buffer.alloc(10)), 12],
];

/** Logged in, and attached to every partition. */
function attached(): ScriptedConnection {
  const connection = new ScriptedNode({ partitions: PARTITIONS }).connect();
  connection.send(bodies.frame('HELO', 0, bodies.hello()));
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const reply = decodeOne(connection.send(bodies.frame('ATCH', 1, bodies.attach({ partition, session }))));
    if (Buffer.from(reply.body).readBigUInt64BE(1) !== attachment) throw new Error('attached otherwise');
  }
  return connection;
}

/** Opcode of the reply; the number of the code, if it is FAIL. */
function answer(connection: ScriptedConnection, opcode: string, body: Uint8Array): string | number {
  const reply = decodeOne(connection.send(bodies.frame(opcode, 9, body)));
  return reply.opcode === 'FAIL' ? Buffer.from(reply.body).readUInt16BE(0) : reply.opcode;
}

const BAD_REQUEST = 4;
const BAD_KEY = 5;

/** Names a stage that is not there: KV_BAD_REQUEST in any case. */
function isStaged(opcode: string, body: Buffer): boolean {
  return opcode === 'PUTK' && body[20] === bodies.STAGED;
}

for (const [opcode, body, fixedBytes] of requests) {
  test(`${opcode} of ${body.length} bytes, cut at every byte, is KV_BAD_REQUEST`, (t) => {
    const connection = attached();
    for (let end = 0; end < fixedBytes; end += 1)
      t.is(answer(connection, opcode, body.subarray(0, end)), BAD_REQUEST, `cut at ${end}`);
    if (!isStaged(opcode, body)) t.not(answer(connection, opcode, body), BAD_REQUEST, 'whole');
  });
}

const ofFixedLength = requests.filter(([, body, fixedBytes]) => body.length === fixedBytes);

for (const [opcode, body] of ofFixedLength) {
  test(`${opcode} of ${body.length} bytes with a byte more is KV_BAD_REQUEST`, (t) => {
    t.is(answer(attached(), opcode, Buffer.concat([body, Buffer.alloc(1)])), BAD_REQUEST);
  });
}

for (const opcode of ['PUTK', 'CASK', 'DELK', 'INCR', 'LCKK', 'ULKK', 'CNCL']) {
  test(`${opcode} of an empty key is KV_BAD_KEY`, (t) => {
    t.is(answer(attached(), opcode, write({ key: '', payload: bodies.i64(0n) })), BAD_KEY);
  });
}

for (const opcode of ['PUTK', 'CASK', 'DELK', 'INCR', 'LCKK', 'ULKK', 'CNCL']) {
  test(`${opcode} with flags that mean nothing to it is KV_BAD_REQUEST`, (t) => {
    const { IF_REVISION, STAGED, FENCED, FETCH, STORE, GIVEN_BACK } = bodies;
    const put = IF_REVISION | STAGED | FENCED;
    const meant: Record<string, number> = {
      PUTK: put,
      CASK: put,
      DELK: IF_REVISION | FENCED,
      INCR: FENCED,
      LCKK: FETCH,
      ULKK: STORE | GIVEN_BACK,
    };
    const known = meant[opcode] ?? 0;
    const payloads: Record<string, Buffer> = { INCR: bodies.i64(0n), CNCL: bodies.u32(1) };
    for (const flag of [1, 2, 4, 8, 16, 32, 64, 128].filter((bit) => (bit & known) === 0)) {
      t.is(answer(attached(), opcode, write({ flags: flag, payload: payloads[opcode] ?? '' })), BAD_REQUEST);
    }
  });
}

test('a partition that does not exist', (t) => {
  const connection = attached();
  t.is(answer(connection, 'ATCH', bodies.attach({ partition: PARTITIONS, session })), BAD_REQUEST);
  t.is(answer(connection, 'SCAN', bodies.scan({ partition: 65_535 })), BAD_REQUEST);
  const kept = decodeOne(connection.send(bodies.frame('KEEP', 1, bodies.keep(session, [65_535, 1]))));
  t.deepEqual(Buffer.from(kept.body), Buffer.concat([bodies.u16(1), bodies.u16(1), bodies.u16(0)]));
});

test('a lease that is too short or too long', (t) => {
  const connection = attached();
  for (const leaseMs of [0, 99, 60_001, 0xffff_ffff]) {
    t.is(answer(connection, 'ATCH', bodies.attach({ partition: 0, session, leaseMs })), BAD_REQUEST);
  }
});

const opcodes = [...new Set(requests.map(([opcode]) => opcode)), 'BTCH', 'PING', 'STAT', 'TABL', 'NONE'];

test('random bodies are answered, each by one frame, and never end the node', (t) => {
  const connection = attached();
  const body = fc.uint8Array({ maxLength: 80 });
  fc.assert(
    fc.property(
      fc.constantFrom(...opcodes.filter((opcode) => opcode !== 'STGE' && opcode !== 'BTCH')),
      body,
      (opcode, bytes) => {
        answer(connection, opcode, bytes);
      },
    ),
    { numRuns: 2000 },
  );
  t.is(answer(connection, 'PING', Buffer.alloc(0)), 'PONG');
});

test('good requests with some bytes changed never end the node', (t) => {
  const change = fc.tuple(fc.nat(60), fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff));
  const changed = fc.tuple(fc.constantFrom(...requests), fc.array(change, { minLength: 1, maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(changed, { minLength: 1, maxLength: 20 }), (row) => {
      const connection = attached();
      const frames = row.map(([[opcode, body], changes], index) =>
        bodies.frame(opcode, index, withChanges(body, changes)),
      );
      connection.send(Buffer.concat(frames));
      connection.send(bodies.frame('BTCH', 99, Buffer.concat(frames)));
      t.is(answer(connection, 'PING', Buffer.alloc(0)), 'PONG');
    }),
    { numRuns: 300 },
  );
});

test('no sequence and no mark ends the node', (t) => {
  const near = fc.constantFrom(0, 1, 2, 4095, 4096, 4097, 0x7fff_ffff, 0x8000_0000, 0xffff_f000, 0xffff_ffff);
  const number = fc.oneof(near, fc.integer({ min: 0, max: 0xffff_ffff }));
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 20 }), (pairs) => {
      const connection = attached();
      const frames = pairs.map(([sequence, mark], id) =>
        bodies.frame('INCR', id, write({ sequence, mark, payload: bodies.i64(1n) })),
      );
      connection.send(Buffer.concat(frames));
      t.is(answer(connection, 'PING', Buffer.alloc(0)), 'PONG');
    }),
    { numRuns: 300 },
  );
});

function withChanges(body: Buffer, changes: readonly (readonly [number, number])[]): Buffer {
  const changed = Buffer.from(body);
  for (const [at, byte] of changes) if (at < changed.length) changed[at] = byte;
  return changed;
}

test('a batch of random bytes is refused, or what it holds is answered', (t) => {
  const connection = attached();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
      const replies = decodeChunks([connection.send(bodies.frame('BTCH', 5, bytes))]);
      t.true(replies.some(({ opcode, messageId }) => opcode === 'FAIL' && messageId === 5));
    }),
  );
});
