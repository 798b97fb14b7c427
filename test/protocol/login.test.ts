import { createHmac } from 'node:crypto';
import test from 'ava';
import type { Random } from '../../src/base/ports.ts';
import { type Code, KeyvalError } from '../../src/errors.ts';
import { systemCrypto } from '../../src/io/random.ts';
import { FrameDecoder } from '../../src/protocol/frame-decoder.ts';
import { decodeHello, encodeWelcome, PROOF_BYTES, type Welcome } from '../../src/protocol/hello-codec.ts';
import { Callee, Caller, decodeFail } from '../../src/protocol/login.ts';
import { WLCM } from '../../src/protocol/opcode.ts';
import { frame, u16 } from '../helpers/bodies.ts';
import { type DecodedFrame, decodeOne } from '../helpers/decode.ts';
import { encoded } from '../helpers/encode.ts';

const SECRET = Buffer.from('a secret of the cluster');
const OTHER_SECRET = Buffer.from('another secret');
const FIELDS = { role: 0, flags: 1, cluster: 'keyval', name: 'test', owner: null, peer: null };
const NODE = { nodeId: 7, clusterId: 'c1c2c3c4c5c6c7c8', address: 'a:1' };
const TABLE = { version: 1, partitions: 1, self: 0, members: ['a:1'], primaries: Uint16Array.of(0) };

/** Fills with one byte, so that each side's nonce can be told apart. */
function fixedRandom(byte: number): Random {
  return { u32: () => byte, fill: (target) => void target.fill(byte) };
}

function caller(secret: Uint8Array | null, byte = 1): Caller {
  return new Caller(FIELDS, secret, systemCrypto, fixedRandom(byte));
}

function callee(secret: Uint8Array | null, byte = 101): Callee {
  return new Callee(secret, systemCrypto, fixedRandom(byte));
}

interface Said {
  /** The one frame written, or null. */
  readonly frame: DecodedFrame | null;
  readonly bytes: Uint8Array;
}

function said(write: Parameters<typeof encoded>[0]): Said {
  const bytes = encoded(write);
  return { bytes, frame: bytes.length === 0 ? null : decodeOne(bytes) };
}

function hear(to: Caller, bytes: Uint8Array): Said & { readonly welcome: Welcome | null } {
  const decoder = new FrameDecoder();
  decoder.push(bytes);
  decoder.next();
  let welcome: Welcome | null = null;
  const answer = said((writer) => {
    welcome = to.received(decoder, writer);
  });
  return { ...answer, welcome };
}

function welcomeFrame(proof: Uint8Array): Uint8Array {
  return encoded((writer) => {
    writer.begin(WLCM, 0);
    encodeWelcome(writer, { version: 1, incarnation: new Uint8Array(8), proof, table: TABLE, ...NODE });
    writer.end();
  });
}

/** Plays a login to its end. Gives what was said. */
function login(from: Caller, to: Callee): { hello: Said; challenge: Said; proof: Said; welcome: Uint8Array } {
  const hello = said((writer) => from.start(writer));
  const challenge = said((writer) => void to.hello(hello.frame?.body as Uint8Array, writer));
  const proof = hear(from, challenge.bytes);
  to.proof(proof.frame?.body as Uint8Array);
  const welcome = welcomeFrame(to.ownProof());
  hear(from, welcome);
  return { hello, challenge, proof, welcome };
}

function refuses(
  t: { throws: (run: () => unknown) => unknown; is: (a: unknown, b: unknown) => unknown },
  code: Code,
  run: () => unknown,
): void {
  const error = t.throws(run);
  t.is((error as KeyvalError).code, code);
}

test('without a secret the node welcomes at once', (t) => {
  const [from, to] = [caller(null), callee(null)];
  const hello = said((writer) => from.start(writer));
  t.is(hello.frame?.opcode, 'HELO');
  const answer = said((writer) => t.true(to.hello(hello.frame?.body as Uint8Array, writer)));
  t.is(answer.frame, null);
  t.deepEqual(to.ownProof(), new Uint8Array(PROOF_BYTES));
  t.deepEqual(hear(from, welcomeFrame(to.ownProof())).welcome?.table, TABLE);
});

test('HELO names the versions, the cluster and a nonce', (t) => {
  const hello = decodeHello(said((writer) => caller(null, 5).start(writer)).frame?.body as Uint8Array);
  t.deepEqual(hello, { ...FIELDS, versionOldest: 1, version: 1, nonce: new Uint8Array(16).fill(5) });
});

test('with a secret each side proves itself to the other', (t) => {
  const { challenge, proof } = login(caller(SECRET), callee(SECRET));
  t.is(challenge.frame?.opcode, 'CHAL');
  t.deepEqual(challenge.frame?.body, new Uint8Array(16).fill(101));
  t.is(proof.frame?.opcode, 'PROV');
});

test('a proof is HMAC-SHA256 over the side, the whole HELO body and the nonce of the node', (t) => {
  const to = callee(SECRET);
  const { hello, challenge, proof } = login(caller(SECRET), to);
  const expected = (side: string): Uint8Array => {
    const hmac = createHmac('sha256', SECRET).update(side);
    hmac.update(hello.frame?.body as Uint8Array).update(challenge.frame?.body as Uint8Array);
    return new Uint8Array(hmac.digest());
  };
  t.deepEqual(proof.frame?.body, expected('caller'));
  t.deepEqual(to.ownProof(), expected('callee'));
});

test('a wrong secret is refused by the node', (t) => {
  refuses(t, 'KV_UNAUTHORIZED', () => login(caller(OTHER_SECRET), callee(SECRET)));
});

test('a caller without the secret is told that it needs one', (t) => {
  const from = caller(null);
  const hello = said((writer) => from.start(writer));
  const challenge = said((writer) => void callee(SECRET).hello(hello.frame?.body as Uint8Array, writer));
  refuses(t, 'KV_UNAUTHORIZED', () => hear(from, challenge.bytes));
});

test('a node that has no secret is refused by a caller that has one', (t) => {
  const from = caller(SECRET);
  said((writer) => from.start(writer));
  refuses(t, 'KV_UNAUTHORIZED', () => hear(from, welcomeFrame(new Uint8Array(PROOF_BYTES))));
});

test('a node that asks for a proof and cannot prove itself is refused', (t) => {
  const [from, to] = [caller(SECRET), callee(OTHER_SECRET)];
  const hello = said((writer) => from.start(writer));
  const challenge = said((writer) => void to.hello(hello.frame?.body as Uint8Array, writer));
  hear(from, challenge.bytes);
  refuses(t, 'KV_UNAUTHORIZED', () => hear(from, welcomeFrame(to.ownProof())));
});

test('a proof cannot be replayed: each login has new nonces', (t) => {
  const { hello, proof } = login(caller(SECRET, 1), callee(SECRET, 101));
  const later = callee(SECRET, 102);
  said((writer) => void later.hello(hello.frame?.body as Uint8Array, writer));
  refuses(t, 'KV_UNAUTHORIZED', () => later.proof(proof.frame?.body as Uint8Array));
});

test('the welcome of another login cannot be replayed to a caller', (t) => {
  const { challenge, welcome } = login(caller(SECRET, 1), callee(SECRET, 101));
  const later = caller(SECRET, 2);
  said((writer) => later.start(writer));
  hear(later, challenge.bytes);
  refuses(t, 'KV_UNAUTHORIZED', () => hear(later, welcome));
});

test('the proof of one side is not the proof of the other', (t) => {
  const to = callee(SECRET);
  const hello = said((writer) => caller(SECRET).start(writer));
  said((writer) => void to.hello(hello.frame?.body as Uint8Array, writer));
  refuses(t, 'KV_UNAUTHORIZED', () => to.proof(to.ownProof()));
});

test('a HELO that was changed on its way is refused', (t) => {
  const [from, to] = [caller(SECRET), callee(SECRET)];
  const hello = said((writer) => from.start(writer));
  const changed = Uint8Array.from(hello.frame?.body as Uint8Array);
  changed[5] = 0; // flags
  const challenge = said((writer) => void to.hello(changed, writer));
  const proof = hear(from, challenge.bytes);
  refuses(t, 'KV_UNAUTHORIZED', () => to.proof(proof.frame?.body as Uint8Array));
});

test('a proof of another length, or before HELO, is refused', (t) => {
  const to = callee(SECRET);
  refuses(t, 'KV_UNAUTHORIZED', () => to.proof(new Uint8Array(PROOF_BYTES)));
  const hello = said((writer) => caller(SECRET).start(writer));
  said((writer) => void to.hello(hello.frame?.body as Uint8Array, writer));
  for (const length of [0, PROOF_BYTES - 1, PROOF_BYTES + 1]) {
    refuses(t, 'KV_UNAUTHORIZED', () => to.proof(new Uint8Array(length)));
  }
});

test('a node without a secret takes no proof', (t) => {
  refuses(t, 'KV_UNAUTHORIZED', () => callee(null).proof(new Uint8Array(PROOF_BYTES)));
});

test('the caller refuses a challenge of the wrong length and any other frame', (t) => {
  for (const wrong of [frame('CHAL', 0, Buffer.alloc(15)), frame('CHAL', 0), frame('GOTK', 0), frame('HELO', 0)]) {
    const from = caller(SECRET);
    said((writer) => from.start(writer));
    refuses(t, 'KV_BAD_FRAME', () => hear(from, wrong));
  }
});

test('what the node refuses with is what the caller throws', (t) => {
  const from = caller(null);
  said((writer) => from.start(writer));
  const fail = frame('FAIL', 0, Buffer.concat([u16(8), Buffer.from('another cluster')]));
  const error = t.throws(() => hear(from, fail), { instanceOf: KeyvalError });
  t.is(error?.code, 'KV_WRONG_CLUSTER');
  t.is(error?.message, 'another cluster');
});

test('FAIL of a later version or cut short still reads as an error', (t) => {
  t.is(decodeFail(Buffer.concat([u16(60_000), Buffer.from('new')])).code, 'KV_INTERNAL');
  t.is(decodeFail(Buffer.from([0])).code, 'KV_BAD_FRAME');
  t.is(decodeFail(u16(19)).message, '');
});
