/** What no peer that keeps the rules sends, on a link that is logged in: the link is closed, the node lives. Found by fuzzing. */
import test from 'ava';
import * as op from '../../src/protocol/opcode.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import { attachBody, writeBody } from '../../tools/fuzz/targets/request-seeds.ts';
import { bytes, frame, number } from '../../tools/fuzz/world/frames.ts';
import { PARTITION } from './support/partition.ts';
import { type LinkKind, Planes } from './support/planes.ts';

/** Slot 0 is primary of the partition, and hostile to slot 1; it has appended and committed its barrier, and nothing else. */
class Links {
  readonly planes: Planes = new Planes(2, 1);
  readonly epoch: number = this.planes.entry.epoch;
  #operation = 1;

  send(kind: LinkKind, to: number, bytesSent: Uint8Array): boolean {
    return this.planes.inject(kind, 1 - to, to, bytesSent);
  }

  get #life(): Uint8Array {
    return this.planes.node(0).incarnation;
  }

  /** The next entry, with everything before it committed. True when the link is still there. */
  entry(kind: number, body: Uint8Array, epoch: number = this.epoch): boolean {
    this.#operation = kind === EntryKind.barrier ? 1 : this.#operation + 1;
    return this.record(this.epoch, epoch, this.#operation, this.#operation - 1, bytes(kind, number(6, 1000), body));
  }

  record(configuration: number, epoch: number, operation: number, commit: number, entry: Uint8Array): boolean {
    const numbers = [configuration, epoch, operation, commit].map((value) => number(4, value));
    const record = bytes(number(2, PARTITION), ...numbers, entry);
    return this.send('control', 1, frame(op.APND, 0, this.#life, number(4, record.length), record));
  }

  begin(): this {
    this.entry(EntryKind.attach, attachBody(PARTITION).subarray(4));
    return this;
  }

  get keys(): number | undefined {
    return this.planes.node(1).kept?.state.keys.size;
  }

  /** The attachment is the entry behind the barrier. */
  put(
    parts: {
      readonly key?: string;
      readonly sequence?: number;
      readonly flags?: number;
      readonly payload?: string | Uint8Array;
    } = {},
  ): Uint8Array {
    const body = writeBody({ sequence: 1, payload: 'value', ...parts }).subarray(4);
    body.set(number(4, this.epoch), 0);
    body.set(number(4, 2), 4);
    return body;
  }
}

test('entries with their layout are taken', (t) => {
  const links = new Links().begin();
  t.true(links.entry(EntryKind.put, links.put()));
  t.true(links.entry(EntryKind.increment, links.put({ key: 'n', sequence: 2, payload: number(8, 1) })));
  t.true(links.entry(EntryKind.expireKey, bytes(number(8, 0), number(2, 1), 'k')));
  t.true(links.entry(EntryKind.cancel, new Uint8Array(13)));
  t.true(links.entry(EntryKind.detach, new Uint8Array(8)));
  t.is(links.keys, 2);
});

for (const [title, kind, make] of [
  ['a write without a key', EntryKind.put, (links) => links.put({ key: '' })],
  ['a write whose key is cut off', EntryKind.put, (links) => links.put().subarray(0, 34)],
  ['a write that is cut off before its key', EntryKind.remove, (links) => links.put().subarray(0, 20)],
  ['an increment without a number', EntryKind.increment, (links) => links.put({ payload: 'short' })],
  ['an expiry without a key', EntryKind.expireKey, () => bytes(number(8, 0), number(2, 0))],
  ['an attachment whose name is cut off', EntryKind.attach, () => attachBody(0).subarray(4, -1)],
  ['a wait that is cut off', EntryKind.cancel, () => new Uint8Array(12)],
  ['a kind that there is not', 99, (links) => links.put()],
  ['a value in pieces that never came', EntryKind.put, (links) => links.put({ flags: 2, payload: number(8, 9) })],
] as const satisfies readonly (readonly [string, number, (links: Links) => Uint8Array])[]) {
  test(`${title}: the link is closed`, (t) => {
    const links = new Links().begin();
    t.false(links.entry(kind, make(links)));
  });
}

test('a value in pieces is kept from the moment an entry names it', (t) => {
  const links = new Links().begin();
  links.send('bulk', 1, frame(op.STGE, 9, number(4, 9), number(4, 4), number(4, 0), 'abcd'));
  t.true(links.entry(EntryKind.put, links.put({ flags: 2, payload: bytes(number(4, 9), number(4, 4)) })));
  links.send('bulk', 1, frame(op.DROP, 9));
  t.true(links.entry(EntryKind.put, links.put({ key: 'other', sequence: 2 })));
  t.true(links.entry(EntryKind.put, links.put({ key: 'third', sequence: 3 })));
  t.is(links.keys, 2);
});

test('R15: a barrier that would cut off what is committed: the link is closed', (t) => {
  const links = new Links().begin();
  links.entry(EntryKind.put, links.put());
  links.entry(EntryKind.put, links.put({ sequence: 2 }));
  t.false(links.entry(EntryKind.barrier, bytes(number(4, links.epoch), number(4, 1)), links.epoch + 1));
});

test('R15: an entry that would go on otherwise where everything is committed long since cuts nothing off', (t) => {
  const links = new Links().begin();
  const { epoch } = links;
  const barrier = bytes(EntryKind.barrier, number(6, 1000), number(4, epoch), number(4, 2));
  t.true(links.record(epoch, epoch + 1, 1, 1, barrier));
  const next = links.planes.node(1).kept?.log.next;
  t.true(links.record(epoch, epoch, 3, 0, bytes(EntryKind.remove, number(6, 1000), links.put())));
  t.deepEqual([links.planes.node(1).kept?.log.next, links.planes.node(1).kept?.replica.commit], [next, next]);
});

test('R2: what belongs to another configuration than the book has is not taken, and harms nobody', (t) => {
  const links = new Links().begin();
  const { epoch } = links;
  const next = links.planes.node(1).kept?.log.next;
  const entry = bytes(EntryKind.put, number(6, 1000), links.put());
  for (const configuration of [0, epoch - 1, epoch + 1]) t.true(links.record(configuration, epoch, 3, 2, entry));
  t.is(links.planes.node(1).kept?.log.next, next);
});

function acknowledgement(links: Links, life: Uint8Array, operation: number, configuration = links.epoch): Uint8Array {
  const numbers = [configuration, links.epoch, operation].map((value) => number(4, value));
  return frame(op.ACKN, 0, life, number(2, PARTITION), 0, ...numbers);
}

test('an acknowledgement of what was never sent: the link is closed', (t) => {
  const links = new Links();
  const { incarnation } = links.planes.node(1);
  t.true(links.send('control', 0, acknowledgement(links, incarnation, 1)));
  t.false(links.send('control', 0, acknowledgement(links, incarnation, 2)));
});

test('R2, R3: acknowledgements of another life, or for another reign, count for nothing', (t) => {
  const links = new Links();
  const { incarnation } = links.planes.node(1);
  t.true(links.send('control', 0, acknowledgement(links, new Uint8Array(8).fill(99), 2)));
  t.true(links.send('control', 0, acknowledgement(links, incarnation, 2, links.epoch + 1)));
});

for (const [title, kind, sent] of [
  ['a heartbeat that is cut off', 'control', frame(op.BEAT, 0, new Uint8Array(8).fill(16), 0)],
  ['a question for a round that is cut off', 'control', frame(op.CONF, 1, number(4, 1))],
  ['a report that is cut off', 'control', frame(op.REPT, 0, number(2, PARTITION), number(4, 1), 2, number(2, 1))],
  ['a slice of a snapshot without its head', 'bulk', frame(op.SNAP, 0, number(4, 1))],
  ['an answer to a slice that is cut off', 'bulk', frame(op.SNPD, 0, number(4, 1))],
] as const) {
  test(`${title}: the link is closed`, (t) => {
    t.false(new Links().send(kind, 1, sent));
  });
}

test('R21: slices that are no snapshot are given up, and nothing is installed', (t) => {
  const links = new Links().begin();
  const next = links.planes.node(1).kept?.log.next;
  const head = bytes(number(2, PARTITION), number(4, links.epoch), number(4, 77));
  for (const slice of [new Uint8Array(0), new Uint8Array(100), new Uint8Array(100).fill(255)]) {
    t.true(links.send('bulk', 1, frame(op.SNAP, 0, head, slice)));
  }
  t.is(links.planes.node(1).kept?.log.next, next);
  t.true(links.entry(EntryKind.put, links.put()));
});
