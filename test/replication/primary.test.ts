import test from 'ava';
import { type Follower, FollowerState } from '../../src/replication/follower.ts';
import { Primary } from '../../src/replication/primary.ts';
import { Replica } from '../../src/replication/replica.ts';
import { describeLog, fill } from './support/entries.ts';

const PUT = 2;
const NO_BODY = new Uint8Array(0);

function append(primary: Primary, timeMs = 0): number {
  return primary.append(PUT, timeMs, NO_BODY, 0, 0);
}

interface Subject {
  readonly primary: Primary;
  /** Members 1, 2 …, all in sync. */
  readonly followers: readonly Follower[];
}

/** The reign of epoch 5 has begun over what `replica` holds. */
function opened(others: number, replica: Replica = new Replica(), operationsMax?: number): Subject {
  const primary = new Primary(replica, 5, 1000, operationsMax);
  const followers = Array.from({ length: others }, (_, index) => primary.follow(index + 1));
  for (const follower of followers) follower.inSync = true;
  primary.advance();
  return { primary, followers };
}

/** Epoch 5 open, and its barrier acknowledged by all. */
function serving(others: number, operationsMax?: number): Subject {
  const subject = opened(others, new Replica(), operationsMax);
  for (const follower of subject.followers) subject.primary.acknowledged(follower, 5, 1);
  return subject;
}

/** One follower, in sync and served, and the reign's primary. */
function pair(): { primary: Primary; one: Follower } {
  const { primary, followers } = serving(1);
  return { primary, one: followers[0] as Follower };
}

/** Two of them. */
function trio(): { primary: Primary; one: Follower; two: Follower } {
  const { primary, followers } = serving(2);
  return { primary, one: followers[0] as Follower, two: followers[1] as Follower };
}

test('R5: committed is what every member of the in-sync set has acknowledged', (t) => {
  const { primary, one, two } = trio();
  append(primary);
  append(primary);
  t.false(primary.acknowledged(one, 5, 3));
  t.is(primary.commitOperation, 1);
  t.true(primary.acknowledged(two, 5, 2));
  t.is(primary.commitOperation, 2);
  t.true(primary.acknowledged(two, 5, 3));
  t.is(primary.commitOperation, 3);
});

test('R5: without others in sync everything is committed as soon as it is looked at', (t) => {
  const { primary } = opened(0);
  t.true(primary.serving);
  append(primary);
  t.true(primary.advance());
  t.is(primary.commit, 2);
});

test('R5: who follows without being in sync is not waited for, and does not commit anything', (t) => {
  const { primary, one, two } = trio();
  two.inSync = false;
  append(primary);
  t.false(primary.acknowledged(two, 5, 2));
  t.is(primary.commitOperation, 1);
  t.true(primary.acknowledged(one, 5, 2));
  t.is(primary.commitOperation, 2);
});

test('R5, R19: who is proposed to join counts like a member, whatever became of the proposal', (t) => {
  const { primary, one, two } = trio();
  two.inSync = false;
  two.proposed = true;
  append(primary);
  t.false(primary.acknowledged(one, 5, 2));
  t.true(primary.acknowledged(two, 5, 2));
});

test('R5, R18: a member taken out by the book is not waited for any more', (t) => {
  const { primary, one, two } = trio();
  append(primary);
  primary.acknowledged(one, 5, 2);
  two.inSync = false;
  t.true(primary.advance());
  t.is(primary.commitOperation, 2);
});

test('R5, R7: below min nothing commits, whoever acknowledges it', (t) => {
  const { primary, one } = pair();
  append(primary);
  primary.frozen = true;
  t.false(primary.acknowledged(one, 5, 2));
  t.false(primary.advance());
  t.is(primary.commitOperation, 1);
  primary.frozen = false;
  t.true(primary.advance());
  t.is(primary.commitOperation, 2);
});

test('R5: the commit point never goes back, whoever joins', (t) => {
  const { primary, one } = pair();
  append(primary);
  primary.acknowledged(one, 5, 2);
  primary.follow(2).inSync = true;
  t.false(primary.advance());
  t.is(primary.commit, 2);
});

test('R5: an acknowledgement that comes again, or late, changes nothing', (t) => {
  const { primary, one } = pair();
  append(primary);
  append(primary);
  t.true(primary.acknowledged(one, 5, 3));
  t.false(primary.acknowledged(one, 5, 3));
  t.false(primary.acknowledged(one, 5, 2));
  t.is(primary.commitOperation, 3);
});

test('R2: acknowledgements of another epoch do not count', (t) => {
  const { primary, followers } = opened(1);
  const [one] = followers as [Follower];
  t.false(primary.acknowledged(one, 4, 1));
  t.false(primary.acknowledged(one, 6, 1));
  t.false(primary.acknowledged(one, 5, 0));
  t.is(one.state, FollowerState.unknown);
  t.is(primary.commit, 0);
});

test('R2: a reign promises its epoch, and none begins below what was promised', (t) => {
  const replica = new Replica();
  const { epoch } = new Primary(replica, 5, 1000);
  t.is(replica.promised, epoch);
  replica.promise(9);
  t.throws(() => new Primary(replica, 8, 1000), { name: 'AssertionError', message: /R2/ });
});

test('R6: nobody can acknowledge what was never appended', (t) => {
  const { primary, one } = pair();
  t.true(primary.hasAppended(5, 1));
  t.false(primary.hasAppended(5, 2));
  t.true(primary.hasAppended(4, 99));
  t.throws(() => primary.acknowledged(one, 5, 2), { name: 'AssertionError' });
});

test('R11: nothing is served or appended before the barrier is committed', (t) => {
  const { primary, followers } = opened(2);
  const [one, two] = followers as [Follower, Follower];
  t.false(primary.serving);
  t.throws(() => append(primary), { name: 'AssertionError' });
  primary.acknowledged(one, 5, 1);
  t.false(primary.serving);
  t.throws(() => append(primary), { name: 'AssertionError' });
  primary.acknowledged(two, 5, 1);
  t.true(primary.serving);
  t.is(append(primary), 1);
});

test('R11, R5: entries of former epochs commit with the barrier, never before it', (t) => {
  const replica = fill(new Replica(), 3, 4);
  const { primary, followers } = opened(1, replica);
  const [one] = followers as [Follower];
  t.is(primary.barrier, 4);
  t.false(primary.acknowledged(one, 3, 4));
  t.is(primary.commit, 0);
  t.true(primary.acknowledged(one, 5, 1));
  t.is(primary.commit, 5);
});

test('R11, R15: an epoch begins with a barrier that names its predecessor, and keeps the whole log', (t) => {
  const replica = fill(new Replica(), 3, 2);
  new Primary(replica, 9, 1000);
  t.deepEqual(describeLog(replica.log), ['3.1 barrier 0.0', '3.2 entry 2', '9.1 barrier 3.2']);
  t.deepEqual(replica.last, { epoch: 9, operation: 1 });
});

test('epochs only grow', (t) => {
  const replica = fill(new Replica(), 5, 2);
  t.throws(() => new Primary(replica, 5, 1000), { name: 'AssertionError' });
  t.throws(() => new Primary(replica, 4, 1000), { name: 'AssertionError' });
  t.notThrows(() => new Primary(replica, 6, 1000));
});

test('R23: the time of entries never goes back', (t) => {
  const { primary } = serving(0);
  append(primary, 2000);
  append(primary, 1500);
  append(primary, 2001);
  const times = [0, 1, 2, 3].map((position) => primary.replica.log.timeMs(position));
  t.deepEqual(times, [1000, 2000, 2000, 2001]);
});

test('R15: a follower that lacks something is sent it again, and counts as holding no more than that', (t) => {
  const { primary, one } = pair();
  for (let count = 0; count < 5; count += 1) append(primary);
  one.sent = primary.replica.log.next;
  primary.mismatched(one, 5, 3);
  t.is(one.sent, 3);
  primary.acknowledged(one, 5, 5);
  const { commit } = primary;
  primary.mismatched(one, 5, 2);
  t.deepEqual([one.sent, one.match, primary.commit], [2, 2, commit]);
  t.true(primary.acknowledged(one, 5, 6));
});

test('R15: it is walked back to the last entry that both may have', (t) => {
  const replica = fill(fill(new Replica(), 2, 3), 3, 4);
  const { primary, followers } = opened(1, replica);
  const [one] = followers as [Follower];
  // Of epoch 3 it has more than the primary, of epoch 2 less, epoch 4 is nobody's here.
  for (const [epoch, operation, sent] of [
    [3, 9, 7],
    [3, 2, 5],
    [4, 1, 7],
    [2, 3, 3],
    [2, 1, 1],
    [1, 7, 0],
    [0, 0, 0],
  ] as const) {
    primary.mismatched(one, epoch, operation);
    t.is(one.sent, sent, `${epoch}.${operation}`);
  }
  t.is(one.state, FollowerState.unknown);
});

test('R21: who lacks more than the log has gets a snapshot, and nothing else until then', (t) => {
  const replica = fill(new Replica(), 3, 6);
  replica.commit = 5;
  replica.dropBefore(4);
  const { primary, followers } = opened(1, replica);
  const [one] = followers as [Follower];
  primary.mismatched(one, 3, 3);
  t.is(one.state, FollowerState.needsSnapshot);
  t.is(one.sent, primary.replica.log.next);
  t.is(one.neededFrom, Number.POSITIVE_INFINITY);
  one.snapshotAt = 5;
  t.is(one.neededFrom, 5);
  primary.mismatched(one, 3, 5);
  t.is(one.state, FollowerState.unknown);
  t.is(one.sent, 5);
});

test('a renewed link is sent again what was not acknowledged', (t) => {
  const { primary, one, two } = trio();
  append(primary);
  append(primary);
  one.sent = primary.replica.log.next;
  two.sent = primary.replica.log.next;
  t.true(primary.sentAll);
  primary.acknowledged(one, 5, 2);
  primary.resend(one);
  t.deepEqual([one.sent, two.sent], [2, 3]);
  t.false(primary.sentAll);
});

test('an acknowledgement of more than was sent again moves on past it', (t) => {
  const { primary, one } = pair();
  append(primary);
  append(primary);
  primary.resend(one);
  t.is(one.sent, 1);
  primary.acknowledged(one, 5, 3);
  t.is(one.sent, 3);
});

test('R4: of one that has lost what it held nothing counts any more', (t) => {
  const { primary, one } = pair();
  append(primary);
  primary.acknowledged(one, 5, 2);
  append(primary);
  primary.forgot(one);
  t.deepEqual([one.state, one.match, one.sent], [FollowerState.unknown, 0, 0]);
  t.false(primary.advance());
  t.is(primary.commitOperation, 2);
  t.true(primary.acknowledged(one, 5, 3));
});

test('a follower is kept the log that it may need', (t) => {
  const { primary, one, two } = trio();
  append(primary);
  t.deepEqual([one.neededFrom, two.neededFrom], [1, 1]);
  primary.acknowledged(one, 5, 2);
  t.is(one.neededFrom, 2);
  primary.forgot(two);
  t.is(two.neededFrom, two.sent);
});

test('followers come and go, each once', (t) => {
  const { primary, one, two } = trio();
  t.throws(() => primary.follow(1), { name: 'AssertionError' });
  t.is(primary.follower(2), two);
  primary.unfollow(2);
  primary.unfollow(2);
  t.is(primary.follower(2), null);
  t.deepEqual(primary.followers, [one]);
});

test('the last operation number of an epoch is the last entry, and before it a new epoch is asked for', (t) => {
  const { primary } = serving(0, 6);
  const tiring: boolean[] = [];
  while (!primary.exhausted) {
    append(primary);
    tiring.push(primary.isTiring);
  }
  t.deepEqual(tiring, [false, true, true, true, true]);
  t.deepEqual(primary.replica.last, { epoch: 5, operation: 6 });
  t.throws(() => append(primary), { name: 'AssertionError' });
});

test('a primary follows itself in the next epoch with the same log', (t) => {
  const { primary } = serving(0, 3);
  append(primary);
  append(primary);
  const { replica } = primary;
  const next = new Primary(replica, 6, 900, 3);
  next.advance();
  next.append(PUT, 950, NO_BODY, 0, 0);
  next.advance();
  t.is(next.commit, 5);
  t.is(next.commitOperation, 2);
  const log = ['5.1 barrier 0.0', '5.2 entry ', '5.3 entry ', '6.1 barrier 5.3', '6.2 entry '];
  t.deepEqual(describeLog(replica.log), log);
  t.is(replica.log.timeMs(4), 1000);
});
