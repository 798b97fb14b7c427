import test from 'ava';
import { giveBuffer, POOLED_BYTES_MIN, takeBuffer } from '../../src/protocol/buffer-pool.ts';

test.serial('a buffer has at least what was asked for, in powers of two', (t) => {
  t.deepEqual(
    [0, 1, POOLED_BYTES_MIN, POOLED_BYTES_MIN + 1, 5_000_000].map((bytes) => takeBuffer(bytes).length),
    [POOLED_BYTES_MIN, POOLED_BYTES_MIN, POOLED_BYTES_MIN, 2 * POOLED_BYTES_MIN, 8_388_608],
  );
});

test.serial('what was given back is lent again, to one at a time', (t) => {
  const buffer = takeBuffer(100_000);
  giveBuffer(buffer);
  t.is(takeBuffer(100_000), buffer);
  t.not(takeBuffer(100_000), buffer);
});

test.serial('a bounded number of each size is kept, and none that is very large', (t) => {
  const many = Array.from({ length: 100 }, () => takeBuffer(1024 * 1024));
  for (const buffer of many) giveBuffer(buffer);
  const again = Array.from({ length: 100 }, () => takeBuffer(1024 * 1024));
  t.is(again.filter((buffer) => many.includes(buffer)).length, 1);
  const huge = takeBuffer(2 * 1024 * 1024);
  giveBuffer(huge);
  t.not(takeBuffer(2 * 1024 * 1024), huge);
});

test.serial('what does not come from the pool is refused', (t) => {
  t.throws(() => giveBuffer(new Uint8Array(100)), { message: /it came from here/ });
});
