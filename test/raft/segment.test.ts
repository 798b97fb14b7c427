import test from 'ava';
import fc from 'fast-check';
import { noItems } from '../../src/raft/items.ts';
import type { EntryKind } from '../../src/raft/messages.ts';
import { decodeSegmentHeader, encodeRecord, encodeSegmentHeader, scanRecords } from '../../src/raft/segment.ts';
import { entry } from './support/messages.ts';

const number = fc.nat(2 ** 48 - 1);
const u32 = fc.nat(2 ** 32 - 1);
const ids = fc.array(number, { maxLength: 4 });
const items = fc.record({
  hardState: fc.option(fc.record({ term: number, vote: number, commit: number })),
  snapshot: fc.option(
    fc.record({
      index: number,
      term: number,
      file: u32,
      checksum: u32,
      bytes: u32,
      configuration: fc.record({ voters: ids, learners: ids }),
    }),
  ),
  truncateFrom: number,
  entries: fc
    .tuple(
      fc.nat(2 ** 47),
      fc.array(fc.record({ term: number, kind: fc.nat(2), data: fc.uint8Array({ maxLength: 50 }) }), { maxLength: 4 }),
    )
    .map(([first, list]) => list.map((one, place) => ({ ...one, kind: one.kind as EntryKind, index: first + place }))),
  movedTo: u32,
});

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

test('a header reads back; any flipped bit in it is noticed', (t) => {
  const header = { format: 1, segment: 7, cluster: 'Straße', node: 2 ** 40 };
  const bytes = encodeSegmentHeader(header);
  t.deepEqual(decodeSegmentHeader(bytes), { header, end: bytes.length });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const other = bytes.slice();
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    t.is(decodeSegmentHeader(other), null);
  }
  for (let length = 0; length < bytes.length; length += 1) t.is(decodeSegmentHeader(bytes.slice(0, length)), null);
});

test('records read back one after another', (t) => {
  fc.assert(
    fc.property(fc.array(items, { maxLength: 5 }), fc.uint8Array({ maxLength: 20 }), (list, before) => {
      const bytes = joined(before, ...list.map((one, place) => encodeRecord(place + 1, one)));
      const scanned = scanRecords(bytes, before.length);
      t.deepEqual(scanned.records, list);
      t.is(scanned.tail, 'clean');
      t.is(scanned.end, bytes.length);
    }),
  );
});

test('a record that is cut short is torn, at whatever length', (t) => {
  const whole = encodeRecord(1, noItems);
  const last = encodeRecord(2, { ...noItems, hardState: { term: 1, vote: 2, commit: 3 } });
  for (let length = 1; length < last.length; length += 1) {
    const scanned = scanRecords(joined(whole, last.slice(0, length)), 0);
    t.is(scanned.tail, 'torn');
    t.is(scanned.end, whole.length);
    t.is(scanned.records.length, 1);
  }
});

test('a file that was made longer and then not written is torn', (t) => {
  const whole = encodeRecord(1, noItems);
  t.is(scanRecords(joined(whole, new Uint8Array(700)), 0).tail, 'torn');
});

test('a flipped bit is damage in any record, and a bit of the end is no torn sector', (t) => {
  const first = encodeRecord(1, { ...noItems, entries: [entry(1, 1, 'a'), entry(2, 1, 'b')] });
  const bytes = joined(first, encodeRecord(2, { ...noItems, hardState: { term: 0, vote: 0, commit: 0 } }));
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const other = bytes.slice();
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    const scanned = scanRecords(other, 0);
    t.is(scanned.tail, 'damaged', `bit ${bit}`);
    t.is(scanned.damagedAt, bit >> 3 < first.length ? 0 : first.length);
  }
});

test('records out of order, doubled or of another place are damage', (t) => {
  const [one, two, three] = [1, 2, 3].map((sequence) => encodeRecord(sequence, noItems)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  for (const bytes of [joined(one, three), joined(one, two, two), joined(two), joined(one, one)]) {
    t.is(scanRecords(bytes, 0).tail, 'damaged');
  }
});
