/** The locks of a session by partition, and what most of them never need. */
import test from 'ava';
import { LockMode } from '../../src/base/lock-mode.ts';
import { Flows } from '../../src/client/flows.ts';
import { HeldLock, type LockOwner } from '../../src/client/held-lock.ts';
import { HeldLocks } from '../../src/client/held-locks.ts';
import { Operation } from '../../src/client/operation.ts';
import { LCKK } from '../../src/protocol/opcode.ts';

const random = { u32: () => 0, fill: (target: Uint8Array) => target.fill(1) };
const owner: LockOwner = { flows: new Flows(random), leaseHolds: () => true };

function heldIn(partition: number): HeldLock {
  const ignore = (): void => undefined;
  const request = new Operation(LCKK, 'key', null, 0, ignore, ignore);
  request.partition = partition;
  return new HeldLock(owner, request, null, 7n, LockMode.exclusive);
}

test('by partition, and all', (t) => {
  const held = new HeldLocks();
  const [a, b, c] = [heldIn(3), heldIn(3), heldIn(200)];
  for (const one of [a, b, c]) held.add(one);
  t.deepEqual([held.size, held.partitions()], [3, [3, 200]]);
  t.deepEqual(new Set(held.at(3)), new Set([a, b]));
  t.deepEqual([held.at(200), held.at(4)], [[c], []]);
  held.delete(c);
  held.delete(c);
  t.deepEqual([held.size, held.partitions(), held.at(200)], [2, [3], []]);
  t.deepEqual(new Set(held.all()), new Set([a, b]));
});

test('L4: a signal that is asked for after the loss has aborted, with its cause', (t) => {
  const lost = heldIn(1);
  lost.lose('lease', 'it ran out');
  t.true(lost.signal.aborted);
  t.is(lost.signal.reason, lost.loss?.error);
  const before = heldIn(1);
  const { signal } = before;
  t.false(signal.aborted);
  before.lose('lease', 'it ran out');
  t.true(signal.aborted);
  t.is(before.signal, signal);
});

test('L6: a release that failed aborts nothing', (t) => {
  const released = heldIn(1);
  released.state = 'released';
  released.staysLocked('release', 'it was refused', { code: 'KV_OVERLOADED' } as never);
  t.false(released.signal.aborted);
});
