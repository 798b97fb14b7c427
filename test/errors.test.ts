/** The one error class, as a log or another process sees it. */
import test from 'ava';
import { KeyvalError } from '../src/errors.ts';

test('as JSON it has its message and everything else that is public', (t) => {
  const error = new KeyvalError('KV_CONFLICT', 'the key has another revision', { revision: 2n ** 63n });
  t.deepEqual(JSON.parse(JSON.stringify({ error })), {
    error: {
      name: 'KeyvalError',
      code: 'KV_CONFLICT',
      message: 'the key has another revision',
      outcome: 'not-done',
      retryable: false,
      exitCode: 4,
      revision: '9223372036854775808',
    },
  });
});

test('a deadlock has its circle, and no other error says that it has none', (t) => {
  const step = { session: '0', name: 'a', flow: 1, key: 'k', mode: 'exclusive', waitsMs: 5, isBehind: false };
  const error = new KeyvalError('KV_DEADLOCK', 'deadlock', { cycle: [step], outcome: 'unknown' });
  const { cycle, outcome, ...rest } = JSON.parse(JSON.stringify(error));
  t.deepEqual([cycle, outcome], [[step], 'unknown']);
  t.false('revision' in rest);
});
