/** A lock service that is right is accepted, whatever its clients do; one that forgets a rule is not. */

import test from 'ava';
import fc from 'fast-check';
import { KeyvalError } from '../../../../src/errors.ts';
import { judgeHistory } from '../../../../src/testing/checkers/index.ts';
import { generateLockHistory, type LockGeneratorOptions } from '../support/generated-locks.ts';
import { linesOf } from '../support/lines.ts';

const options: fc.Arbitrary<LockGeneratorOptions> = fc.record({
  seed: fc.nat(),
  operations: fc.integer({ min: 1, max: 300 }),
  sessions: fc.constantFrom(1, 2, 5, 12),
  locks: fc.constantFrom(1, 2, 5),
  lostShare: fc.constantFrom(0, 0.05, 0.3),
});

test('a lock service that is right is accepted', (t) => {
  const property = fc.property(options, (generated) => {
    const { verdict, violations } = judgeHistory(linesOf(generateLockHistory(generated)));
    t.is(verdict, 'linearizable', violations[0]?.why);
  });
  fc.assert(property, { numRuns: 300 });
});

test('a refusal turned into a grant is rejected while another surely holds the lock', (t) => {
  const history = generateLockHistory({ seed: 3, operations: 200, sessions: 5, locks: 1, lostShare: 0 });
  const refused = history.findIndex(({ f, o }) => f === 'acquire' && (o as { got: boolean }).got === false);
  const changed = history.with(refused, {
    ...(history[refused] as (typeof history)[0]),
    o: { got: true, token: 1000 },
  });
  t.is(judgeHistory(linesOf(changed)).verdict, 'violation');
});

test('an acquire without a lease length is malformed', (t) => {
  const lines = linesOf([{ f: 'acquire', a: { s: 's' }, call: 0, ret: 1, o: { got: true, token: 1 } }]);
  t.throws(() => judgeHistory(lines), {
    instanceOf: KeyvalError,
    code: 'KV_USAGE',
    message: /line 2: an acquire without "ttl"/,
  });
});
