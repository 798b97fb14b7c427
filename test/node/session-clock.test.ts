import test from 'ava';
import { CLOCK_DRIFT, CLOCK_SLACK_MS, leaseHasRunOut } from '../../src/node/session-clock.ts';

test('L3: a lease has run out after ttl·(1+ρ)+δ, not before', (t) => {
  for (const [leaseMs, endMs] of [
    [100, 151],
    [10_000, 10_150],
    [60_000, 60_650],
  ] as const) {
    t.is(leaseMs * (1 + CLOCK_DRIFT) + CLOCK_SLACK_MS, endMs);
    const renewedAtMs = 123_456;
    t.false(leaseHasRunOut(leaseMs, renewedAtMs, renewedAtMs));
    t.false(leaseHasRunOut(leaseMs, renewedAtMs, renewedAtMs + endMs));
    t.true(leaseHasRunOut(leaseMs, renewedAtMs, renewedAtMs + endMs + 0.5));
  }
});

test('L4: the holder has given up before, even if its clock is slower by ρ and its renewal took no time', (t) => {
  const leaseMs = 10_000;
  const sentAtMs = 1000;
  const givenUpAtMs = sentAtMs + leaseMs * (1 + CLOCK_DRIFT);
  t.false(leaseHasRunOut(leaseMs, sentAtMs, givenUpAtMs));
});
