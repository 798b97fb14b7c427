/** What no peer that keeps the rules sends, on a link that is logged in: the link is closed, the node lives. Found by fuzzing. */
import test from 'ava';
import * as op from '../../src/protocol/opcode.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import { helloBody } from '../../tools/fuzz/targets/login.ts';
import { attachBody, writeBody } from '../../tools/fuzz/targets/request-seeds.ts';
import type { RecordingChannel } from '../../tools/fuzz/world/channel.ts';
import { bytes, frame, number } from '../../tools/fuzz/world/frames.ts';
import { FuzzedNode, MEMBERS } from '../../tools/fuzz/world/fuzzed-node.ts';
import { FIRST_EPOCH } from '../../tools/fuzz/world/manual-time.ts';

const SELF = 2;
const LIFE: Uint8Array = new Uint8Array(8).fill(1);

/** The links of one member, and a partition of which it is primary. */
class Links {
  readonly node: FuzzedNode = new FuzzedNode({ address: MEMBERS[SELF] as string, members: MEMBERS });
  readonly partition: number = this.node.node.primaryMembers.indexOf(0);
  readonly control: RecordingChannel = this.#link(1);
  readonly bulk: RecordingChannel = this.#link(2);
  #operation = 0;

  #link(role: number): RecordingChannel {
    const channel = this.node.connect();
    channel.receive(frame(op.HELO, 0, helloBody({ role, member: 0 })));
    this.node.endTurn();
    return channel;
  }

  /** The next entry, with everything before it committed. True when the link is still there. */
  entry(kind: number, body: Uint8Array, epoch = FIRST_EPOCH): boolean {
    this.#operation = kind === EntryKind.barrier ? 1 : this.#operation + 1;
    const numbers = [epoch, this.#operation, this.#operation - 1].map((value) => number(4, value));
    const record = bytes(number(2, this.partition), ...numbers, kind, number(6, 1000), body);
    this.control.receive(frame(op.APND, 0, LIFE, number(4, record.length), record));
    this.node.endTurn();
    return !this.control.ending;
  }

  /** A first epoch with a session. */
  begin(): this {
    this.entry(EntryKind.barrier, new Uint8Array(8));
    this.entry(EntryKind.attach, attachBody(this.partition).subarray(4));
    return this;
  }
}

const put = (parts: object = {}): Uint8Array => writeBody({ sequence: 1, payload: 'value', ...parts }).subarray(4);

test('entries with their layout are taken', (t) => {
  const links = new Links().begin();
  t.true(links.entry(EntryKind.put, put()));
  t.true(links.entry(EntryKind.increment, put({ key: 'n', sequence: 2, payload: number(8, 1) })));
  t.true(links.entry(EntryKind.expireKey, bytes(number(8, 0), number(2, 1), 'k')));
  t.true(links.entry(EntryKind.cancel, new Uint8Array(13)));
  t.true(links.entry(EntryKind.detach, new Uint8Array(8)));
  t.is(links.node.node.backups[links.partition]?.state.keys.size, 2);
});

for (const [title, kind, body] of [
  ['a write without a key', EntryKind.put, put({ key: '' })],
  ['a write whose key is cut off', EntryKind.put, put().subarray(0, 34)],
  ['a write that is cut off before its key', EntryKind.remove, put().subarray(0, 20)],
  ['an increment without a number', EntryKind.increment, put({ payload: 'short' })],
  ['an expiry without a key', EntryKind.expireKey, bytes(number(8, 0), number(2, 0))],
  ['an attachment whose name is cut off', EntryKind.attach, attachBody(0).subarray(4, -1)],
  ['a wait that is cut off', EntryKind.cancel, new Uint8Array(12)],
  ['a kind that there is not', 99, put()],
  ['a value in pieces that never came', EntryKind.put, put({ flags: 2, payload: number(8, 9) })],
] as const) {
  test(`${title}: the link is closed`, (t) => {
    const links = new Links().begin();
    t.false(links.entry(kind, body));
  });
}

test('a value in pieces is kept from the moment an entry names it', (t) => {
  const links = new Links().begin();
  links.bulk.receive(frame(op.STGE, 9, number(4, 9), number(4, 4), number(4, 0), 'abcd'));
  t.true(links.entry(EntryKind.put, put({ flags: 2, payload: bytes(number(4, 9), number(4, 4)) })));
  links.bulk.receive(frame(op.DROP, 9));
  t.true(links.entry(EntryKind.put, put({ key: 'other', sequence: 2 })));
  t.true(links.entry(EntryKind.put, put({ key: 'third', sequence: 3 })));
  t.is(links.node.node.backups[links.partition]?.state.keys.size, 2);
});

test('R15: a barrier that would cut off what is committed: the link is closed', (t) => {
  const links = new Links().begin();
  links.entry(EntryKind.put, put());
  links.entry(EntryKind.put, put({ sequence: 2 }));
  t.false(links.entry(EntryKind.barrier, bytes(number(4, FIRST_EPOCH), number(4, 1)), FIRST_EPOCH + 1));
});

test('an acknowledgement of what was never sent: the link is closed', (t) => {
  const links = new Links();
  const own = links.node.node.primaryMembers.indexOf(SELF);
  links.node.advance(600);
  const held = (operation: number): Uint8Array =>
    frame(op.ACKN, 0, LIFE, number(2, own), 0, number(4, FIRST_EPOCH), number(4, operation));
  links.control.receive(held(1));
  t.false(links.control.ending);
  links.control.receive(held(2));
  t.true(links.control.ending);
});
