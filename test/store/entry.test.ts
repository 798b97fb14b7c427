import test from 'ava';
import { BLOCK_BYTES_MAX } from '../../src/base/arena.ts';
import {
  ENTRY_HEADER_BYTES,
  readEpoch,
  readOperation,
  readValueLength,
  valueFitsBlock,
  writeEntryHeader,
} from '../../src/store/entry.ts';

/** What key-index.ts puts before a key. */
const KEY_LENGTH_BYTES = 2;

test('a header reads back, largest numbers included', (t) => {
  const bytes = new Uint8Array(20);
  writeEntryHeader(bytes, 5, 2 ** 32 - 1, 2 ** 31, 64 * 1024 * 1024);
  t.is(readEpoch(bytes, 5), 2 ** 32 - 1);
  t.is(readOperation(bytes, 5), 2 ** 31);
  t.is(readValueLength(bytes, 5), 64 * 1024 * 1024);
  t.deepEqual([...bytes.subarray(0, 5), ...bytes.subarray(5 + ENTRY_HEADER_BYTES)], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test('key, header and value fill a block to the last byte', (t) => {
  const room = BLOCK_BYTES_MAX - KEY_LENGTH_BYTES - ENTRY_HEADER_BYTES;
  t.true(valueFitsBlock(16, room - 16));
  t.false(valueFitsBlock(16, room - 15));
});

test('a key over 16 KiB lies outside the block and takes nothing from the value', (t) => {
  const room = BLOCK_BYTES_MAX - KEY_LENGTH_BYTES - ENTRY_HEADER_BYTES;
  t.true(valueFitsBlock(16_384, room - 16_384));
  t.false(valueFitsBlock(16_384, room - 16_383));
  t.true(valueFitsBlock(16_385, room));
  t.false(valueFitsBlock(65_535, room + 1));
});
