/** R12: what two nodes grant each other, and until when. */
import test from 'ava';
import { GRACE_MS, LEASE_MS, PeerLease } from '../../src/node/peer-lease.ts';

test('R12: the grantor waits longer than the holder may believe, however long the answer took', (t) => {
  // The longest lease that two clocks may make of it, each 1 % off, and what is spent between asking and granting.
  t.true(GRACE_MS >= (LEASE_MS * 1.01) / 0.99 + 50);
  const [holder, grantor] = [new PeerLease(), new PeerLease()];
  holder.received(1000, 7, 7);
  grantor.granted(1003);
  t.is(holder.untilMs, 1000 + LEASE_MS);
  t.is(grantor.grantedUntilMs, 1003 + GRACE_MS);
  t.true(grantor.grantedUntilMs > holder.untilMs);
});

test('R12: a grant counts once the holder has applied the version that its grantor had', (t) => {
  const lease = new PeerLease();
  lease.received(1000, 8, 7);
  t.is(lease.untilMs, Number.NEGATIVE_INFINITY);
  lease.bookApplied(7);
  t.is(lease.untilMs, Number.NEGATIVE_INFINITY);
  lease.bookApplied(8);
  t.is(lease.untilMs, 1000 + LEASE_MS);
});

test('a grant that waits takes nothing away from the one that counts, and an old answer shortens nothing', (t) => {
  const lease = new PeerLease();
  lease.received(1000, 7, 7);
  lease.received(1100, 8, 7);
  t.is(lease.untilMs, 1000 + LEASE_MS);
  lease.received(900, 7, 7);
  t.is(lease.untilMs, 1000 + LEASE_MS);
  lease.bookApplied(9);
  t.is(lease.untilMs, 1100 + LEASE_MS);
});

test('R12: what is void stays so until it is granted anew, what waits included', (t) => {
  const lease = new PeerLease();
  lease.received(1000, 7, 7);
  lease.received(1100, 8, 7);
  lease.void();
  lease.bookApplied(8);
  t.is(lease.untilMs, Number.NEGATIVE_INFINITY);
  lease.received(1200, 8, 8);
  t.is(lease.untilMs, 1200 + LEASE_MS);
});

test('R3, R12: another life has been granted nothing, but what its former one was granted is waited for', (t) => {
  const lease = new PeerLease();
  lease.heardSent = 5;
  lease.granted(1000);
  lease.received(1000, 7, 7);
  lease.restart();
  t.deepEqual([lease.heardSent, lease.untilMs], [0, Number.NEGATIVE_INFINITY]);
  t.is(lease.grantedUntilMs, 1000 + GRACE_MS);
});
