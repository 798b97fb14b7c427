/** XPRT and HASH at a node whose clock the test moves: what is exported, and how exports end. */
import { createHash } from 'node:crypto';
import test from 'ava';
import { codeOfWire } from '../../src/errors.ts';
import { attach, bytes16, frame, hello, PLENTY_MS, u8, u16, u32, u64, write } from '../helpers/bodies.ts';
import { type DecodedFrame, decodeChunks } from '../helpers/decode.ts';
import { type ScriptedConnection, ScriptedNode } from '../helpers/scripted-node.ts';

class Caller {
  readonly connection: ScriptedConnection;
  #lastId = 0;
  #attachment = 0n;
  #sequence = 0;

  constructor(node: ScriptedNode) {
    this.connection = node.connect();
    this.connection.send(frame('HELO', 0, hello({ flags: 1 })));
  }

  ask(opcode: string, body: Buffer): DecodedFrame[] {
    this.#lastId += 1;
    return decodeChunks([this.connection.send(frame(opcode, this.#lastId, body))]);
  }

  put(key: string, value: string, span = 0): void {
    if (this.#attachment === 0n) {
      const [done] = this.ask('ATCH', attach({ partition: 0, session: Buffer.alloc(16, 1) }));
      this.#attachment = Buffer.from((done as DecodedFrame).body).readBigUInt64BE(1);
    }
    this.#sequence += 1;
    const [done] = this.ask(
      'PUTK',
      write({ attachment: this.#attachment, sequence: this.#sequence, key, span, payload: value }),
    );
    if (done?.opcode !== 'DONE') throw new Error(`${done?.opcode}`);
  }

  export(snapshot = 0, rowsMax = 0, flags = 0): Answer {
    const body = [u32(PLENTY_MS), u8(flags), u16(0), u32(snapshot), u32(rowsMax), bytes16(Buffer.alloc(0))];
    return answerOf(this.ask('XPRT', Buffer.concat(body)));
  }
}

interface Answer {
  readonly error: string | null;
  readonly snapshot: number;
  readonly last: boolean;
  readonly text: string;
  readonly check: string;
}

function answerOf([reply]: readonly DecodedFrame[]): Answer {
  const body = Buffer.from((reply as DecodedFrame).body);
  if (reply?.opcode === 'FAIL') {
    return { error: codeOfWire(body.readUInt16BE(0)), snapshot: 0, last: false, text: '', check: '' };
  }
  return {
    error: null,
    snapshot: body.readUInt32BE(11),
    last: (body.readUInt8(0) & 1) !== 0,
    text: body.toString('utf8', 55),
    check: body.toString('hex', 23, 55),
  };
}

function subject(memoryBytesMax = 0): { node: ScriptedNode; caller: Caller } {
  const node = new ScriptedNode({ partitions: 1, memoryBytesMax });
  return { node, caller: new Caller(node) };
}

test('pages show the state of the first one, with the time that was left then', (t) => {
  const { node, caller } = subject();
  caller.put('a', '1', 10_000);
  caller.put('b', '2', 1000);
  caller.put('c', '3');
  node.advance(1500);
  const first = caller.export(0, 1);
  t.is(first.text, '{"key":"a","value":"1","ttlMs":8500}\n');
  t.is(first.check, '00'.repeat(32));
  caller.put('c', 'changed');
  caller.put('d', 'new');
  node.advance(9000);
  const second = caller.export(first.snapshot, 0);
  t.is(second.text, '{"key":"c","value":"3"}\n');
  t.true(second.last);
  const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest();
  t.is(second.check, sha256(Buffer.concat([sha256(first.text), sha256(second.text)])).toString('hex'));
  t.is(caller.export(first.snapshot).error, 'KV_NOT_FOUND');
});

test('a key that is due and whose expiry has not come yet is not exported', (t) => {
  const { node, caller } = subject();
  caller.put('short', 'x', 20);
  caller.put('long', 'x', 5000);
  node.advance(30); // less than a heartbeat: nothing has expired it
  t.is(caller.export().text, '{"key":"long","value":"x","ttlMs":4970}\n');
});

test('an export ends with its connection, when it is closed, and when nobody reads it', (t) => {
  const { node, caller } = subject();
  for (let index = 0; index < 5; index += 1) caller.put(`key-${index}`, 'x');
  const closed = caller.export(0, 1);
  t.like(caller.export(closed.snapshot, 1, 1), { error: null, last: true, text: '' });
  t.is(caller.export(closed.snapshot, 1).error, 'KV_NOT_FOUND');
  const other = new Caller(node);
  const own = other.export(0, 1);
  t.is(caller.export(own.snapshot, 1).error, 'KV_NOT_FOUND');
  for (let more = 0; more < 7; more += 1) t.is(caller.export(0, 1).error, null);
  t.is(caller.export(0, 1).error, 'KV_OVERLOADED');
  other.connection.close();
  const idle = caller.export(0, 1);
  t.is(idle.error, null);
  node.advance(25_000);
  t.is(caller.export(idle.snapshot, 1).error, null);
  node.advance(25_000);
  t.is(caller.export(idle.snapshot, 1).error, null);
  node.advance(50_000);
  t.is(caller.export(idle.snapshot, 1).error, 'KV_NOT_FOUND');
});

test('an export is kept while its reader says so', (t) => {
  const { node, caller } = subject();
  for (const key of ['a', 'b', 'c']) caller.put(key, 'x');
  const first = caller.export(0, 1);
  for (let asked = 0; asked < 5; asked += 1) {
    node.advance(25_000);
    t.like(caller.export(first.snapshot, 0, 2), { error: null, snapshot: first.snapshot, last: false, text: '' });
  }
  const rest = caller.export(first.snapshot);
  t.like(rest, { error: null, last: true });
  t.is((first.text + rest.text).split('\n').length, 4);
  t.is(caller.export(first.snapshot, 0, 2).error, 'KV_NOT_FOUND');
  t.is(caller.export(first.snapshot, 0, 3).error, 'KV_BAD_REQUEST');
});

test('without memory to keep its state an export is given up, and the write goes on', (t) => {
  const { caller } = subject(2_000_000);
  const value = 'x'.repeat(10_000);
  for (let index = 0; index < 100; index += 1) caller.put(`key-${index}`, value);
  const { snapshot } = caller.export(0, 1);
  for (let index = 0; index < 100; index += 1) caller.put(`key-${index}`, value);
  t.is(caller.export(snapshot).error, 'KV_OUT_OF_MEMORY');
  t.is(caller.export(snapshot).error, 'KV_NOT_FOUND');
});

function hash(revision: bigint, timeLeftMs: number = PLENTY_MS): Buffer {
  return Buffer.concat([u32(timeLeftMs), u8(1), u16(0), u64(revision), u16(0)]);
}

test('a replica answers at the operation named, waits for one to come, and says when it has passed', (t) => {
  const { node, caller } = subject();
  caller.put('a', '1');
  const now = Buffer.from((caller.ask('HASH', hash(0n))[0] as DecodedFrame).body);
  t.is(now.readUInt8(0), 1);
  t.is(now.readUIntBE(9, 6), 1);
  const revision = now.readBigUInt64BE(1);
  t.true(now.equals((caller.ask('HASH', hash(revision))[0] as DecodedFrame).body));
  const other = new Caller(node);
  t.deepEqual(other.ask('HASH', hash(revision + 2n)), []);
  caller.put('b', '2');
  t.is(other.connection.received().length, 0);
  caller.put('c', '3');
  const reached = decodeChunks([other.connection.received()])[0]?.body as Uint8Array;
  t.is(reached[0], 1);
  t.is(Buffer.from(reached).readBigUInt64BE(1), revision + 2n);
  t.is(Buffer.from(reached).readUIntBE(9, 6), 3);
  const passed = Buffer.from((caller.ask('HASH', hash(revision))[0] as DecodedFrame).body);
  t.is(passed.readUInt8(0), 2);
  t.is(passed.readBigUInt64BE(1), revision + 2n);
  t.deepEqual(other.ask('HASH', hash(revision + 100n, 300)), []);
  node.advance(400);
  t.is((decodeChunks([other.connection.received()])[0] as DecodedFrame).body[0], 3);
});

test('bodies without their layout are refused, and the connection stays', (t) => {
  const { caller } = subject();
  const refused = (opcode: string, ...parts: Buffer[]): string | null =>
    answerOf(caller.ask(opcode, Buffer.concat(parts))).error;
  const none = bytes16(Buffer.alloc(0));
  t.is(refused('XPRT', u32(1)), 'KV_BAD_REQUEST');
  t.is(refused('XPRT', u32(1), u8(2), u16(0), u32(0), u32(0), none), 'KV_BAD_REQUEST');
  t.is(refused('XPRT', u32(1), u8(0), u16(1), u32(0), u32(0), none), 'KV_BAD_REQUEST');
  t.is(refused('XPRT', u32(1), u8(0), u16(0), u32(0), u32(0), u16(9)), 'KV_BAD_REQUEST');
  t.is(refused('XPRT', u32(0), u8(0), u16(0), u32(0), u32(0), none), 'KV_DEADLINE');
  t.is(refused('HASH', u32(1)), 'KV_BAD_REQUEST');
  t.is(refused('HASH', u32(1), u8(2), u16(0), u64(0n), none), 'KV_BAD_REQUEST');
  t.is(refused('HASH', u32(1), u8(1), u16(1), u64(0n), none), 'KV_BAD_REQUEST');
  t.is(refused('HASH', u32(1), u8(1), u16(0), u64(0n), bytes16(Buffer.from('k'))), 'KV_BAD_REQUEST');
  t.is(refused('HASH', u32(1), u8(0), u16(0), u64(0n), none), 'KV_BAD_KEY');
  t.is(refused('HASH', u32(0), u8(1), u16(0), u64(0n), none), 'KV_DEADLINE');
  t.is(caller.export().error, null);
});

test('a partition that is not served is neither exported nor compared, and its node says so at once', (t) => {
  const { node, caller } = subject();
  caller.put('a', '1');
  const none = bytes16(Buffer.alloc(0));
  const hashed = (): DecodedFrame[] =>
    caller.ask('HASH', Buffer.concat([u32(PLENTY_MS), u8(1), u16(0), u64(0n), none]));
  const primary = node.node.primaries[0];
  if (primary === null || primary === undefined) return t.fail('it is primary of nothing');
  primary.primary.frozen = true;
  t.is(caller.export().error, 'KV_NO_QUORUM');
  t.is(answerOf(hashed()).error, 'KV_NO_QUORUM');
  primary.primary.frozen = false;
  t.is(caller.export().error, null);
  t.is(hashed()[0]?.opcode, 'HSHD');
});
