import test from 'ava';
import fc from 'fast-check';
import { Arena } from '../../src/base/arena.ts';
import { AssertionError } from '../../src/base/assert.ts';
import { indexBytesNeeded, KEY_BYTES_MAX, KeyIndex, payloadBytesMax } from '../../src/base/key-index.ts';
import { keyedHash } from '../../src/base/keyed-hash.ts';

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function find(index: KeyIndex, key: Uint8Array): number {
  return index.find(key, 0, key.length);
}

function insert(index: KeyIndex, key: Uint8Array, payloadBytes = 0): number {
  return index.insert(key, 0, key.length, payloadBytes);
}

function keyOf(index: KeyIndex, slot: number): Uint8Array {
  const key = new Uint8Array(index.keyLength(slot));
  index.copyKey(slot, key, 0);
  return key;
}

function payloadOf(index: KeyIndex, slot: number, length: number): Uint8Array {
  const offset = index.payloadOffset(slot);
  return index.chunk(slot).subarray(offset, offset + length);
}

/** 65,535 bytes, and the lengths around which a key leaves its block. */
const longKey = fc
  .tuple(fc.constantFrom(16_383, 16_384, 16_385, KEY_BYTES_MAX), fc.integer({ min: 0, max: 3 }))
  .map(([length, byte]) => new Uint8Array(length).fill(byte));
/** Few enough to meet the same ones again, with NULs and one key the beginning of another. */
const shortKey = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 });
const anyKey = fc.oneof({ weight: 8, arbitrary: shortKey }, { weight: 1, arbitrary: longKey });

const command = fc.record({
  act: fc.constantFrom('insert', 'insert', 'remove', 'resize'),
  key: anyKey,
  payloadBytes: fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: payloadBytesMax(16_384) })),
});

test('it agrees with a Map through any inserts, removals and resizes', (t) => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300, size: 'max' }), (commands) => {
      const arena = new Arena();
      const index = new KeyIndex(arena);
      const model = new Map<string, { slot: number; payload: number; byte: number }>();
      const fillPayload = (slot: number, payload: number, byte: number) => payloadOf(index, slot, payload).fill(byte);
      commands.forEach(({ act, key, payloadBytes }, number) => {
        const name = Buffer.from(key).toString('latin1');
        const known = model.get(name);
        const byte = number & 255;
        t.is(find(index, key), known?.slot ?? -1);
        if (known === undefined) {
          if (act !== 'insert') return;
          const slot = insert(index, key, payloadBytes);
          fillPayload(slot, payloadBytes, byte);
          model.set(name, { slot, payload: payloadBytes, byte });
        } else if (act === 'remove') {
          index.remove(known.slot);
          model.delete(name);
        } else if (act === 'resize') {
          index.resizePayload(known.slot, payloadBytes);
          fillPayload(known.slot, payloadBytes, byte);
          model.set(name, { slot: known.slot, payload: payloadBytes, byte });
        }
      });
      t.is(index.size, model.size);
      for (const [name, { slot, payload, byte }] of model) {
        t.is(find(index, bytesOf(name)), slot);
        t.deepEqual(keyOf(index, slot), bytesOf(name));
        t.true(payloadOf(index, slot, payload).every((found) => found === byte));
        index.remove(slot);
      }
      t.is(index.size, 0);
      t.is(arena.usedBytes, 0);
    }),
    { numRuns: 60 },
  );
});

test('a slot stays while the index grows, and walking meets every key once', (t) => {
  const index = new KeyIndex(new Arena());
  const slots = Array.from({ length: 5000 }, (_, number) => insert(index, bytesOf(`key ${number}`), 8));
  slots.forEach((slot, number) => {
    t.is(find(index, bytesOf(`key ${number}`)), slot);
  });
  for (let number = 0; number < 5000; number += 3) index.remove(slots[number] as number);
  const walked: number[] = [];
  for (let slot = index.next(0); slot >= 0; slot = index.next(slot + 1)) walked.push(slot);
  t.deepEqual(
    walked,
    slots.filter((_, number) => number % 3 !== 0),
  );
  t.true(walked.every((slot) => slot < index.capacity));
});

test('a freed slot is used again before the capacity grows', (t) => {
  const index = new KeyIndex(new Arena());
  for (let number = 0; number < 4; number++) insert(index, bytesOf(`${number}`));
  const { capacity, bytes } = index;
  for (let round = 0; round < 1000; round++) {
    index.remove(find(index, bytesOf(`${round}`)));
    insert(index, bytesOf(`${round + 4}`));
  }
  t.is(index.capacity, capacity);
  t.is(index.bytes, bytes);
});

test('two keys of the same hash live side by side', (t) => {
  const [one, other] = keysOfOneHash();
  const index = new KeyIndex(new Arena());
  const slot = insert(index, one);
  t.is(find(index, other), -1);
  const otherSlot = insert(index, other);
  t.deepEqual([find(index, one), find(index, other)], [slot, otherSlot]);
  index.remove(slot);
  t.deepEqual([find(index, one), find(index, other)], [-1, otherSlot]);
});

/** By the birthday bound about 40 pairs of 600,000 keys share one of 2³² hashes. */
function keysOfOneHash(): [Uint8Array, Uint8Array] {
  const seen = new Map<number, number>();
  for (let number = 0; number < 600_000; number++) {
    const key = bytesOf(`${number}`.padStart(8));
    const hash = keyedHash(key, 0, key.length, new Arena().hashKey);
    const earlier = seen.get(hash);
    if (earlier !== undefined) return [bytesOf(`${earlier}`.padStart(8)), key];
    seen.set(hash, number);
  }
  throw new Error('no two keys share a hash');
}

test('a key is not taken for a longer one of the same hash that begins with it', (t) => {
  const arena = new Arena();
  const longer = Uint8Array.of(1, 2, 3, 4, 216, 151, 92, 56); // found by trying
  t.is(keyedHash(longer, 0, 4, arena.hashKey), keyedHash(longer, 0, 8, arena.hashKey));
  const index = new KeyIndex(arena);
  const slot = insert(index, longer);
  t.is(index.find(longer, 0, 4), -1);
  t.not(index.insert(longer, 0, 4, 0), slot);
});

test('a key is found at an offset and compared with a prefix', (t) => {
  const index = new KeyIndex(new Arena());
  const slot = insert(index, bytesOf('user:1'));
  t.is(index.find(bytesOf('<user:1>'), 1, 7), slot);
  t.true(index.keyStartsWith(slot, bytesOf('<user>'), 1, 5));
  t.true(index.keyStartsWith(slot, bytesOf('user:1'), 0, 6));
  t.true(index.keyStartsWith(slot, bytesOf(''), 0, 0));
  t.false(index.keyStartsWith(slot, bytesOf('user:12'), 0, 7));
  t.false(index.keyStartsWith(slot, bytesOf('users'), 0, 5));
});

test('a key may have 65,535 bytes and still a payload', (t) => {
  const arena = new Arena();
  const index = new KeyIndex(arena);
  const key = new Uint8Array(KEY_BYTES_MAX).fill(7);
  const slot = insert(index, key, payloadBytesMax(key.length));
  payloadOf(index, slot, payloadBytesMax(key.length)).fill(1);
  t.is(find(index, key), slot);
  t.true(index.keyStartsWith(slot, key, 0, 40_000));
  t.true(index.bytes > arena.usedBytes + key.length);
  index.remove(slot);
  t.is(find(index, key), -1);
});

test('bytes count blocks and columns and grow by less than was announced', (t) => {
  const size = fc.record({ key: fc.integer({ min: 1, max: 40 }), payload: fc.integer({ min: 0, max: 300 }) });
  fc.assert(
    fc.property(size, fc.integer({ min: 1, max: 300 }), ({ key, payload }, count) => {
      const index = new KeyIndex(new Arena());
      const empty = index.bytes;
      for (let number = 0; number < count; number++) {
        insert(index, bytesOf(`${number}`.padStart(Math.max(key, 3))), payload);
        const needed = indexBytesNeeded(Math.max(key, 3), payload);
        if (index.bytes > empty + (number + 1) * needed) t.fail(`after ${number + 1} keys`);
      }
    }),
  );
  t.pass();
});

test('clear gives all blocks back and the index can be used again', (t) => {
  const arena = new Arena();
  const index = new KeyIndex(arena);
  const empty = index.bytes;
  for (let number = 0; number < 1000; number++) insert(index, bytesOf(`${number}`), 100);
  const last = insert(index, new Uint8Array(KEY_BYTES_MAX));
  index.clear();
  t.throws(() => index.remove(last), { instanceOf: AssertionError });
  t.is(arena.usedBytes, 0);
  t.is(index.bytes, empty);
  t.is(index.next(0), -1);
  t.is(find(index, bytesOf('1')), -1);
  t.is(find(index, bytesOf('a')), -1);
  t.is(insert(index, bytesOf('a')), 0);
});

test('bugs of the caller crash', (t) => {
  const index = new KeyIndex(new Arena());
  const slot = insert(index, bytesOf('a'));
  const crashes = (act: () => void) => t.throws(act, { instanceOf: AssertionError });
  crashes(() => insert(index, bytesOf('a')));
  crashes(() => insert(index, bytesOf('')));
  crashes(() => insert(index, new Uint8Array(KEY_BYTES_MAX + 1)));
  crashes(() => index.resizePayload(slot, payloadBytesMax(1) + 1));
  index.remove(slot);
  crashes(() => index.remove(slot));
  crashes(() => index.remove(-1));
  crashes(() => index.resizePayload(slot, 1));
  crashes(() => index.remove(1000));
});
