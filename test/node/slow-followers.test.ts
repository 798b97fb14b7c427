/** Followers that do not keep up leave the in-sync set for a while, each time longer. */
import test from 'ava';
import { IN_FLIGHT_PER_FOLLOWER_MAX, SlowFollowers } from '../../src/node/slow-followers.ts';
import { Follower } from '../../src/replication/follower.ts';
import { ReplicationLog } from '../../src/replication/replication-log.ts';

function filledLog(bytes: number): ReplicationLog {
  const log = new ReplicationLog();
  const piece = new Uint8Array(1024 * 1024);
  for (let operation = 1; log.usedBytes < bytes; operation += 1) log.append(1, operation, 2, 0, piece, 0, piece.length);
  return log;
}

test('a follower above the bound is too slow only after a second, and no more when it has caught up', (t) => {
  const slow = new SlowFollowers();
  const log = filledLog(IN_FLIGHT_PER_FOLLOWER_MAX + 1);
  const follower = new Follower(3);
  t.false(slow.isTooSlow(follower, log, 0));
  t.false(slow.isTooSlow(follower, log, 1000));
  t.true(slow.isTooSlow(follower, log, 1001));
  follower.match = log.next;
  t.false(slow.isTooSlow(follower, log, 1100));
  follower.match = 0;
  t.false(slow.isTooSlow(follower, log, 1200), 'it counts anew');
});

test('it is let in again later and later, and after five minutes as at first', (t) => {
  const slow = new SlowFollowers();
  const waits: number[] = [];
  let now = 0;
  for (let times = 0; times < 8; times += 1) {
    slow.punish(3, now);
    slow.punish(3, now + 1); // another partition, the same trouble
    let wait = 0;
    while (!slow.mayReturn(3, now + wait)) wait += 500;
    waits.push(wait);
    now += wait;
  }
  t.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  t.true(slow.mayReturn(4, 0), 'others are not concerned');
  now += 300_001;
  slow.punish(3, now);
  t.true(slow.mayReturn(3, now + 1000));
  t.false(slow.mayReturn(3, now + 999));
});

test('who has not acknowledged for two seconds what it was to hold is too slow, however little it lacks', (t) => {
  const slow = new SlowFollowers();
  const log = filledLog(1);
  const follower = new Follower(3);
  t.false(slow.isTooSlow(follower, log, 0));
  t.false(slow.isTooSlow(follower, log, 2000));
  t.true(slow.isTooSlow(follower, log, 2001));
  follower.match = log.next;
  t.false(slow.isTooSlow(follower, log, 2002));
});
