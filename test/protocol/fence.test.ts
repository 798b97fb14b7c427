/** L9: the fence at the end of a write. */
import test from 'ava';
import fc from 'fast-check';
import { fenceEpoch, fenceLength, fenceOperation, fenceTail, lockKeyEnd } from '../../src/protocol/fence.ts';
import * as bodies from '../helpers/bodies.ts';

test('what is written is read, wherever it stands', (t) => {
  const any = fc.property(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    (before, lockKey, token) => {
      const bytes = Buffer.concat([before, lockKey, fenceTail(token, lockKey.length)]);
      t.deepEqual(bytes.subarray(before.length), bodies.fence(token, lockKey), 'as PROTOCOL.md has it');
      t.is(fenceLength(bytes, before.length, bytes.length), bytes.length - before.length);
      t.is(lockKeyEnd(bytes.length), before.length + lockKey.length);
      const read = (BigInt(fenceEpoch(bytes, bytes.length)) << 32n) | BigInt(fenceOperation(bytes, bytes.length) >>> 0);
      t.is(read, token);
    },
  );
  t.notThrows(() => fc.assert(any));
});

test('one that does not fit is none', (t) => {
  const whole = bodies.fence(7n, 'lock');
  for (let from = 1; from <= whole.length; from += 1) t.is(fenceLength(whole, from, whole.length), -1);
  t.is(fenceLength(whole, 0, whole.length), whole.length);
});
