import test from 'ava';
import { Arena } from '../../src/base/arena.ts';
import { AcquireOutcome, LockTable } from '../../src/lock/lock-table.ts';

const { granted, queued, busy } = AcquireOutcome;
const NONE = -1;
const ANNA = 0;
const BERT = 1;
const CARL = 2;

/** A table whose operations count up by themselves; requests are told apart by their sequence. */
class Locks {
  readonly table = new LockTable(new Arena());
  operation = 0;

  acquire(key: string, attachment: number, sequence: number, mayWait = true): number {
    const bytes = Buffer.from(`..${key}.`);
    this.operation += 1;
    const { operation } = this;
    return this.table.acquire(
      bytes,
      2,
      bytes.length - 1,
      attachment,
      sequence,
      9,
      operation,
      1000 + operation,
      mayWait,
    );
  }

  slot(key: string): number {
    const bytes = Buffer.from(key);
    return this.table.find(bytes, 0, bytes.length);
  }

  /** Gives the waiter that holds it now, or −1. */
  release(key: string): number {
    this.operation += 1;
    return this.table.release(this.slot(key), 9, this.operation, 1000 + this.operation);
  }

  holder(key: string): string | null {
    const slot = this.slot(key);
    if (slot < 0) return null;
    return `${this.table.holder(slot)}:${this.table.holderSequence(slot)} token 9.${this.table.tokenOperation(slot)}`;
  }

  waiters(key: string): string[] {
    const found: string[] = [];
    const { table } = this;
    const slot = this.slot(key);
    if (slot < 0) return found;
    for (let waiter = table.firstWaiter(slot); waiter !== NONE; waiter = table.waiterAfter(waiter)) {
      found.push(`${table.waiterAttachment(waiter)}:${table.waiterSequence(waiter)}`);
    }
    return found;
  }
}

test('L1: one holder at a time', (t) => {
  const locks = new Locks();
  t.is(locks.acquire('a', ANNA, 1), granted);
  t.is(locks.acquire('a', BERT, 1), queued);
  t.is(locks.acquire('a', ANNA, 2), queued);
  t.is(locks.acquire('b', BERT, 2), granted);
  t.is(locks.holder('a'), '0:1 token 9.1');
  t.is(locks.holder('b'), '1:2 token 9.4');
  t.is(locks.table.size, 2);
  t.is(locks.table.waiting, 2);
});

test('L2: the token is the operation that granted, to a waiter too', (t) => {
  const locks = new Locks();
  locks.acquire('a', ANNA, 1);
  locks.acquire('a', BERT, 7);
  locks.release('a');
  t.is(locks.holder('a'), '1:7 token 9.3');
  t.is(locks.table.sinceMs(locks.slot('a')), 1003);
  t.is(locks.table.tokenEpoch(locks.slot('a')), 9);
});

test('L2: epochs above 2³¹ are kept as they are', (t) => {
  const { table } = new Locks();
  const key = Buffer.from('a');
  table.acquire(key, 0, 1, ANNA, -5, 2 ** 32 - 1, 2 ** 31 - 1, 0, false);
  const slot = table.find(key, 0, 1);
  t.is(table.tokenEpoch(slot), 2 ** 32 - 1);
  t.is(table.tokenOperation(slot), 2 ** 31 - 1);
  t.is(table.holderSequence(slot), -5);
});

test('L5: who does not wait leaves nothing behind', (t) => {
  const locks = new Locks();
  locks.acquire('a', ANNA, 1);
  t.is(locks.acquire('a', BERT, 1, false), busy);
  t.is(locks.table.waiting, 0);
  t.is(locks.table.waiterOf(BERT, 1), NONE);
  t.is(locks.acquire('b', BERT, 2, false), granted);
});

test('L5: waiters are served first come first served', (t) => {
  const locks = new Locks();
  locks.acquire('a', ANNA, 1);
  locks.acquire('a', CARL, 1);
  const carl = locks.table.queuedWaiter;
  locks.acquire('a', BERT, 1);
  t.deepEqual(locks.waiters('a'), ['2:1', '1:1']);
  t.is(locks.release('a'), carl);
  t.is(locks.table.waiterAttachment(carl), CARL);
  t.is(locks.table.waiterSequence(carl), 1);
  t.deepEqual(locks.waiters('a'), ['1:1']);
  locks.release('a');
  t.is(locks.holder('a'), '1:1 token 9.5');
  t.is(locks.release('a'), NONE);
  t.is(locks.holder('a'), null);
  t.is(locks.table.size, 0);
});

test('L5: a wait that is cancelled leaves nothing behind', (t) => {
  const locks = new Locks();
  locks.acquire('a', ANNA, 1);
  for (const who of [BERT, CARL, BERT]) locks.acquire('a', who, locks.operation);
  const { table } = locks;
  table.cancel(table.waiterOf(CARL, 2));
  t.deepEqual(locks.waiters('a'), ['1:1', '1:3']);
  t.is(table.waiterOf(CARL, 2), NONE);
  t.is(table.firstWait(CARL), NONE);
  t.is(table.waiting, 2);
  locks.release('a');
  t.is(locks.holder('a'), '1:1 token 9.5');
});

test('L5: a wait is found by its session and sequence, and a grant by the request it answers', (t) => {
  const locks = new Locks();
  const { table } = locks;
  locks.acquire('a', ANNA, 1);
  locks.acquire('b', ANNA, 2);
  locks.acquire('a', BERT, 5);
  locks.acquire('b', BERT, 6);
  t.is(table.waiterLock(table.waiterOf(BERT, 6)), locks.slot('b'));
  t.is(table.waiterOf(BERT, 1), NONE);
  t.is(table.heldFor(ANNA, 2), locks.slot('b'));
  t.is(table.heldFor(ANNA, 6), NONE);
  locks.release('b');
  t.is(table.waiterOf(BERT, 6), NONE);
  t.is(table.heldFor(BERT, 6), locks.slot('b'));
});

test('L6: a session finds all that it holds and waits for, oldest first', (t) => {
  const locks = new Locks();
  const { table } = locks;
  for (const [index, key] of ['a', 'b', 'c'].entries()) locks.acquire(key, ANNA, index);
  locks.acquire('d', BERT, 1);
  locks.acquire('d', ANNA, 3);
  t.is(table.firstHeld(ANNA), locks.slot('a'));
  locks.release('a');
  t.is(table.firstHeld(ANNA), locks.slot('b'));
  t.is(table.firstWait(ANNA), table.waiterOf(ANNA, 3));
  t.is(table.firstHeld(CARL), NONE);
  t.is(table.firstWait(CARL), NONE);
});

test('what is free cannot be released or cancelled', (t) => {
  const locks = new Locks();
  locks.acquire('a', ANNA, 1);
  locks.acquire('a', BERT, 1);
  const { table } = locks;
  const waiter = table.waiterOf(BERT, 1);
  table.cancel(waiter);
  t.throws(() => table.cancel(waiter), { name: 'AssertionError' });
  const slot = locks.slot('a');
  locks.release('a');
  t.throws(() => table.release(slot, 9, 9, 0), { name: 'AssertionError' });
});

test('locks and waits that come and go use the same memory all the time', (t) => {
  const locks = new Locks();
  const { table } = locks;
  locks.acquire('a', ANNA, 1);
  locks.acquire('a', BERT, 1);
  const { bytes } = table;
  for (let count = 0; count < 1000; count += 1) {
    locks.release('a');
    locks.acquire('a', count % 2 === 0 ? ANNA : BERT, count);
  }
  t.is(table.bytes, bytes);
  t.is(table.waiting, 1);
});

test('held locks are listed with their keys', (t) => {
  const locks = new Locks();
  for (let index = 0; index < 100; index += 1) locks.acquire(`key ${index}`, index % 3, index);
  const { table } = locks;
  const found = new Set<string>();
  for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
    const key = Buffer.alloc(table.keyLength(slot));
    table.copyKey(slot, key, 0);
    found.add(`${key}`);
    t.is(`key ${table.holderSequence(slot)}`, `${key}`);
  }
  t.is(found.size, 100);
  t.true(table.bytes > 0);
});
