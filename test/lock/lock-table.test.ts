/** The lock table by example: L1, L2, L5, L6, L12. Modes and conversions: lock-conversions.test.ts. */
import test from 'ava';
import { LockMode } from '../../src/base/lock-mode.ts';
import { NamedLocks } from './support/named-locks.ts';

const NONE = -1;
const ANNA = 0;
const BERT = 1;
const CARL = 2;

test('L1: one holder at a time', (t) => {
  const locks = new NamedLocks();
  t.is(locks.acquire('a', 'anna'), 'granted');
  t.is(locks.acquire('a', 'bert'), 'queued');
  t.is(locks.acquire('a', 'anna'), 'queued');
  t.is(locks.acquire('b', 'bert'), 'granted');
  t.deepEqual(locks.holders('a'), ['anna write 1']);
  t.deepEqual(locks.holders('b'), ['bert write 4']);
  t.is(locks.table.size, 2);
  t.is(locks.table.waiting, 2);
});

test('L2: the token is the operation that granted, to a waiter too', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna');
  locks.acquire('a', 'bert');
  locks.release('a', 'anna');
  t.deepEqual(locks.holders('a'), ['bert write 3']);
  const held = locks.grantOf('a', 'bert');
  t.is(locks.table.requests.sinceMs(held), 1003);
  t.is(locks.table.requests.tokenEpoch(held), 9);
});

test('L2: epochs above 2³¹ are kept as they are', (t) => {
  const { table } = new NamedLocks();
  const key = Buffer.from('a');
  const request = table.requests.take(ANNA, -5, LockMode.exclusive, 2 ** 32 - 1);
  table.acquire(key, 0, 1, request, 2 ** 32 - 1, 2 ** 31 - 1, 0, false);
  t.is(table.requests.tokenEpoch(request), 2 ** 32 - 1);
  t.is(table.requests.tokenOperation(request), 2 ** 31 - 1);
  t.is(table.requests.sequence(request), -5);
  t.is(table.requests.flow(request), 2 ** 32 - 1);
  const slot = table.find(key, 0, 1);
  t.is(table.holding(slot, ANNA, 2 ** 32 - 1, 2 ** 31 - 1, 0), request);
  t.true(table.isHeldUnder(slot, 2 ** 32 - 1, 2 ** 31 - 1));
  t.false(table.isHeldUnder(slot, 1, 2 ** 31 - 1));
});

test('L5: who does not wait leaves nothing behind', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna');
  t.is(locks.attempt('a', 'bert'), 'busy');
  t.is(locks.table.waiting, 0);
  t.is(locks.table.waiterOf(BERT, 2), NONE);
  t.deepEqual(locks.table.requests.freed, [locks.last]);
  t.is(locks.attempt('b', 'bert'), 'granted');
});

test('L5: waiters are served first come first served', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'carl', 'bert']) locks.acquire('a', who);
  t.deepEqual(locks.waiters('a'), ['carl write', 'bert write']);
  locks.release('a', 'anna');
  t.deepEqual(locks.news, ['carl write']);
  t.deepEqual(locks.waiters('a'), ['bert write']);
  locks.release('a', 'carl');
  t.deepEqual(locks.holders('a'), ['bert write 5']);
  locks.release('a', 'bert');
  t.deepEqual(locks.news, []);
  t.deepEqual(locks.holders('a'), []);
  t.is(locks.table.size, 0);
});

test('L5: a wait that is cancelled leaves nothing behind', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'bert', 'carl', 'bert']) locks.acquire('a', who);
  const { table } = locks;
  const carl = locks.waitOf('a', 'carl');
  locks.cancel('a', 'carl');
  t.deepEqual(table.ended.slice(0, table.endedCount), [carl]);
  t.deepEqual(locks.waiters('a'), ['bert write', 'bert write']);
  t.is(table.waiterOf(CARL, 3), NONE);
  t.is(table.firstWait(CARL), NONE);
  t.is(table.waiting, 2);
  t.is(table.waitsOf(CARL), 0);
  locks.release('a', 'anna');
  t.deepEqual(locks.holders('a'), ['bert write 6']);
});

test('L5: when the first of the queue gives up, those behind it may be let in', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'write');
  locks.acquire('a', 'carl', 'read');
  locks.acquire('a', 'dora', 'read');
  locks.cancel('a', 'bert');
  t.deepEqual(locks.news, ['carl read', 'dora read']);
  t.deepEqual(locks.holders('a'), ['anna read 1', 'carl read 5', 'dora read 5']);
});

test('L5: a wait is found by its session and sequence, and a grant by the request it answers', (t) => {
  const locks = new NamedLocks();
  const { table } = locks;
  locks.acquire('a', 'anna');
  locks.acquire('b', 'anna');
  locks.acquire('a', 'bert');
  locks.acquire('b', 'bert');
  const bert = locks.last;
  t.is(table.waiterOf(BERT, 4), bert);
  t.is(table.requests.lock(bert), locks.slot('b'));
  t.is(table.waitSequence(bert), 4);
  t.is(table.waiterOf(BERT, 1), NONE);
  t.is(table.heldFor(ANNA, 2), locks.grantOf('b', 'anna'));
  t.is(table.heldFor(ANNA, 4), NONE);
  locks.release('b', 'anna');
  t.is(table.waiterOf(BERT, 4), NONE);
  t.is(table.heldFor(BERT, 4), bert, 'the request keeps its number');
});

test('L6: a session finds all that it holds and waits for, oldest first', (t) => {
  const locks = new NamedLocks();
  const { table } = locks;
  for (const key of ['a', 'b', 'c']) locks.acquire(key, 'anna');
  locks.acquire('d', 'bert');
  locks.acquire('d', 'anna');
  t.is(table.firstHeld(ANNA), locks.grantOf('a', 'anna'));
  t.is(table.heldAfter(table.firstHeld(ANNA)), locks.grantOf('b', 'anna'));
  locks.release('a', 'anna');
  t.is(table.firstHeld(ANNA), locks.grantOf('b', 'anna'));
  t.is(table.firstWait(ANNA), locks.waitOf('d', 'anna'));
  t.is(table.firstHeld(CARL), NONE);
  t.is(table.firstWait(CARL), NONE);
});

test('L6: a lock is let go of by session and token, and by the request too when it is not exclusive', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'bert');
  locks.acquire('a', 'anna', 'read');
  const first = locks.last;
  locks.acquire('a', 'anna', 'read');
  const second = locks.last;
  locks.release('a', 'bert'); // both are granted under token 4
  const holding = (who: number, token: number, sequence: number): number =>
    locks.table.holding(locks.slot('a'), who, 9, token, sequence);
  t.is(holding(ANNA, 4, 2), first);
  t.is(holding(ANNA, 4, 3), second);
  t.is(holding(ANNA, 4, 0), NONE);
  t.is(holding(ANNA, 4, 1), NONE);
  t.is(holding(ANNA, 3, 2), NONE);
  t.is(holding(BERT, 4, 2), NONE);
});

test('what is free cannot be released or cancelled', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna');
  locks.acquire('a', 'bert');
  const { table } = locks;
  const waiter = locks.waitOf('a', 'bert');
  locks.cancel('a', 'bert');
  t.throws(() => table.cancel(waiter, 9, 9, 0), { name: 'AssertionError' });
  const held = locks.grantOf('a', 'anna');
  locks.release('a', 'anna');
  t.throws(() => table.requests.free(held), { name: 'AssertionError' });
});

test('locks and waits that come and go use the same memory all the time', (t) => {
  const locks = new NamedLocks();
  const { table } = locks;
  locks.acquire('a', 'anna');
  locks.acquire('a', 'bert');
  const { bytes } = table;
  for (let count = 0; count < 1000; count += 1) {
    const [holder, other] = count % 2 === 0 ? ['anna', 'bert'] : ['bert', 'anna'];
    locks.release('a', holder as string);
    locks.acquire('a', holder as string);
    t.deepEqual(locks.waiters('a'), [`${holder} write`]);
    t.regex(locks.holders('a').join(), new RegExp(`^${other}`));
  }
  t.is(table.bytes, bytes);
  t.is(table.waiting, 1);
});

test('held locks are listed with their keys', (t) => {
  const locks = new NamedLocks();
  for (let index = 0; index < 100; index += 1) locks.acquire(`key ${index}`, 'anna');
  const { table } = locks;
  const found = new Set<string>();
  for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
    const key = Buffer.alloc(table.keyLength(slot));
    table.copyKey(slot, key, 0);
    found.add(`${key}`);
    t.is(`key ${table.requests.sequence(table.firstGranted(slot)) - 1}`, `${key}`);
  }
  t.is(found.size, 100);
  t.true(table.bytes > 0);
});

test('L12: who has brought it about that it must be looked for is charged', (t) => {
  const { table } = new NamedLocks();
  const key = Buffer.from('l');
  for (let held = 0; held < 4096; held += 1) {
    const request = table.requests.take(0, held % 4095, LockMode.null, 0);
    table.acquire(key, 0, 1, request, 9, held + 1, 0, false);
  }
  t.is(table.looksFor(0), 4096, 'two are held under one sequence');
});
