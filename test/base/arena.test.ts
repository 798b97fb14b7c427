import test from 'ava';
import fc from 'fast-check';
import { Arena, BLOCK_BYTES_MAX, blockBytes, CHUNK_BYTES } from '../../src/base/arena.ts';
import { AssertionError } from '../../src/base/assert.ts';

const BLOCKS_PER_CHUNK_MAX_CLASS = 8;

function fill(arena: Arena, ref: number, byte: number): void {
  arena.chunk(ref).fill(byte, arena.offset(ref), arena.offset(ref) + arena.capacity(ref));
}

function isFilledWith(arena: Arena, ref: number, byte: number): boolean {
  const block = arena.chunk(ref).subarray(arena.offset(ref), arena.offset(ref) + arena.capacity(ref));
  return block.every((found) => found === byte);
}

test('a class holds what was asked for and wastes at most a fifth, or 15 bytes', (t) => {
  let before = 16;
  for (let bytes = 0; bytes <= BLOCK_BYTES_MAX; bytes++) {
    const size = blockBytes(bytes);
    if (size < bytes || size % 16 !== 0 || size - bytes > Math.max(16, size / 5) || size < before) t.fail(`${bytes}`);
    before = size;
  }
  t.is(blockBytes(BLOCK_BYTES_MAX), BLOCK_BYTES_MAX);
});

test('a block has the capacity of its class and a ref that is an int32', (t) => {
  const arena = new Arena();
  for (const bytes of [0, 1, 16, 17, 64, 65, 80, 81, 1000, BLOCK_BYTES_MAX]) {
    const ref = arena.allocate(bytes);
    t.is(arena.capacity(ref), blockBytes(bytes));
    t.true(ref >= 0 && (ref | 0) === ref);
  }
});

test('live blocks never overlap, and the bytes in use are those of their classes', (t) => {
  const size = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: BLOCK_BYTES_MAX }));
  const step = fc.record({ size, free: fc.option(fc.nat()) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const arena = new Arena();
      const live: { ref: number; byte: number }[] = [];
      const freeAt = (index: number) => {
        const [block] = live.splice(index, 1) as [{ ref: number; byte: number }];
        if (!isFilledWith(arena, block.ref, block.byte)) throw new Error('another block wrote here');
        arena.free(block.ref);
      };
      steps.forEach((now, index) => {
        if (now.free !== null && live.length > 0) {
          freeAt(now.free % live.length);
        } else {
          const block = { ref: arena.allocate(now.size), byte: index & 255 };
          fill(arena, block.ref, block.byte);
          live.push(block);
        }
      });
      t.is(
        arena.usedBytes,
        live.reduce((sum, block) => sum + arena.capacity(block.ref), 0),
      );
      t.true(arena.reservedBytes >= arena.usedBytes);
      while (live.length > 0) freeAt(live.length - 1);
      t.is(arena.usedBytes, 0);
    }),
    { numRuns: 50 },
  );
});

test('a chunk is filled to its last block before another is opened', (t) => {
  const arena = new Arena();
  for (let count = 0; count < 16_384; count++) arena.allocate(16);
  t.is(arena.reservedBytes, CHUNK_BYTES);
  arena.allocate(16);
  t.is(arena.reservedBytes, 2 * CHUNK_BYTES);
});

test('a chunk that is free again serves another class', (t) => {
  const arena = new Arena();
  const refs = Array.from({ length: 100 }, () => arena.allocate(100));
  for (const ref of refs) arena.free(ref);
  const ref = arena.allocate(5000);
  fill(arena, ref, 1);
  t.is(arena.capacity(ref), blockBytes(5000));
  t.is(arena.reservedBytes, CHUNK_BYTES);
});

test('a freed block is taken again before memory that was never used', (t) => {
  const arena = new Arena();
  const first = arena.allocate(100);
  arena.allocate(100);
  arena.free(first);
  t.is(arena.allocate(100), first);
});

test('a hole in a full chunk is filled before another is opened', (t) => {
  const arena = new Arena();
  const refs = Array.from({ length: 2 * BLOCKS_PER_CHUNK_MAX_CLASS }, () => arena.allocate(BLOCK_BYTES_MAX));
  arena.free(refs[3] as number);
  t.is(arena.allocate(BLOCK_BYTES_MAX), refs[3] as number);
  t.is(arena.reservedBytes, 2 * CHUNK_BYTES);
});

test('chunks may run empty in any order', (t) => {
  const chunks = 6;
  const order = fc.shuffledSubarray(Array.from({ length: chunks }, (_, chunk) => chunk));
  fc.assert(
    fc.property(order, order, (holed, emptied) => {
      const arena = new Arena();
      const live = new Set<number>();
      const grab = () => live.add(arena.allocate(BLOCK_BYTES_MAX));
      const release = (ref: number) => live.delete(ref) && arena.free(ref);
      for (let count = 0; count < chunks * BLOCKS_PER_CHUNK_MAX_CLASS; count++) grab();
      const refs = [...live];
      for (const chunk of holed) release(refs[chunk * BLOCKS_PER_CHUNK_MAX_CLASS] as number);
      for (const chunk of emptied) {
        const from = chunk * BLOCKS_PER_CHUNK_MAX_CLASS;
        refs.slice(from, from + BLOCKS_PER_CHUNK_MAX_CLASS).forEach(release);
      }
      for (let count = live.size; count < chunks * BLOCKS_PER_CHUNK_MAX_CLASS; count++) grab();
      t.is(live.size, chunks * BLOCKS_PER_CHUNK_MAX_CLASS);
      t.is(arena.reservedBytes, chunks * CHUNK_BYTES);
    }),
  );
});

test('at most 16 empty chunks are kept; a place given back is used again', (t) => {
  const arena = new Arena();
  const grab = (chunks: number) =>
    Array.from({ length: chunks * BLOCKS_PER_CHUNK_MAX_CLASS }, () => arena.allocate(BLOCK_BYTES_MAX));
  const refs = grab(40);
  t.is(arena.reservedBytes, 40 * CHUNK_BYTES);
  for (const ref of refs) arena.free(ref);
  t.is(arena.reservedBytes, 16 * CHUNK_BYTES);
  const again = grab(40);
  t.is(arena.reservedBytes, 40 * CHUNK_BYTES);
  t.is(Math.max(...again), Math.max(...refs));
  again.forEach((ref, index) => {
    fill(arena, ref, index & 255);
  });
  t.true(again.every((ref, index) => isFilledWith(arena, ref, index & 255)));
});

test('what is no block in use cannot be freed', (t) => {
  const arena = new Arena();
  const ref = arena.allocate(64);
  for (const foreign of [-1, ref + 1, ref + 4, ref + 16_384, 2 ** 31 - 1]) {
    t.throws(() => arena.free(foreign), { instanceOf: AssertionError });
  }
  arena.free(ref);
  t.throws(() => arena.free(ref), { instanceOf: AssertionError });
  t.is(arena.usedBytes, 0);
});

test('a block of a chunk that went back cannot be freed', (t) => {
  const arena = new Arena();
  const refs = Array.from({ length: 20 * BLOCKS_PER_CHUNK_MAX_CLASS }, () => arena.allocate(BLOCK_BYTES_MAX));
  for (const ref of refs) arena.free(ref);
  for (const ref of refs) t.throws(() => arena.free(ref), { instanceOf: AssertionError });
});

test('a block larger than a class can hold is refused', (t) => {
  const arena = new Arena();
  t.throws(() => arena.allocate(BLOCK_BYTES_MAX + 1), { instanceOf: AssertionError });
  t.throws(() => arena.allocate(-1), { instanceOf: AssertionError });
});
