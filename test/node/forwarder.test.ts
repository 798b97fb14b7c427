import test from 'ava';
import { FORWARDS_MAX, FORWARDS_PER_CALLER_MAX, Forwarder } from '../../src/node/forwarder.ts';
import { DecodeStatus, FrameDecoder } from '../../src/protocol/frame-decoder.ts';
import type { FrameWriter } from '../../src/protocol/frame-writer.ts';
import * as op from '../../src/protocol/opcode.ts';
import { frame, getk, u16, write } from '../helpers/bodies.ts';
import { decodeChunks } from '../helpers/decode.ts';
import { encoded } from '../helpers/encode.ts';
import { Caller } from './support/caller.ts';

/** The member that requests go to. */
const PRIMARY = 2;

/** A forwarder, its link to the primary, and one caller. */
class Forwarding {
  readonly forwarder = new Forwarder();
  readonly caller = new Caller();
  /** Numbers under which the primary got requests. */
  readonly numbers: number[] = [];
  /** Whose requests they were, as the primary was told. */
  readonly owners: string[] = [];

  /** Sends a request on; false when it was refused. */
  forward(
    messageId: number,
    opcode: number,
    body: Uint8Array,
    caller: Caller = this.caller,
    member = PRIMARY,
  ): boolean {
    let taken = false;
    const framed = Buffer.concat([Buffer.from('..'), body, Buffer.from('.')]);
    const bytes = encoded((link: FrameWriter) => {
      taken = this.forwarder.forward(caller, messageId, member, link, opcode, framed, 2, framed.length - 1);
    });
    const [owner, sent, ...others] = decodeChunks([bytes]);
    if (!taken) return false;
    if (owner?.opcode !== 'OWNR' || others.length > 0) throw new Error('a request goes out behind its OWNR');
    if (sent === undefined || !Buffer.from(sent.body).equals(body)) throw new Error('the body was changed');
    this.owners.push(Buffer.from(owner.body).toString('hex'));
    this.numbers.push(sent.messageId);
    return true;
  }

  /** The primary answers under `number`. */
  reply(number: number, opcode: string, body: Uint8Array, member = PRIMARY): void {
    const decoder = new FrameDecoder();
    decoder.push(frame(opcode, number, body));
    if (decoder.next() !== DecodeStatus.frame) throw new Error('no whole frame');
    this.forwarder.reply(member, decoder);
  }

  last(): number {
    return this.numbers.at(-1) as number;
  }
}

const put = write({ attachment: 1n, sequence: 1, key: 'k' });
const token = Buffer.alloc(8, 1);

test('a reply comes back under the number of its caller', (t) => {
  const forwarding = new Forwarding();
  const other = new Caller();
  t.true(forwarding.forward(7, op.GETK, getk('a')));
  t.true(forwarding.forward(7, op.GETK, getk('b'), other));
  t.not(forwarding.numbers[0], forwarding.numbers[1]);
  forwarding.reply(forwarding.numbers[1] as number, 'LKDK', token);
  t.deepEqual([forwarding.caller.read(), other.read()], [[], ['7 LKDK 16843009.16843009']]);
  forwarding.reply(forwarding.numbers[0] as number, 'FAIL', Buffer.concat([u16(13), Buffer.from('why')]));
  t.deepEqual(forwarding.caller.read(), ['7 FAIL KV_NO_QUORUM']);
  t.is(forwarding.caller.failure, 'why');
});

test('a reply comes once', (t) => {
  const forwarding = new Forwarding();
  forwarding.forward(7, op.PUTK, put);
  forwarding.reply(forwarding.last(), 'LKDK', token);
  forwarding.caller.read();
  forwarding.reply(forwarding.last(), 'LKDK', token);
  t.deepEqual(forwarding.caller.read(), []);
});

test('WAIT is not the last word', (t) => {
  const forwarding = new Forwarding();
  forwarding.forward(7, op.LCKK, put);
  forwarding.reply(forwarding.last(), 'WAIT', Buffer.alloc(0));
  forwarding.reply(forwarding.last(), 'LKDK', token);
  t.deepEqual(forwarding.caller.read(), ['7 WAIT', '7 LKDK 16843009.16843009']);
});

test('numbers are used again', (t) => {
  const forwarding = new Forwarding();
  forwarding.forward(7, op.PUTK, put);
  forwarding.reply(forwarding.last(), 'LKDK', token);
  forwarding.forward(8, op.PUTK, put);
  t.is(forwarding.numbers[1], forwarding.numbers[0]);
});

test('a reply of another member, or to nobody, is dropped', (t) => {
  const forwarding = new Forwarding();
  forwarding.forward(7, op.PUTK, put);
  forwarding.reply(forwarding.last(), 'LKDK', token, PRIMARY + 1);
  forwarding.reply(forwarding.last() + 1, 'LKDK', token);
  t.deepEqual(forwarding.caller.read(), []);
  forwarding.reply(forwarding.last(), 'LKDK', token);
  t.is(forwarding.caller.read().length, 1);
});

test('a reply to who has gone is dropped, and its number is free', (t) => {
  const forwarding = new Forwarding();
  forwarding.forward(7, op.PUTK, put);
  forwarding.caller.closed = true;
  forwarding.reply(forwarding.last(), 'LKDK', token);
  t.is(forwarding.caller.frames.length, 0);
  forwarding.forward(8, op.PUTK, put, new Caller());
  t.is(forwarding.numbers[1], forwarding.numbers[0]);
});

test('R24: when the link breaks reads did nothing, and of everything else nobody knows', (t) => {
  const forwarding = new Forwarding();
  const opcodes = [op.GETK, op.SCAN, op.PUTK, op.CASK, op.DELK, op.INCR, op.LCKK, op.ULKK, op.ATCH];
  for (const [index, opcode] of opcodes.entries()) forwarding.forward(index, opcode, put);
  forwarding.forwarder.linkLost(PRIMARY, '10.0.0.2:6234');
  const [first, second, ...others] = forwarding.caller.read();
  t.deepEqual([first, second], ['0 FAIL KV_NO_QUORUM', '1 FAIL KV_NO_QUORUM']);
  t.deepEqual(
    others,
    others.map((_, index) => `${index + 2} FAIL KV_AMBIGUOUS`),
  );
  t.is(others.length, opcodes.length - 2);
  t.regex(forwarding.caller.failure, /10\.0\.0\.2:6234/);
});

test('only what went to the member whose link broke is ended', (t) => {
  const forwarding = new Forwarding();
  const other = new Caller();
  forwarding.forward(7, op.PUTK, put);
  forwarding.forward(8, op.PUTK, put, other, PRIMARY + 1);
  forwarding.forwarder.linkLost(PRIMARY, 'x');
  t.deepEqual(other.read(), []);
  forwarding.reply(forwarding.last(), 'LKDK', token, PRIMARY + 1);
  t.is(other.read().length, 1);
});

test('so many requests and no more', (t) => {
  const forwarding = new Forwarding();
  const callers = Array.from({ length: FORWARDS_MAX / FORWARDS_PER_CALLER_MAX }, () => new Caller());
  const link = encoded((writer) => {
    for (let count = 0; count < FORWARDS_MAX; count += 1) {
      const caller = callers[count % callers.length] as Caller;
      if (!forwarding.forwarder.forward(caller, count, PRIMARY, writer, op.GETK, put, 0, 0)) t.fail(`${count}`);
    }
  });
  t.is(link.length, FORWARDS_MAX * 24, 'each behind its OWNR');
  t.false(forwarding.forward(1, op.GETK, put));
  t.deepEqual(forwarding.numbers, []);
  forwarding.reply(9, 'LKDK', token);
  t.true(forwarding.forward(1, op.GETK, put));
  t.is(forwarding.last(), 9);
});

test('one caller does not take all places', (t) => {
  const forwarding = new Forwarding();
  for (let count = 0; count < FORWARDS_PER_CALLER_MAX; count += 1) t.true(forwarding.forward(count, op.GETK, put));
  t.false(forwarding.forward(1, op.GETK, put));
  encoded((writer) => {
    t.true(forwarding.forwarder.forward(new Caller(), 1, PRIMARY, writer, op.GETK, put, 0, 0));
  });
  forwarding.reply(0, 'LKDK', token);
  t.true(forwarding.forward(1, op.GETK, put), 'an answer makes room');
});

test('the primary is told whose sessions each request speaks of', (t) => {
  const forwarding = new Forwarding();
  const [one, nobody] = [new Caller(), new Caller()];
  one.owner = '00112233445566ff';
  forwarding.forward(1, op.PUTK, put, one);
  forwarding.forward(2, op.PUTK, put, nobody);
  forwarding.forward(3, op.PUTK, put, one);
  t.deepEqual(forwarding.owners, ['00112233445566ff', '', '00112233445566ff']);
});
