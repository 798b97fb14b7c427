import test from 'ava';
import { AcceptStatus, Backup } from '../../src/replication/backup.ts';
import { ReplicationLog } from '../../src/replication/replication-log.ts';
import { barrierAfter, describeLog, plainEntry } from './support/entries.ts';

const { held, mismatch, refused, staleEpoch } = AcceptStatus;

/** Hands over one entry, in the middle of other bytes. */
function accept(backup: Backup, life: number, epoch: number, operation: number, raw: Uint8Array): number {
  const framed = Uint8Array.of(1, 2, ...raw, 3);
  return backup.accept(life, epoch, operation, framed, 2, 2 + raw.length);
}

/** A backup of the primary's life 0 that holds the barrier of epoch 5 and entries up to `operation`. */
function backupAt(operation: number): Backup {
  const backup = new Backup(new ReplicationLog());
  accept(backup, 0, 5, 1, barrierAfter(0, 0));
  for (let next = 2; next <= operation; next += 1) accept(backup, 0, 5, next, plainEntry(next));
  return backup;
}

test('R6: takes entries in order, each once', (t) => {
  const backup = new Backup(new ReplicationLog());
  t.is(accept(backup, 0, 5, 1, barrierAfter(0, 0)), held);
  t.is(accept(backup, 0, 5, 2, plainEntry(20)), held);
  t.is(accept(backup, 0, 5, 2, plainEntry(20)), held);
  t.is(accept(backup, 0, 5, 1, barrierAfter(0, 0)), held);
  t.is(accept(backup, 0, 5, 3, plainEntry(30)), held);
  t.deepEqual(describeLog(backup.log), ['5.1 barrier 0.0', '5.2 entry 20', '5.3 entry 30']);
  t.is(backup.operation, 3);
});

test('R6: a gap is not taken, and the answer tells where to go on', (t) => {
  const backup = backupAt(2);
  t.is(accept(backup, 0, 5, 4, plainEntry(4)), mismatch);
  t.deepEqual([backup.epoch, backup.operation, backup.log.next], [5, 2, 2]);
  t.is(accept(backup, 0, 5, 3, plainEntry(3)), held);
  t.is(accept(backup, 0, 5, 4, plainEntry(4)), held);
});

test('R6: an empty backup acknowledges nothing before a barrier that it can follow', (t) => {
  const backup = new Backup(new ReplicationLog());
  t.is(accept(backup, 0, 5, 7, plainEntry(7)), mismatch);
  t.is(accept(backup, 0, 5, 1, plainEntry(7)), mismatch);
  t.is(accept(backup, 0, 6, 1, barrierAfter(5, 7)), mismatch);
  t.deepEqual([backup.epoch, backup.operation, backup.log.next], [0, 0, 0]);
});

test('R2: a lower epoch is refused, and the answer names the higher one', (t) => {
  const backup = backupAt(1);
  t.is(accept(backup, 1, 4, 1, barrierAfter(0, 0)), staleEpoch);
  t.is(backup.epoch, 5);
  t.is(accept(backup, 1, 6, 1, barrierAfter(0, 0)), held);
  t.deepEqual(describeLog(backup.log), ['6.1 barrier 0.0']);
});

test('R2: who has seen e+1 never acknowledges e', (t) => {
  const backup = backupAt(3);
  t.is(accept(backup, 0, 6, 1, barrierAfter(5, 3)), held);
  t.is(accept(backup, 0, 5, 3, plainEntry(3)), held);
  t.deepEqual([backup.epoch, backup.operation], [6, 1]);
});

test('R4: a new life of the primary is welcome while nothing but a barrier is held', (t) => {
  const backup = backupAt(1);
  t.is(accept(backup, 1, 6, 1, barrierAfter(0, 0)), held);
  t.is(accept(backup, 1, 6, 2, plainEntry(9)), held);
  t.deepEqual(describeLog(backup.log), ['6.1 barrier 0.0', '6.2 entry 9']);
});

test('R4: a new life of the primary is refused by who holds state of the former one', (t) => {
  const backup = backupAt(2);
  t.is(accept(backup, 1, 6, 1, barrierAfter(0, 0)), refused);
  t.is(accept(backup, 1, 6, 1, barrierAfter(5, 2)), refused);
  t.is(accept(backup, 1, 6, 2, plainEntry(9)), refused);
  t.deepEqual(describeLog(backup.log), ['5.1 barrier 0.0', '5.2 entry 2']);
  t.is(accept(backup, 0, 5, 3, plainEntry(3)), held);
});

test('R4: what was committed and dropped counts as held', (t) => {
  const backup = backupAt(2);
  backup.committed(5, 2);
  backup.log.dropBefore(backup.commit);
  t.is(accept(backup, 1, 6, 1, barrierAfter(0, 0)), refused);
});

test('R4: a backup that was told of entries it lacks refuses a new life of the primary', (t) => {
  const backup = new Backup(new ReplicationLog());
  backup.existed(3);
  t.is(accept(backup, 4, 6, 1, barrierAfter(0, 0)), refused);
  t.is(backup.log.next, 0);
});

test('R4: what is held counts more than what was told', (t) => {
  const backup = backupAt(2);
  backup.existed(1);
  t.is(backup.life, 0);
  t.is(accept(backup, 0, 5, 3, plainEntry(3)), held);
});

test('R15: a barrier that names the last entry goes on behind it', (t) => {
  const backup = backupAt(3);
  t.is(accept(backup, 0, 6, 1, barrierAfter(5, 3)), held);
  t.is(accept(backup, 0, 6, 2, plainEntry(62)), held);
  t.deepEqual(describeLog(backup.log).slice(2), ['5.3 entry 3', '6.1 barrier 5.3', '6.2 entry 62']);
});

test('R15: a log that differs is cut back to the predecessor', (t) => {
  const backup = backupAt(4);
  t.is(accept(backup, 0, 6, 1, barrierAfter(5, 2)), held);
  t.deepEqual(describeLog(backup.log), ['5.1 barrier 0.0', '5.2 entry 2', '6.1 barrier 5.2']);
});

test('R15: a barrier whose predecessor is missing is not taken', (t) => {
  const backup = backupAt(2);
  t.is(accept(backup, 0, 7, 1, barrierAfter(5, 3)), mismatch);
  t.is(accept(backup, 0, 7, 1, barrierAfter(6, 2)), mismatch);
  t.is(accept(backup, 0, 7, 2, plainEntry(1)), mismatch);
  t.is(accept(backup, 0, 7, 2, barrierAfter(5, 2)), mismatch);
  t.deepEqual([backup.epoch, backup.operation], [5, 2]);
});

test('R15: what is committed is never cut off', (t) => {
  const backup = backupAt(4);
  backup.committed(5, 3);
  t.throws(() => accept(backup, 0, 6, 1, barrierAfter(5, 2)), { name: 'AssertionError', message: /R15/ });
});

test('the commit point never passes what is held, and never goes back', (t) => {
  const backup = backupAt(3);
  t.true(backup.committed(5, 2));
  t.is(backup.commit, 2);
  t.false(backup.committed(5, 1));
  t.true(backup.committed(5, 10));
  t.is(backup.commit, 3);
  accept(backup, 0, 5, 4, plainEntry(4));
  t.is(backup.commit, 3);
});

test('R5: only the commit point of the present epoch counts', (t) => {
  const backup = backupAt(3);
  t.false(backup.committed(4, 3));
  t.false(backup.committed(6, 3));
  t.is(backup.commit, 0);
});

test('R5: a new epoch without a commit point of its own says nothing of the one before', (t) => {
  const backup = backupAt(3);
  accept(backup, 0, 6, 1, barrierAfter(5, 3));
  t.false(backup.committed(6, 0));
  t.is(backup.commit, 0);
  t.true(backup.committed(6, 1));
  t.is(backup.commit, 4);
});
