import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { crc16, hashSlot, isPartitionCount, partitionOfSlot, partitionShift, SLOTS } from '../../src/base/hash-slot.ts';

const PARTITION_COUNTS = Array.from({ length: 15 }, (_, power) => 2 ** power);

function slotOf(key: string): number {
  const bytes = new TextEncoder().encode(key);
  return hashSlot(bytes, 0, bytes.length);
}

function crcOf(text: string): number {
  const bytes = new TextEncoder().encode(text);
  return crc16(bytes, 0, bytes.length);
}

/** The definition, bit by bit, to hold the table against. */
function crc16ByBits(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

test('CRC16/XMODEM: the check value of the Redis Cluster specification', (t) => {
  t.is(crcOf('123456789'), 0x31c3);
  t.is(crcOf(''), 0);
});

test('CRC16 agrees with its definition for any bytes', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => crc16(bytes, 0, bytes.length) === crc16ByBits(bytes)),
  );
  t.pass();
});

const SLOT_OF_KEY: ReadonlyArray<readonly [key: string, slot: number]> = [
  ['somekey', 11058],
  ['foo{hash_tag}', 2515],
  ['foo{}{bar}', 8363],
  ['foo{{bar}}zap', 4015],
  ['foo{bar}{zap}', 5061],
  ['{}foo', 9500],
];

for (const [key, slot] of SLOT_OF_KEY) test(`slot of ${key} is ${slot}`, (t) => t.is(slotOf(key), slot));

test('keys with the same tag share a slot', (t) => {
  t.is(slotOf('{user1000}.following'), slotOf('{user1000}.followers'));
  t.is(slotOf('a{user1000}b'), slotOf('user1000'));
  t.is(slotOf('foo{{bar}}zap'), slotOf('{bar'));
});

test('a brace that never closes, closes early or encloses nothing makes no tag', (t) => {
  for (const key of ['foo{bar', '{', 'foo{', '}', 'foo}bar', '}foo{', '{}', 'foo{}bar', 'foo{}{bar}']) {
    t.is(slotOf(key), crcOf(key) % SLOTS, key);
  }
});

test('only the range given is read', (t) => {
  const bytes = new TextEncoder().encode('xx{somekeyxx}');
  t.is(hashSlot(bytes, 3, 10), 11058);
  t.is(hashSlot(bytes, 2, 10), crcOf('{somekey') % SLOTS);
});

test('every slot falls into a partition, in contiguous ranges of equal length', (t) => {
  for (const partitions of PARTITION_COUNTS) {
    const slotsEach = SLOTS / partitions;
    const shift = partitionShift(partitions);
    for (let slot = 0; slot < SLOTS; slot++) {
      const partition = partitionOfSlot(slot, partitions);
      if (partition !== Math.floor(slot / slotsEach) || partition !== slot >>> shift)
        t.fail(`${slot} of ${partitions}`);
    }
  }
  t.pass();
});

test('a partition count is a power of two from 1 to 16384', (t) => {
  t.true(PARTITION_COUNTS.every(isPartitionCount));
  for (const wrong of [0, -1, 3, 255, 32_768, 1.5, Number.NaN, 2 ** 32]) {
    t.false(isPartitionCount(wrong), String(wrong));
    t.throws(() => partitionShift(wrong), { instanceOf: AssertionError });
  }
});
