/** Counts of several threads, added. */
import test from 'ava';
import { KeyvalError } from '../../../src/errors.ts';
import { Tally } from '../../../tools/loadgen/tally.ts';

test('times, refusals and errors of all threads together', (t) => {
  const [one, other, all] = [new Tally(), new Tally(), new Tally()];
  for (let i = 1; i <= 99; i += 1) one.answered('get', 1000, true);
  other.answered('get', 5_000_000, true);
  other.answered('cas', 0, false);
  one.failed('put', new KeyvalError('KV_NO_QUORUM', 'first'));
  other.failed('put', new KeyvalError('KV_NO_QUORUM', 'second'));
  other.failed('put', new KeyvalError('KV_AMBIGUOUS', 'third'));
  all.add(one.counts);
  all.add(other.counts);
  t.is(all.operations, 101);
  t.is(all.errors, 3);
  t.is(all.counts.kinds.cas?.refused, 1);
  t.is(all.counts.kinds.get?.times.count, 100);
  t.is(all.counts.kinds.get?.times.percentile(50), 1000);
  t.true((all.counts.kinds.get?.times.max ?? 0) >= 5_000_000);
  t.deepEqual(
    all.counts.errors.map(({ kind, code, count, message }) => [kind, code, count, message]),
    [
      ['put', 'KV_NO_QUORUM', 2, 'first'],
      ['put', 'KV_AMBIGUOUS', 1, 'third'],
    ],
  );
});

test('a bug is not counted as an error of the cluster', (t) => {
  const bug = new TypeError('x is not a function');
  t.is(
    t.throws(() => new Tally().failed('get', bug)),
    bug,
  );
});
