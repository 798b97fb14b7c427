/** What is answered when, at a primary with backups. */
import test from 'ava';
import { codes } from '../../src/errors.ts';
import { PENDING_ENTRIES_MAX } from '../../src/node/admission.ts';
import { ReadsFlag } from '../../src/protocol/client-codec.ts';
import { RECORDS_MAX } from '../../src/replication/attachment.ts';
import { PartitionWorld } from './support/partition.ts';
import { sessions, TestSession } from './support/session.ts';

/** A world with two backups and one session that are all there. */
function cluster(): { world: PartitionWorld; session: TestSession } {
  const world = new PartitionWorld({ backups: 2 });
  return { world, session: new TestSession(world) };
}

function deliver(world: PartitionWorld, backup: number): void {
  world.send(backup);
  world.acknowledge(backup);
}

test('R5: a write is answered when every backup has it, and read only then', (t) => {
  const { world, session } = cluster();
  t.deepEqual(session.put('k', 'one'), []);
  t.deepEqual(session.get('k'), ['3 GOTK nothing']);
  deliver(world, 1);
  t.deepEqual(session.read(), []);
  t.deepEqual(session.get('k'), ['4 GOTK nothing']);
  t.deepEqual(session.scan(), ['5 SCND 7 at 9.2 done:']);
  deliver(world, 0);
  t.deepEqual(session.read(), ['2 DONE applied 9.3']);
  t.deepEqual(session.get('k'), ["6 GOTK 'one' 9.3"]);
});

test('R6: a backup that has only part of what was sent commits that part', (t) => {
  const { world, session } = cluster();
  for (const value of ['one', 'two', 'three']) session.put('k', value);
  deliver(world, 0);
  world.send(1, 2);
  world.acknowledge(1);
  t.deepEqual(session.read(), ['2 DONE applied 9.3', '3 DONE applied 9.4']);
  t.deepEqual(session.get('k'), ["5 GOTK 'two' 9.4"]);
});

test('R11: nothing is served before the epoch has begun on every replica', (t) => {
  const world = new PartitionWorld({ backups: 1, opens: false });
  const session = new TestSession(world);
  t.true(world.primary.starting);
  for (const refused of [session.get('k'), session.scan(), session.put('k', 'v'), session.cancel('k', 1)]) {
    t.regex(refused.join(), /^\d+ FAIL KV_NO_QUORUM$/);
  }
  const text = 'partition 7: its first entry is not yet on every replica; replica 1 has not joined yet';
  t.is(session.caller.failure, text);
  world.silent.clear();
  world.settle();
  t.false(world.primary.starting);
  t.deepEqual(session.attach(), ['6 DONE applied 9.2']);
  t.deepEqual(session.get('k'), ['7 GOTK nothing']);
});

test('R7: below min, refuse before appending', (t) => {
  const { world, session } = cluster();
  session.put('k', 'one');
  world.settle();
  session.read();
  world.freeze();
  const { next } = world.primary.log;
  const refused = [
    session.put('k', 'two'),
    session.del('k'),
    session.incr('n'),
    session.lock('l', 0),
    session.unlock('l', '9.3'),
    session.cancel('l', 4),
    session.attach(),
  ];
  for (const lines of refused) t.regex(lines.join(), /^\d+ FAIL KV_NO_QUORUM$/);
  t.is(session.caller.failure, 'partition 7: too few replicas are in sync');
  t.is(world.primary.log.next, next);
  t.false(world.primary.writable);
  world.thaw();
  t.deepEqual(session.get('k'), ["10 GOTK 'one' 9.3"]);
});

test('R12: below min nothing is read either, however much is leased', (t) => {
  const { world, session } = cluster();
  world.freeze();
  for (const refused of [session.get('k'), session.scan(), session.get('k', ReadsFlag.strict)]) {
    t.regex(refused.join(), /^\d+ FAIL KV_NO_QUORUM$/);
  }
  t.deepEqual([world.parked.length, world.confirming.length], [0, 0]);
});

test('R5, R7: what was appended when the set fell below min commits only when it has grown again', (t) => {
  const { world, session } = cluster();
  session.put('k', 'one');
  world.freeze();
  world.settle();
  world.primary.advance();
  t.deepEqual(session.read(), []);
  t.is(world.primary.state.keys.size, 0);
  world.thaw();
  t.deepEqual(session.read(), ['2 DONE applied 9.3']);
});

test('R7: the reasons of all followers are told', (t) => {
  const { world } = cluster();
  world.freeze();
  world.obstacles.set(1, 'replica a: the link broke').set(2, 'replica b: not connected yet');
  const text = 'partition 7: too few replicas are in sync; replica a: the link broke; replica b: not connected yet';
  t.is(world.primary.obstacle(), text);
});

test('R18: while a member in sync is silent, writes are taken and not answered', (t) => {
  const { world, session } = cluster();
  world.silent.add(0);
  t.deepEqual(session.put('k', 'one'), []);
  world.settle();
  t.deepEqual(session.read(), []);
  t.deepEqual(session.get('k'), ['3 GOTK nothing']);
  world.silent.clear();
  world.primary.primary.resend(world.follower(0));
  world.settle();
  t.deepEqual(session.read(), ['2 DONE applied 9.3']);
});

test('R18: once the book has taken a silent member out, its acknowledgement is not waited for', (t) => {
  const { world, session } = cluster();
  world.silent.add(0);
  session.put('k', 'one');
  world.settle();
  world.follower(0).inSync = false;
  world.primary.advance();
  t.deepEqual(session.read(), ['2 DONE applied 9.3']);
});

test('R19: who is proposed to join must hold every write, though the book does not name it yet', (t) => {
  const { world, session } = cluster();
  const candidate = world.follower(0);
  candidate.inSync = false;
  candidate.proposed = true;
  session.put('k', 'one');
  deliver(world, 1);
  t.deepEqual(session.read(), []);
  deliver(world, 0);
  t.deepEqual(session.read(), ['2 DONE applied 9.3']);
});

test('what a follower lacks is kept for it while it is waited for, and no longer', (t) => {
  const { world, session } = cluster();
  world.silent.add(0);
  world.follower(0).inSync = false;
  const { first } = world.primary.log;
  session.put('k', 'one');
  world.settle();
  t.is(world.primary.log.first, first);
  world.given.add(1);
  session.put('k', 'two');
  world.settle();
  t.is(world.primary.log.first, world.primary.log.next);
});

test('R24: everything that is refused before it is appended is certainly not done', (t) => {
  const refusals = ['KV_NO_QUORUM', 'KV_OUT_OF_MEMORY', 'KV_OVERLOADED', 'KV_NO_SESSION', 'KV_LOCK_BUSY'] as const;
  for (const code of refusals) t.is(codes[code].outcome, 'not-done');
  t.is(codes.KV_AMBIGUOUS.outcome, 'unknown');
});

test('R24: a refused write has not taken effect when it could be written again', (t) => {
  const { world, session } = cluster();
  world.freeze();
  session.put('k', 'one');
  session.lock('l', 0);
  world.thaw();
  world.settle();
  t.deepEqual(session.read(), []);
  t.deepEqual(session.get('k'), ['4 GOTK nothing']);
  t.is(world.primary.state.locks.size, 0);
});

test('KV_OUT_OF_MEMORY refuses before appending, while reads, deletes and releases go on', (t) => {
  const { world, session } = cluster();
  session.put('k', 'one');
  session.lock('l', 0);
  world.settle();
  t.deepEqual(session.read(), ['2 DONE applied 9.3', '3 LKDK 9.4']);
  world.room = false;
  const { next } = world.primary.log;
  for (const lines of [session.put('k', 'x'), session.incr('n'), session.lock('m', 0), session.lock('l', 10)]) {
    t.regex(lines.join(), /^\d+ FAIL KV_OUT_OF_MEMORY$/);
  }
  t.regex(session.caller.failure, /--max-memory/);
  t.is(world.primary.log.next, next);
  t.deepEqual(session.get('k'), ["8 GOTK 'one' 9.3"]);
  session.del('k');
  session.unlock('l', '9.4');
  world.settle();
  t.deepEqual(session.read(), ['9 DONE applied 9.5', '10 DONE applied 9.6']);
});

test('R22: records far ahead of the mark count as memory, and what needs more of it than there is is refused', (t) => {
  const { world, session } = cluster();
  const other = new TestSession(world, 'b');
  const { bytes } = world.primary.state;
  session.del('k', { sequence: RECORDS_MAX / 2 - 1 });
  world.settle();
  t.regex(session.read().join(), /applied/);
  const grown = world.primary.state.bytes - bytes;
  t.true(grown > (RECORDS_MAX / 4) * 24, `${grown} bytes`);
  t.is(world.backups[0]?.kept.state.bytes, world.primary.state.bytes);
  world.room = false;
  const far = RECORDS_MAX - 1;
  session.del('k', { sequence: far });
  world.settle();
  t.regex(session.read().join(), /applied/, 'as long as sessions may take more');
  world.roomForSessions = false;
  const { next } = world.primary.log;
  t.regex(other.del('k', { sequence: far }).join(), /KV_OUT_OF_MEMORY/);
  t.regex(other.cancel('k', far).join(), /KV_OVERLOADED/);
  t.regex(other.cancel('k', 2 * RECORDS_MAX).join(), /KV_OVERLOADED/);
  t.is(world.primary.log.next, next);
  other.del('k', { sequence: 50 });
  other.cancel('k', 51);
  session.del('k', { sequence: far - 1 });
  world.settle();
  t.regex(
    [...other.read(), ...session.read()].join(),
    /applied.*applied.*applied/,
    'a few, and those that are there, each has',
  );
});

test('KV_OVERLOADED: one more than the window of a session, until its mark moves', (t) => {
  const { world, session } = cluster();
  for (let count = 0; count < RECORDS_MAX - 1; count += 1) session.put('k', '');
  // Sequences begin at 1, the window of a new attachment at 0.
  t.deepEqual(session.put('k', '', { mark: 0 }), [`${RECORDS_MAX + 1} FAIL KV_OVERLOADED`]);
  world.settle();
  session.read();
  session.mark = session.sequence;
  t.deepEqual(session.put('k', ''), []);
  world.settle();
  t.deepEqual(session.read(), [`${RECORDS_MAX + 2} DONE applied 9.${RECORDS_MAX + 2}`]);
});

test('KV_OVERLOADED: as many entries uncommitted as a partition may have', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const names = Array.from({ length: PENDING_ENTRIES_MAX / 4000 + 1 }, (_, index) => String.fromCharCode(65 + index));
  const all = sessions(world, ...names);
  const pending = (): number => world.primary.log.next - world.primary.applied;
  for (const session of all) {
    for (let count = 0; count < 4000 && pending() < PENDING_ENTRIES_MAX; count += 1) session.put('k', '');
  }
  t.is(pending(), PENDING_ENTRIES_MAX);
  const last = all.at(-1) as TestSession;
  t.regex(last.put('k', '').join(), /^\d+ FAIL KV_OVERLOADED$/);
  t.regex(last.del('k').join(), /^\d+ FAIL KV_OVERLOADED$/);
  world.settle();
  last.read();
  t.deepEqual(last.put('k', ''), []);
});

test('KV_OVERLOADED: as many bytes as a backup may lack', (t) => {
  const { world, session } = cluster();
  const value = 'x'.repeat(64 * 1024);
  let refused = false;
  for (let count = 0; count < 600 && !refused; count += 1) refused = session.put('k', value).length > 0;
  t.true(refused);
  t.true(world.primary.log.usedBytes < 33 * 1024 * 1024);
  t.regex(session.put('other', '').join(), /^\d+ FAIL KV_OVERLOADED$/);
  world.settle();
  session.read();
  t.is(world.primary.log.usedBytes, 0);
  t.deepEqual(session.put('other', ''), []);
});

test('a condition is judged after everything that was appended before it', (t) => {
  const { world, session } = cluster();
  session.put('k', 'one');
  session.cas('k', '9.3', 'two');
  session.cas('k', '9.3', 'three');
  session.cas('k', '8.4', 'three');
  session.cas('k', '0.0', 'four');
  session.del('k', { flags: 1, revision: '9.4' });
  session.cas('k', '0.0', 'five');
  t.deepEqual(session.read(), []);
  world.settle();
  t.deepEqual(session.read(), [
    '2 DONE applied 9.3',
    '3 DONE applied 9.4',
    '4 DONE refused 9.4',
    '5 DONE refused 9.4',
    '6 DONE refused 9.4',
    '7 DONE applied 9.8',
    '8 DONE applied 9.9',
  ]);
  t.deepEqual(session.get('k'), ["9 GOTK 'five' 9.9"]);
});

test('R16: backups apply what is committed, and nothing else', (t) => {
  const { world, session } = cluster();
  session.put('k', 'one');
  world.send(0);
  world.send(1);
  t.deepEqual(
    world.backups.map(({ kept }) => kept.state.keys.size),
    [0, 0],
  );
  world.acknowledge(0);
  world.tellCommit(0);
  t.is(world.backups[0]?.kept.state.keys.size, 0);
  world.acknowledge(1);
  world.tellCommit(0);
  t.deepEqual(
    world.backups.map(({ kept }) => kept.state.keys.size),
    [1, 0],
  );
  world.tellCommit(1);
  t.is(world.backups[1]?.kept.state.keys.size, 1);
});
