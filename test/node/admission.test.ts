// L12: how many waits for locks there may be in a partition, of one session and of all.
import test from 'ava';
import { Arena } from '../../src/base/arena.ts';
import { LockMode } from '../../src/base/lock-mode.ts';
import { LockTable } from '../../src/lock/lock-table.ts';
import { WAITS_MAX, WAITS_PER_SESSION_MAX, waitsTooMuch } from '../../src/node/admission.ts';

const KEY = Buffer.from('hot');
const HOLDER = 0;

/** A lock that is held; `wait` puts a session in line. */
function heldLock(): { locks: LockTable; wait: (session: number) => void } {
  const locks = new LockTable(new Arena());
  let operation = 0;
  const wait = (session: number): void => {
    operation += 1;
    const request = locks.requests.take(session, operation, LockMode.exclusive, 0);
    locks.acquire(KEY, 0, KEY.length, request, 1, operation, 0, true);
  };
  wait(HOLDER);
  return { locks, wait };
}

test('L12: the waits of one session are bounded; another session may wait', (t) => {
  const { locks, wait } = heldLock();
  for (let waits = 0; waits < WAITS_PER_SESSION_MAX; waits += 1) {
    if (waitsTooMuch(locks, 1)) t.fail(`after ${waits} waits`);
    wait(1);
  }
  t.true(waitsTooMuch(locks, 1));
  t.false(waitsTooMuch(locks, 2));
});

test('L12: the waits of all sessions together are bounded', (t) => {
  const { locks, wait } = heldLock();
  const sessions = 2 * Math.ceil(WAITS_MAX / WAITS_PER_SESSION_MAX);
  for (let waits = 0; waits < WAITS_MAX; waits += 1) {
    if (waitsTooMuch(locks, sessions + 1)) t.fail(`after ${waits} waits`);
    wait(1 + (waits % sessions));
  }
  t.true(waitsTooMuch(locks, sessions + 1), 'who does not wait yet');
  locks.cancel(locks.firstWait(1), 1, WAITS_MAX + 2, 0);
  t.false(waitsTooMuch(locks, sessions + 1));
});
