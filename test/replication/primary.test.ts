import test from 'ava';
import { BackupState, Primary } from '../../src/replication/primary.ts';
import { ReplicationLog } from '../../src/replication/replication-log.ts';
import { describeLog } from './support/entries.ts';

const PUT = 2;
const NO_BODY = new Uint8Array(0);

function append(primary: Primary, timeMs = 0): number {
  return primary.append(PUT, timeMs, NO_BODY, 0, 0);
}

function opened(backups: number, operationsMax?: number): Primary {
  const primary = new Primary(new ReplicationLog(), backups, operationsMax);
  primary.open(5, 1000);
  return primary;
}

/** Epoch 5 open, and its barrier acknowledged by all. */
function serving(backups: number, operationsMax?: number): Primary {
  const primary = opened(backups, operationsMax);
  for (let backup = 0; backup < backups; backup += 1) primary.acknowledged(backup, 5, 1);
  return primary;
}

test('R5: committed is what every backup has acknowledged', (t) => {
  const primary = serving(2);
  append(primary);
  append(primary);
  t.false(primary.acknowledged(0, 5, 3));
  t.is(primary.commitOperation, 1);
  t.true(primary.acknowledged(1, 5, 2));
  t.is(primary.commitOperation, 2);
  t.true(primary.acknowledged(1, 5, 3));
  t.is(primary.commitOperation, 3);
});

test('R5: without backups everything is committed at once', (t) => {
  const primary = opened(0);
  t.true(primary.serving);
  append(primary);
  t.is(primary.commit, 2);
});

test('R5: an acknowledgement that comes again, or late, changes nothing', (t) => {
  const primary = serving(1);
  append(primary);
  append(primary);
  t.true(primary.acknowledged(0, 5, 3));
  t.false(primary.acknowledged(0, 5, 3));
  t.false(primary.acknowledged(0, 5, 2));
  t.is(primary.commitOperation, 3);
});

test('R2: acknowledgements of another epoch do not count', (t) => {
  const primary = opened(1);
  t.false(primary.acknowledged(0, 4, 1));
  t.false(primary.acknowledged(0, 6, 1));
  t.false(primary.acknowledged(0, 5, 0));
  t.is(primary.states[0], BackupState.unknown);
  t.is(primary.commit, 0);
});

test('R6: nobody can acknowledge what was never appended', (t) => {
  const primary = serving(1);
  t.throws(() => primary.acknowledged(0, 5, 2), { name: 'AssertionError' });
});

test('R11: nothing is served or appended before the barrier is committed', (t) => {
  const primary = opened(2);
  t.false(primary.serving);
  t.throws(() => append(primary), { name: 'AssertionError' });
  primary.acknowledged(0, 5, 1);
  t.false(primary.serving);
  t.throws(() => append(primary), { name: 'AssertionError' });
  primary.acknowledged(1, 5, 1);
  t.true(primary.serving);
  t.is(append(primary), 1);
});

test('R11: an epoch begins with a barrier that names its predecessor', (t) => {
  const primary = serving(0);
  append(primary);
  primary.open(9, 1000);
  t.deepEqual(describeLog(primary.log), ['5.1 barrier 0.0', '5.2 entry ', '9.1 barrier 5.2']);
});

test('epochs only grow', (t) => {
  const primary = serving(0);
  append(primary);
  t.throws(() => primary.open(5, 1000), { name: 'AssertionError' });
  t.throws(() => primary.open(4, 1000), { name: 'AssertionError' });
});

test('R23: the time of entries never goes back', (t) => {
  const primary = serving(0);
  append(primary, 2000);
  append(primary, 1500);
  append(primary, 2001);
  const times = [0, 1, 2, 3].map((position) => primary.log.timeMs(position));
  t.deepEqual(times, [1000, 2000, 2000, 2001]);
});

test('R15: a backup that differs is sent what it lacks, and never less than it is known to hold', (t) => {
  const primary = serving(1);
  for (let count = 0; count < 5; count += 1) append(primary);
  primary.sent[0] = primary.log.next;
  primary.mismatched(0, 5, 3);
  t.is(primary.sent[0], 3);
  primary.acknowledged(0, 5, 5);
  primary.mismatched(0, 5, 2);
  t.is(primary.sent[0], 5);
  primary.mismatched(0, 4, 9);
  t.is(primary.sent[0], 5);
});

test('a renewed link is sent again what was not acknowledged', (t) => {
  const primary = serving(2);
  append(primary);
  append(primary);
  primary.sent.fill(primary.log.next);
  primary.acknowledged(0, 5, 2);
  primary.resend(0);
  t.deepEqual([...primary.sent], [2, 3]);
});

test('an acknowledgement of more than was sent again moves on past it', (t) => {
  const primary = serving(1);
  append(primary);
  append(primary);
  primary.resend(0);
  t.is(primary.sent[0], 1);
  primary.acknowledged(0, 5, 3);
  t.is(primary.sent[0], 3);
});

test('R4: a backup that restarted while there are only barriers starts over', (t) => {
  const primary = serving(2);
  primary.restarted(0);
  t.deepEqual([...primary.states], [BackupState.unknown, BackupState.following]);
  t.deepEqual([primary.match[0], primary.sent[0]], [0, 0]);
  t.true(primary.serving);
  primary.acknowledged(0, 5, 1);
  t.is(primary.states[0], BackupState.following);
});

test('R4: a backup that restarted and lacks entries is out, whatever it says', (t) => {
  const primary = serving(1);
  append(primary);
  append(primary);
  primary.acknowledged(0, 5, 2);
  primary.restarted(0);
  t.is(primary.states[0], BackupState.restarted);
  t.false(primary.acknowledged(0, 5, 3));
  t.is(primary.states[0], BackupState.restarted);
  t.is(primary.commitOperation, 2);
});

test('R4: a backup that is out is sent nothing, so that it does not answer for ever that it lacks what came before', (t) => {
  const primary = serving(1);
  append(primary);
  primary.restarted(0);
  primary.resend(0);
  primary.mismatched(0, 0, 0);
  t.is(primary.sent[0], primary.log.next);
});

test('R4: once a backup has refused, this life never serves, whatever becomes of that backup', (t) => {
  const primary = opened(2);
  primary.acknowledged(0, 5, 1);
  primary.refused(1);
  t.true(primary.existed);
  t.is(primary.states[1], BackupState.refusing);
  primary.restarted(1);
  t.is(primary.states[1], BackupState.restarted);
  primary.acknowledged(1, 5, 1);
  t.false(primary.serving);
});

test('R4: what existed is told to every backup that does not hold it', (t) => {
  const primary = opened(3);
  t.deepEqual(
    [0, 1, 2].map((backup) => primary.mustBeTold(backup)),
    [false, false, false],
  );
  primary.refused(1);
  primary.acknowledged(0, 5, 1);
  t.deepEqual(
    [0, 1, 2].map((backup) => primary.mustBeTold(backup)),
    [true, false, true],
  );
});

test('R4: a primary that is not to serve sends nothing again', (t) => {
  const primary = opened(2);
  primary.sent.fill(1);
  primary.refused(1);
  primary.mismatched(0, 4, 1);
  primary.resend(0);
  t.deepEqual([...primary.sent], [1, 1]);
});

test('R4: a backup that lost what it held is told, for this primary may be gone when it is asked again', (t) => {
  const primary = serving(2);
  append(primary);
  primary.restarted(1);
  t.false(primary.mustBeTold(0));
  t.true(primary.mustBeTold(1));
});

test('an epoch that a backup has overtaken is opened again in its place', (t) => {
  const primary = opened(2);
  primary.acknowledged(0, 5, 1);
  primary.reopen(8, 900);
  t.deepEqual(describeLog(primary.log), ['8.1 barrier 0.0']);
  t.deepEqual([...primary.states], [BackupState.unknown, BackupState.unknown]);
  t.deepEqual([...primary.match, ...primary.sent], [0, 0, 0, 0]);
  t.is(primary.log.timeMs(0), 1000);
  t.false(primary.serving);
});

test('a log with entries is never opened again', (t) => {
  const primary = serving(1);
  append(primary);
  t.throws(() => primary.reopen(8, 900), { name: 'AssertionError' });
});

test('the last operation number of an epoch is followed by a new epoch', (t) => {
  const primary = serving(0, 3);
  for (let count = 0; count < 4; count += 1) append(primary);
  const log = ['5.1 barrier 0.0', '5.2 entry ', '5.3 entry ', '6.1 barrier 5.3', '6.2 entry ', '6.3 entry '];
  t.deepEqual(describeLog(primary.log), log);
});

test('a primary that goes on in a new epoch serves and appends all the while', (t) => {
  const primary = serving(1, 3);
  for (let count = 0; count < 6; count += 1) append(primary);
  t.is(primary.epoch, 7);
  t.true(primary.serving);
  t.is(primary.commitOperation, 0);
  t.false(primary.acknowledged(0, 5, 3));
  t.false(primary.acknowledged(0, 6, 3));
  t.true(primary.acknowledged(0, 7, 2));
  t.is(primary.commit, 8);
  t.is(primary.commitOperation, 2);
});
