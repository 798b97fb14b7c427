/** Acquire and release, of a free lock and of one that others wait for. */
import { Arena } from '../../../src/base/arena.ts';
import { LockMode } from '../../../src/base/lock-mode.ts';
import { AcquireOutcome, LockTable } from '../../../src/lock/lock-table.ts';
import { KEY_BYTES, keysOf, scattered } from '../data.ts';
import { check, type HotPath } from './path.ts';

const LOCKS = 1000;
/** Clients that queue for one lock. */
const WAITERS = 8;
const ROUNDS = 100;

export function lockTablePaths(): HotPath[] {
  return [
    { name: 'acquire and release a free lock', operations: LOCKS, run: free() },
    { name: `wait for a lock with ${WAITERS} others and get it`, operations: ROUNDS * WAITERS, run: contended() },
  ];
}

/** Half of the locks are held all the time. */
function free(): () => void {
  const table = new LockTable(new Arena());
  const keys = keysOf(scattered(2 * LOCKS, 2 ** 31));
  for (let lock = LOCKS; lock < 2 * LOCKS; lock++) acquire(table, keys, lock, 0, lock);
  let operation = 0;
  return () => {
    let granted = 0;
    for (let lock = 0; lock < LOCKS; lock++) {
      const at = lock * KEY_BYTES;
      if (acquire(table, keys, lock, lock & 63, ++operation) === AcquireOutcome.granted) granted++;
      table.release(table.firstGranted(table.find(keys, at, at + KEY_BYTES)), 1, ++operation, 0);
      table.forgetNews();
    }
    check(granted, LOCKS, 'locks granted');
    check(table.size, LOCKS, 'locks held');
    operation &= 0xfff_ffff;
  };
}

function contended(): () => void {
  const table = new LockTable(new Arena());
  const keys = keysOf([1]);
  const order = (WAITERS * (WAITERS - 1)) / 2;
  let operation = 0;
  return () => {
    let sum = 0;
    for (let round = 0; round < ROUNDS; round++) {
      acquire(table, keys, 0, WAITERS, ++operation);
      for (let waiter = 0; waiter < WAITERS; waiter++) acquire(table, keys, 0, waiter, ++operation);
      const slot = table.find(keys, 0, KEY_BYTES);
      for (let waiter = 0; waiter < WAITERS; waiter++) {
        table.forgetNews();
        table.release(table.firstGranted(slot), 1, ++operation, 0);
        const next = table.granted[0] as number;
        sum += table.firstGranted(slot) === next && table.requests.attachment(next) === waiter ? waiter : Number.NaN;
      }
      table.release(table.firstGranted(slot), 1, ++operation, 0);
    }
    check(sum, ROUNDS * order, 'waiters in their order');
    check(table.size + table.waiting, 0, 'locks held and waits left');
    operation &= 0xfff_ffff;
  };
}

function acquire(table: LockTable, keys: Uint8Array, lock: number, attachment: number, operation: number): number {
  const at = lock * KEY_BYTES;
  const request = table.requests.take(attachment, operation, LockMode.exclusive, 0);
  return table.acquire(keys, at, at + KEY_BYTES, request, 1, operation, 0, true);
}
