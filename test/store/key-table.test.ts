import test from 'ava';
import fc from 'fast-check';
import { Arena } from '../../src/base/arena.ts';
import { valueFitsBlock } from '../../src/store/entry.ts';
import { bytesNeeded, KeyTable } from '../../src/store/key-table.ts';

const KEY_BYTES_MAX = 65_535;

interface Entry {
  key: Uint8Array;
  value: Uint8Array;
  epoch: number;
  operation: number;
  deadlineMs: number;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function put(table: KeyTable, entry: Entry): number {
  const { key, value, epoch, operation, deadlineMs } = entry;
  return table.put(key, 0, key.length, value, 0, value.length, epoch, operation, deadlineMs);
}

function putText(table: KeyTable, key: string, value: string, deadlineMs = 0): number {
  return put(table, { key: bytesOf(key), value: bytesOf(value), epoch: 1, operation: 1, deadlineMs });
}

function find(table: KeyTable, key: Uint8Array): number {
  return table.find(key, 0, key.length);
}

function readValue(table: KeyTable, slot: number): Uint8Array {
  const value = new Uint8Array(table.valueLength(slot));
  table.copyValue(slot, value, 0);
  return value;
}

function entryOf(table: KeyTable, slot: number): Entry {
  const key = new Uint8Array(table.keyLength(slot));
  table.copyKey(slot, key, 0);
  return {
    key,
    value: readValue(table, slot),
    epoch: table.epoch(slot),
    operation: table.operation(slot),
    deadlineMs: table.deadlineMs(slot),
  };
}

/** Few different keys, so that commands meet; NULs, beginnings of each other, and the longest. */
const anyKey = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 3, max: 2 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(16_384, 16_385, KEY_BYTES_MAX).map((length) => new Uint8Array(length).fill(7)),
  },
);
/** Empty, small, and lengths on both sides of where a value leaves the block of keys of these lengths. */
const anyLength = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 32_768 - 30, max: 32_768 }) },
  { weight: 1, arbitrary: fc.integer({ min: 16_384 - 30, max: 16_384 }) },
  { weight: 1, arbitrary: fc.constantFrom(100_000) },
);
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const command = fc.record({
  act: fc.constantFrom('put', 'put', 'put', 'putLarge', 'remove', 'expire'),
  key: anyKey,
  valueLength: anyLength,
  epoch: u32,
  operation: u32,
  deadlineMs: fc.constantFrom(0, 0, 10, 20, 30, 2 ** 41),
});

class Model {
  readonly arena = new Arena();
  readonly table = new KeyTable(this.arena);
  readonly entries = new Map<string, Entry>();
  readonly slots = new Map<string, number>();

  put(entry: Entry, large: boolean): void {
    const name = Buffer.from(entry.key).toString('latin1');
    const { key, epoch, operation, deadlineMs } = entry;
    const slot = large
      ? this.table.putLarge(key, 0, key.length, entry.value.slice(), epoch, operation, deadlineMs)
      : put(this.table, entry);
    if ((this.slots.get(name) ?? slot) !== slot) throw new Error('the slot of a key changed');
    this.slots.set(name, slot);
    this.entries.set(name, entry);
  }

  remove(slot: number): void {
    const name = Buffer.from(entryOf(this.table, slot).key).toString('latin1');
    this.table.remove(slot);
    this.slots.delete(name);
    this.entries.delete(name);
  }
}

function checkWhole(model: Model): void {
  const { table, entries, slots } = model;
  if (table.size !== entries.size) throw new Error('wrong size');
  const walked: number[] = [];
  for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) walked.push(slot);
  if (walked.join() !== [...slots.values()].sort((a, b) => a - b).join()) throw new Error('wrong walk');
  for (const [name, expected] of entries) {
    const found = entryOf(table, slots.get(name) as number);
    if (Buffer.compare(found.key, expected.key) !== 0) throw new Error('wrong key');
    if (Buffer.compare(found.value, expected.value) !== 0) throw new Error('wrong value');
    if (found.epoch !== expected.epoch || found.operation !== expected.operation) throw new Error('wrong revision');
    if (found.deadlineMs !== expected.deadlineMs) throw new Error('wrong deadline');
  }
  const deadlines = [...entries.values()].map((entry) => entry.deadlineMs).filter((at) => at !== 0);
  if (table.earliestDeadlineMs() !== Math.min(Number.POSITIVE_INFINITY, ...deadlines))
    throw new Error('wrong earliest');
}

test('it agrees with a Map through thousands of puts, removals and expiries', (t) => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 100, maxLength: 300, size: 'max' }), (commands) => {
      const model = new Model();
      const { table } = model;
      commands.forEach(({ act, key, valueLength, ...rest }, number) => {
        const slot = find(table, key);
        if (slot !== (model.slots.get(Buffer.from(key).toString('latin1')) ?? -1)) throw new Error('wrong slot');
        if (act === 'remove') {
          if (slot >= 0) model.remove(slot);
        } else if (act === 'expire') {
          const due = table.dueSlot(rest.deadlineMs);
          if (due >= 0) model.remove(due);
        } else {
          model.put({ key, value: new Uint8Array(valueLength).fill(number), ...rest }, act === 'putLarge');
        }
        if (number % 16 === 0) checkWhole(model);
      });
      checkWhole(model);
      for (const slot of [...model.slots.values()]) model.remove(slot);
      checkWhole(model);
      t.is(model.arena.usedBytes, 0);
    }),
    { numRuns: 40 },
  );
});

test('keys and values may be any bytes, at any offset', (t) => {
  const table = new KeyTable(new Arena());
  const bytes = Uint8Array.of(0, 0, 0, 255, 0, 13, 10, 0);
  const one = table.put(bytes, 0, 1, bytes, 2, 6, 1, 1, 0);
  const two = table.put(bytes, 0, 2, bytes, 8, 8, 1, 2, 0);
  t.not(one, two);
  t.deepEqual(readValue(table, one), Uint8Array.of(0, 255, 0, 13));
  t.deepEqual(readValue(table, two), new Uint8Array(0));
  t.is(table.find(bytes, 1, 3), two);
  t.is(table.find(bytes, 2, 4), -1);
});

test('a value is read in place', (t) => {
  const table = new KeyTable(new Arena());
  for (const length of [0, 5, 40_000]) {
    const slot = put(table, {
      key: bytesOf('k'),
      value: new Uint8Array(length).fill(9),
      epoch: 1,
      operation: 1,
      deadlineMs: 0,
    });
    const offset = table.valueOffset(slot);
    t.is(table.valueLength(slot), length);
    t.deepEqual(
      Uint8Array.from(table.valueChunk(slot).subarray(offset, offset + length)),
      new Uint8Array(length).fill(9),
    );
  }
});

test('a large value is kept by reference and stays whole when it is replaced or removed', (t) => {
  const table = new KeyTable(new Arena());
  const key = bytesOf('k');
  const first = new Uint8Array(40_000).fill(1);
  const slot = table.putLarge(key, 0, 1, first, 1, 1, 0);
  t.is(table.largeValue(slot), first);
  table.putLarge(key, 0, 1, new Uint8Array(40_000).fill(2), 1, 2, 0);
  t.true(first.every((byte) => byte === 1));
  const second = table.largeValue(slot) as Uint8Array;
  put(table, { key, value: bytesOf('small'), epoch: 1, operation: 3, deadlineMs: 0 });
  t.is(table.largeValue(slot), null);
  t.true(second.every((byte) => byte === 2));
});

test('a large value that was replaced no longer counts', (t) => {
  const table = new KeyTable(new Arena());
  const putBytes = (length: number) =>
    put(table, { key: bytesOf('k'), value: new Uint8Array(length), epoch: 1, operation: 1, deadlineMs: 0 });
  putBytes(10);
  const small = table.bytes;
  putBytes(40_000);
  const large = table.bytes;
  putBytes(50_000);
  t.is(table.bytes, large + 10_000);
  putBytes(10);
  t.is(table.bytes, small);
});

test('put copies a large value, so that the caller keeps its own', (t) => {
  const table = new KeyTable(new Arena());
  const value = new Uint8Array(40_000).fill(1);
  const slot = put(table, { key: bytesOf('k'), value, epoch: 1, operation: 1, deadlineMs: 0 });
  value.fill(2);
  t.true(readValue(table, slot).every((byte) => byte === 1));
});

test('a value lies in the block exactly when it fits', (t) => {
  const table = new KeyTable(new Arena());
  for (const keyLength of [1, 16_384, 16_385, KEY_BYTES_MAX]) {
    const key = new Uint8Array(keyLength);
    for (const length of [16_370, 16_371, 32_753, 32_754, 32_755, 70_000]) {
      const slot = put(table, { key, value: new Uint8Array(length), epoch: 1, operation: 1, deadlineMs: 0 });
      t.is(table.largeValue(slot) === null, valueFitsBlock(keyLength, length));
    }
  }
});

test('keys are compared with a prefix', (t) => {
  const table = new KeyTable(new Arena());
  const slot = putText(table, 'user:1', '');
  t.true(table.keyStartsWith(slot, bytesOf('user'), 0, 4));
  t.false(table.keyStartsWith(slot, bytesOf('uses'), 0, 4));
});

test('R23: a due key stays until it is removed, and a new deadline saves it', (t) => {
  const table = new KeyTable(new Arena());
  const slot = putText(table, 'k', 'v', 1000);
  const later = putText(table, 'l', 'v', 1001);
  t.is(table.dueSlot(999), -1);
  t.is(table.dueSlot(1000), slot);
  t.is(find(table, bytesOf('k')), slot);
  putText(table, 'k', 'v', 2000);
  t.is(table.dueSlot(1500), later);
  const slots = new Int32Array(4);
  t.is(table.dueSlots(2000, slots), 2);
  t.deepEqual([...slots], [later, slot, 0, 0]);
});

test('a put without a deadline takes the old one away', (t) => {
  const table = new KeyTable(new Arena());
  const slot = putText(table, 'k', 'v', 1000);
  putText(table, 'k', 'v');
  t.is(table.deadlineMs(slot), 0);
  t.is(table.dueSlot(5000), -1);
});

test('the deadline of a removed key does not fall on the next key of its slot', (t) => {
  const table = new KeyTable(new Arena());
  const slot = putText(table, 'k', 'v', 1000);
  table.remove(slot);
  t.is(putText(table, 'other', 'v'), slot);
  t.is(table.dueSlot(5000), -1);
  t.is(table.earliestDeadlineMs(), Number.POSITIVE_INFINITY);
});

test('bytes grow by less than was announced and fall back to the columns', (t) => {
  const size = fc.record({ length: anyLength, count: fc.integer({ min: 1, max: 40 }), deadlines: fc.boolean() });
  fc.assert(
    fc.property(size, ({ length, count, deadlines }) => {
      const table = new KeyTable(new Arena());
      let allowed = table.bytes + bytesNeeded(1, 0); // an empty table's first columns
      for (let number = 0; number < count; number++) {
        const key = bytesOf(`key ${number}`);
        put(table, {
          key,
          value: new Uint8Array(length),
          epoch: 1,
          operation: 1,
          deadlineMs: deadlines ? number + 1 : 0,
        });
        allowed += bytesNeeded(key.length, length);
        if (table.bytes > allowed) t.fail(`${table.bytes} > ${allowed} after ${number + 1} keys`);
      }
      if (table.bytes < count * (length + 5)) t.fail('less than the keys and values themselves');
      for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) table.remove(slot);
      if (table.bytes > 200 * (count + 10)) t.fail(`${table.bytes} bytes are left without a key`);
    }),
  );
  t.pass();
});

test('a long key counts', (t) => {
  const table = new KeyTable(new Arena());
  const before = table.bytes;
  put(table, { key: new Uint8Array(KEY_BYTES_MAX), value: new Uint8Array(1), epoch: 1, operation: 1, deadlineMs: 0 });
  t.true(table.bytes >= before + KEY_BYTES_MAX);
  t.true(bytesNeeded(KEY_BYTES_MAX, 1) >= table.bytes - before);
});

test('clear gives everything back', (t) => {
  const arena = new Arena();
  const table = new KeyTable(arena);
  const empty = table.bytes;
  for (let number = 0; number < 500; number++) putText(table, `${number}`, 'value', number + 1);
  put(table, { key: bytesOf('large'), value: new Uint8Array(50_000), epoch: 1, operation: 1, deadlineMs: 0 });
  table.clear();
  t.is(table.size, 0);
  t.is(table.bytes, empty);
  t.is(arena.usedBytes, 0);
  t.is(table.dueSlot(5000), -1);
  t.deepEqual(readValue(table, putText(table, 'large', 'v')), bytesOf('v'));
});
