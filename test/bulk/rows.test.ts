/** Packed rows: what is written is read, row by row. */
import test from 'ava';
import fc from 'fast-check';
import { hashSlot } from '../../src/base/hash-slot.ts';
import { ROW_HEAD_BYTES, RowReader, RowWriter, TTL_MS_LIMIT } from '../../src/bulk/rows.ts';

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly ttlMs: number;
  readonly line: number;
}

const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.record({
    key: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    value: fc.uint8Array({ maxLength: 300 }),
    ttlMs: fc.integer({ min: 0, max: TTL_MS_LIMIT - 1 }),
    line: fc.integer({ min: 0, max: 0xffff_ffff }),
  }),
);

/** Key and value lie somewhere in larger arrays. */
function pack(all: readonly Row[], writer: RowWriter): Uint8Array {
  for (const { key, value, ttlMs, line } of all) {
    const place = new Uint8Array([1, 2, ...key, 3, ...value, 4]);
    const valueStart = key.length + 3;
    writer.append(place, 2, 2 + key.length, place, valueStart, valueStart + value.length, ttlMs, line);
  }
  return writer.take();
}

function unpack(packed: Uint8Array): (Row & { slot: number })[] {
  const found: (Row & { slot: number })[] = [];
  const row = new RowReader(packed);
  while (row.next()) {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd, ttlMs, line, slot } = row;
    found.push({ key: bytes.slice(keyStart, keyEnd), value: bytes.slice(valueStart, valueEnd), ttlMs, line, slot });
  }
  return found;
}

test('what is packed is read', (t) => {
  fc.assert(
    fc.property(rows, (all) => {
      const expected = all.map((row) => ({ ...row, slot: hashSlot(row.key, 0, row.key.length) }));
      t.deepEqual(unpack(pack(all, new RowWriter(16))), expected);
    }),
  );
});

test('a writer begins anew after its rows were taken', (t) => {
  const writer = new RowWriter();
  const key = new Uint8Array([1]);
  pack([{ key, value: key, ttlMs: 0, line: 1 }], writer);
  t.is(writer.length, 0);
  t.is(writer.rows, 0);
  t.is(unpack(pack([{ key, value: key, ttlMs: 0, line: 2 }], writer))[0]?.line, 2);
});

test('a row that was begun and not ended is written over', (t) => {
  const writer = new RowWriter();
  writer.begin(10, 10, 1, 1);
  const packed = pack([{ key: new Uint8Array([7]), value: new Uint8Array(0), ttlMs: 0, line: 2 }], writer);
  t.is(packed.length, ROW_HEAD_BYTES + 1);
  t.is(unpack(packed)[0]?.line, 2);
});

test('rows that are cut off are noticed', (t) => {
  const packed = pack([{ key: new Uint8Array(5), value: new Uint8Array(5), ttlMs: 0, line: 1 }], new RowWriter());
  for (const length of [1, ROW_HEAD_BYTES, packed.length - 1]) {
    t.throws(() => unpack(packed.subarray(0, length)), { message: /packed rows end behind a whole row/ });
  }
});
