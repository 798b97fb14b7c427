import test from 'ava';
import fc from 'fast-check';
import { KeyvalError } from '../../src/errors.ts';
import * as codec from '../../src/protocol/hello-codec.ts';
import { hello, peerHello } from '../helpers/bodies.ts';
import { encodedBody } from '../helpers/encode.ts';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65_535 });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const text = fc.string({ unit: 'binary', maxLength: 60 });
const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

const anyPeer: fc.Arbitrary<codec.PeerHello> = fc.record({
  incarnation: bytes(codec.INCARNATION_BYTES),
  address: text,
  partitions: u16,
  replicas: u8,
  members: fc.array(text, { maxLength: 10 }),
  nodeId: u48,
  clusterId: text,
});

const anyHello: fc.Arbitrary<codec.Hello> = fc
  .record({
    versionOldest: u16,
    version: u16,
    flags: u8,
    nonce: bytes(codec.NONCE_BYTES),
    cluster: text,
    name: text,
    owner: fc.option(bytes(codec.OWNER_BYTES)),
    peer: fc.option(anyPeer),
  })
  .map((fields) =>
    fields.peer === null
      ? { ...fields, role: codec.Role.client }
      : { ...fields, role: codec.Role.control, owner: null },
  );

const anyTable: fc.Arbitrary<codec.RoutingTable> = fc
  .record({
    version: u32,
    self: u16,
    members: fc.array(text, { maxLength: 5 }),
    primaries: fc.uint16Array({ maxLength: 300 }),
  })
  .map((fields) => ({ ...fields, partitions: fields.primaries.length }));

const anyWelcome: fc.Arbitrary<codec.Welcome> = fc.record({
  version: u16,
  incarnation: bytes(codec.INCARNATION_BYTES),
  proof: bytes(codec.PROOF_BYTES),
  table: anyTable,
  nodeId: u48,
  clusterId: text,
  address: text,
});

test('HELO reads back as it was written', (t) => {
  fc.assert(
    fc.property(anyHello, (fields) => {
      t.deepEqual(codec.decodeHello(encodedBody((writer) => codec.encodeHello(writer, fields))), fields);
    }),
  );
});

test('WLCM and TABL read back as they were written', (t) => {
  fc.assert(
    fc.property(anyWelcome, (fields) => {
      t.deepEqual(codec.decodeWelcome(encodedBody((writer) => codec.encodeWelcome(writer, fields))), fields);
      t.deepEqual(codec.decodeTable(encodedBody((writer) => codec.encodeTable(writer, fields.table))), fields.table);
    }),
  );
});

const nonce = new Uint8Array(16).fill(3);
const members = ['10.0.0.1:6234', '10.0.0.2:6234'];

test('HELO has the layout of PROTOCOL.md', (t) => {
  const fields = {
    versionOldest: 1,
    version: 2,
    role: 0,
    flags: 1,
    nonce,
    cluster: 'keyval',
    name: 'höst:1',
    owner: null,
    peer: null,
  };
  const body = encodedBody((writer) => codec.encodeHello(writer, fields));
  t.deepEqual(Buffer.from(body), hello({ version: 2, flags: 1, nonce, name: 'höst:1' }));
});

test('HELO of a client that says whose sessions it speaks of', (t) => {
  const owner = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
  const parts = { versionOldest: 1, version: 1, role: 0, flags: 1, nonce, cluster: 'keyval', name: 'n', peer: null };
  const body = encodedBody((writer) => codec.encodeHello(writer, { ...parts, owner }));
  t.deepEqual(Buffer.from(body), hello({ flags: 1, nonce, name: 'n', owner }));
  t.deepEqual(codec.decodeHello(body).owner, owner);
  cutShort(t, () => codec.decodeHello(body.subarray(0, body.length - 1)));
});

const headOfNode = { versionOldest: 1, version: 1, flags: 0, nonce, cluster: 'keyval', name: 'n', owner: null };

test('HELO of a node has the layout of PROTOCOL.md', (t) => {
  const peer = {
    incarnation: new Uint8Array(8).fill(9),
    address: '10.0.0.2:6234',
    partitions: 16_384,
    replicas: 3,
    members,
    nodeId: 0xfedc_ba98_7654,
    clusterId: 'c1c2c3c4c5c6c7c8',
  };
  const fields = { ...headOfNode, role: 2, peer };
  const body = encodedBody((writer) => codec.encodeHello(writer, fields));
  const { incarnation: _, ...expectedParts } = peer;
  const expected = peerHello(expectedParts);
  t.deepEqual(Buffer.from(body), hello({ role: 2, nonce, name: 'n', peer: expected }));
  t.deepEqual(codec.decodeHello(body), fields);
});

const cutShort = (
  t: { throws: (run: () => unknown) => unknown; is: (a: unknown, b: unknown) => unknown },
  run: () => unknown,
): void => {
  const error = t.throws(run);
  t.is((error as KeyvalError).code, 'KV_BAD_REQUEST');
};

const peer = {
  incarnation: new Uint8Array(8),
  address: 'a:1',
  partitions: 4,
  replicas: 3,
  members,
  nodeId: 7,
  clusterId: 'c1',
};
const helloOfPeer = { ...headOfNode, role: 1, peer };
const helloBody = encodedBody((writer) => codec.encodeHello(writer, helloOfPeer));
const table = { version: 1, partitions: 4, self: 0, members, primaries: Uint16Array.of(0, 1, 0, 1) };
const welcome = {
  version: 1,
  incarnation: new Uint8Array(8),
  proof: new Uint8Array(32),
  table,
  nodeId: 7,
  clusterId: 'c1',
  address: 'a:1',
};
const welcomeBody = encodedBody((writer) => codec.encodeWelcome(writer, welcome));
/** Lengths at which a body of a former node ends: the fields behind came one after the other. */
const helloEnds = [helloBody.length - 9, helloBody.length - 3];
const welcomeEnds = [welcomeBody.length - 13, welcomeBody.length - 7, welcomeBody.length - 4];

test('a body cut anywhere, but where a former version ended it, is KV_BAD_REQUEST', (t) => {
  for (let end = 0; end < helloBody.length; end += 1)
    if (!helloEnds.includes(end)) cutShort(t, () => codec.decodeHello(helloBody.subarray(0, end)));
  for (let end = 0; end < welcomeBody.length; end += 1)
    if (!welcomeEnds.includes(end)) cutShort(t, () => codec.decodeWelcome(welcomeBody.subarray(0, end)));
});

test('a node without an id belongs to no cluster', (t) => {
  const former = codec.decodeHello(helloBody.subarray(0, helloEnds[0]));
  t.deepEqual(former.peer, { ...peer, nodeId: 0, clusterId: '' });
  const { nodeId, clusterId, address } = codec.decodeWelcome(welcomeBody.subarray(0, welcomeEnds[0]));
  t.deepEqual([nodeId, clusterId, address], [0, '', '']);
});

test('what a later version appends is ignored', (t) => {
  const body = Buffer.concat([hello(), Buffer.from('appended')]);
  t.is(codec.decodeHello(body).name, 'raw');
});

test('a text that is not UTF-8 is KV_BAD_REQUEST', (t) => {
  const body = hello({ name: 'aaaa' });
  body.fill(0xff, body.length - 4);
  const error = t.throws(() => codec.decodeHello(body), { instanceOf: KeyvalError });
  t.is(error?.code, 'KV_BAD_REQUEST');
});

test('a text longer than its length byte can say is cut behind a whole character', (t) => {
  const fields = {
    versionOldest: 1,
    version: 1,
    role: 0,
    flags: 0,
    nonce,
    cluster: 'keyval',
    name: 'é'.repeat(200),
    owner: null,
    peer: null,
  };
  const body = encodedBody((writer) => codec.encodeHello(writer, fields));
  t.is(codec.decodeHello(body).name, 'é'.repeat(127));
});

test('no garbage makes the decoders do anything but read or refuse', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      for (const decode of [codec.decodeHello, codec.decodeWelcome, codec.decodeTable]) {
        try {
          decode(garbage);
        } catch (error) {
          if (!(error instanceof KeyvalError)) throw error;
        }
      }
    }),
  );
  t.pass();
});
