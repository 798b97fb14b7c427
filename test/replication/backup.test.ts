import test from 'ava';
import { AcceptStatus, Backup } from '../../src/replication/backup.ts';
import { Replica } from '../../src/replication/replica.ts';
import { barrierAfter, describeLog, fill, plainEntry } from './support/entries.ts';

const { held, mismatch, stale } = AcceptStatus;

interface Sent {
  readonly configuration?: number;
  readonly epoch: number;
  readonly operation: number;
  readonly raw: Uint8Array;
  readonly nowMs?: number;
}

/** Hands over one entry, in the middle of other bytes; of a reign of the entry's own epoch if nothing else is said. */
function accept(backup: Backup, { configuration, epoch, operation, raw, nowMs = 7 }: Sent): number {
  const framed = Uint8Array.of(1, 2, ...raw, 3);
  const reign = configuration ?? Math.max(epoch, backup.replica.promised);
  return backup.accept(reign, epoch, operation, framed, 2, 2 + raw.length, nowMs);
}

const plain = (epoch: number, operation: number): Sent => ({ epoch, operation, raw: plainEntry(operation) });
const barrier = (epoch: number, beforeEpoch: number, beforeOperation: number): Sent => ({
  epoch,
  operation: 1,
  raw: barrierAfter(beforeEpoch, beforeOperation),
});

/** It holds epoch 5 up to `operation`. */
function backupAt(operation: number): Backup {
  return new Backup(fill(new Replica(), 5, operation));
}

test('R6: takes entries in order, each once', (t) => {
  const backup = new Backup(new Replica());
  t.is(accept(backup, barrier(5, 0, 0)), held);
  t.is(accept(backup, plain(5, 2)), held);
  t.is(accept(backup, plain(5, 2)), held);
  t.is(accept(backup, barrier(5, 0, 0)), held);
  t.is(accept(backup, plain(5, 3)), held);
  t.deepEqual(describeLog(backup.replica.log), ['5.1 barrier 0.0', '5.2 entry 2', '5.3 entry 3']);
  t.deepEqual(backup.replica.last, { epoch: 5, operation: 3 });
  t.is(backup.truncated, 0);
});

test('R6: a gap is not taken, and the answer tells where to go on', (t) => {
  const backup = backupAt(2);
  t.is(accept(backup, plain(5, 4)), mismatch);
  t.deepEqual(backup.lacking, { epoch: 5, operation: 2 });
  t.is(backup.replica.log.next, 2);
  t.is(accept(backup, plain(5, 3)), held);
  t.is(accept(backup, plain(5, 4)), held);
});

test('R6: an empty backup takes nothing before a barrier that it can follow', (t) => {
  const backup = new Backup(new Replica());
  for (const sent of [plain(5, 7), barrier(6, 5, 7)]) {
    t.is(accept(backup, sent), mismatch);
    t.deepEqual(backup.lacking, { epoch: 0, operation: 0 });
  }
  t.is(backup.replica.log.next, 0);
});

test('R2: who has promised e+1 acknowledges nothing to the primary of e', (t) => {
  const backup = backupAt(1);
  backup.replica.promise(6);
  t.is(accept(backup, { ...plain(5, 2), configuration: 5 }), stale);
  t.is(backup.replica.log.next, 1);
  t.is(accept(backup, { ...plain(5, 2), configuration: 6 }), held);
});

test('R2: a promise is never taken back', (t) => {
  const { replica } = backupAt(1);
  replica.promise(6);
  t.throws(() => replica.promise(5), { name: 'AssertionError', message: /R2/ });
});

test('R15: entries of former epochs keep them, whoever sends them', (t) => {
  const backup = new Backup(new Replica());
  const former: Sent[] = [barrier(5, 0, 0), plain(5, 2), barrier(8, 5, 2), plain(8, 2)];
  for (const sent of former) t.is(accept(backup, { ...sent, configuration: 12 }), held);
  const log = ['5.1 barrier 0.0', '5.2 entry 2', '8.1 barrier 5.2', '8.2 entry 2'];
  t.deepEqual(describeLog(backup.replica.log), log);
});

test('R15: a barrier that names the last entry goes on behind it', (t) => {
  const backup = backupAt(3);
  t.is(accept(backup, barrier(6, 5, 3)), held);
  t.is(accept(backup, plain(6, 2)), held);
  t.deepEqual(describeLog(backup.replica.log).slice(2), ['5.3 entry 3', '6.1 barrier 5.3', '6.2 entry 2']);
  t.is(backup.truncated, 0);
});

test('R15: a log that differs is cut back to the predecessor', (t) => {
  const backup = backupAt(4);
  t.is(accept(backup, barrier(6, 5, 2)), held);
  t.deepEqual(describeLog(backup.replica.log), ['5.1 barrier 0.0', '5.2 entry 2', '6.1 barrier 5.2']);
  t.is(backup.truncated, 2);
});

test('R15: whole epochs that the primary does not have are cut off', (t) => {
  const backup = new Backup(fill(fill(fill(new Replica(), 5, 3), 6, 2), 7, 4));
  t.is(accept(backup, barrier(9, 5, 2)), held);
  t.deepEqual(describeLog(backup.replica.log), ['5.1 barrier 0.0', '5.2 entry 2', '9.1 barrier 5.2']);
  t.is(backup.truncated, 7);
  t.deepEqual(
    backup.replica.epochs.list.map(({ epoch }) => epoch),
    [5, 9],
  );
});

test('R15: a barrier whose predecessor is missing is not taken, and the answer names the last that may be common', (t) => {
  for (const [sent, epoch, operation] of [
    [barrier(7, 5, 3), 5, 2],
    [barrier(7, 6, 2), 5, 2],
    [barrier(7, 4, 2), 3, 4],
    [barrier(7, 3, 9), 3, 4],
    [barrier(7, 2, 1), 0, 0],
    [plain(7, 2), 5, 2],
  ] as const) {
    const backup = new Backup(fill(fill(new Replica(), 3, 4), 5, 2));
    t.is(accept(backup, sent), mismatch);
    t.deepEqual(backup.lacking, { epoch, operation });
    t.deepEqual(backup.replica.last, { epoch: 5, operation: 2 });
    t.is(backup.replica.log.next, 6);
  }
});

test('R15: of a batch none of which can be taken the entry that lacks most decides where to go on', (t) => {
  const backup = new Backup(fill(fill(new Replica(), 3, 4), 5, 2));
  for (const sent of [barrier(7, 4, 9), plain(7, 2), barrier(8, 7, 2), plain(8, 2)]) {
    t.is(accept(backup, { ...sent, configuration: 9 }), mismatch);
    t.deepEqual(backup.lacking, { epoch: 3, operation: 4 });
  }
  // What came from behind that is taken, and from then on a gap is judged by itself.
  for (const sent of [barrier(4, 3, 4), plain(4, 2)]) t.is(accept(backup, { ...sent, configuration: 9 }), held);
  t.is(accept(backup, { ...barrier(7, 4, 9), configuration: 9 }), mismatch);
  t.deepEqual(backup.lacking, { epoch: 4, operation: 2 });
});

test('R15: what is committed is never cut off', (t) => {
  const backup = backupAt(4);
  backup.committed(5, 3);
  const { raw } = barrier(6, 5, 2);
  t.true(backup.cutsCommitted(backup.placeOf(6, 1, raw, 0)));
  t.throws(() => accept(backup, barrier(6, 5, 2)), { name: 'AssertionError', message: /R15/ });
});

test('R15: an entry of a former epoch that goes on otherwise below the commit point would cut it off, too', (t) => {
  const backup = new Backup(fill(fill(new Replica(), 3, 2), 5, 2));
  backup.committed(5, 1);
  t.true(backup.cutsCommitted(backup.placeOf(3, 3, plainEntry(3), 0)));
  t.false(backup.cutsCommitted(backup.placeOf(3, 2, plainEntry(2), 0)));
});

test('R15: nothing else would cut anything committed off', (t) => {
  const backup = backupAt(4);
  backup.committed(5, 3);
  const harmless: Sent[] = [barrier(6, 5, 3), barrier(6, 5, 9), barrier(5, 0, 0), plain(5, 5), plain(6, 2)];
  for (const { epoch, operation, raw } of harmless)
    t.false(backup.cutsCommitted(backup.placeOf(epoch, operation, raw, 0)));
});

test('R15: a barrier that was committed so long ago that it is forgotten cuts nothing off', (t) => {
  const backup = new Backup(fill(fill(fill(new Replica(), 3, 2), 5, 2), 6, 3));
  backup.committed(6, 2);
  backup.replica.dropBefore(backup.replica.commit);
  t.false(backup.cutsCommitted(backup.placeOf(3, 1, barrierAfter(0, 0), 0)));
  t.is(accept(backup, barrier(3, 0, 0)), held);
});

test('the entry before all that is kept keeps its name: the next one names it', (t) => {
  const backup = new Backup(fill(fill(new Replica(), 3, 2), 5, 1));
  backup.committed(5, 1);
  backup.replica.dropBefore(2);
  backup.replica.truncate(3);
  t.deepEqual(backup.replica.epochs.lastBefore(2), { epoch: 3, operation: 2 });
});

test('what was committed and dropped counts as held', (t) => {
  const backup = new Backup(fill(fill(new Replica(), 5, 3), 6, 3));
  backup.committed(6, 2);
  backup.replica.dropBefore(backup.replica.commit);
  t.is(accept(backup, barrier(5, 0, 0)), held);
  t.is(accept(backup, plain(5, 2)), held);
  t.is(accept(backup, plain(6, 2)), held);
  t.is(backup.replica.log.next, 6);
});

test('R15: an entry of an epoch that came to nothing is not mistaken for one that is held', (t) => {
  const backup = new Backup(fill(fill(new Replica(), 3, 2), 6, 2));
  t.is(accept(backup, { ...plain(4, 2), configuration: 8 }), mismatch);
  t.is(accept(backup, { ...plain(3, 3), configuration: 8 }), held);
  t.deepEqual(describeLog(backup.replica.log), ['3.1 barrier 0.0', '3.2 entry 2', '3.3 entry 3']);
});

test('the commit point never passes what is held, and never goes back', (t) => {
  const backup = backupAt(3);
  t.true(backup.committed(5, 2));
  t.is(backup.replica.commit, 2);
  t.false(backup.committed(5, 1));
  t.true(backup.committed(5, 10));
  t.is(backup.replica.commit, 3);
  accept(backup, plain(5, 4));
  t.is(backup.replica.commit, 3);
});

test('R5: only the commit point of the last epoch held counts', (t) => {
  const backup = backupAt(3);
  t.false(backup.committed(4, 3));
  t.false(backup.committed(6, 3));
  t.is(backup.replica.commit, 0);
});

test('R5: a new epoch without a commit point of its own says nothing of the one before', (t) => {
  const backup = backupAt(3);
  accept(backup, barrier(6, 5, 3));
  t.false(backup.committed(6, 0));
  t.is(backup.replica.commit, 0);
  t.true(backup.committed(6, 1));
  t.is(backup.replica.commit, 4);
});

test('R21: after a snapshot the log goes on behind it', (t) => {
  const backup = backupAt(4);
  const { replica } = backup;
  replica.restart(
    20,
    [
      { epoch: 5, start: 0 },
      { epoch: 7, start: 17 },
    ],
    3000,
    50,
  );
  t.deepEqual(replica.last, { epoch: 7, operation: 3 });
  t.deepEqual([replica.commit, replica.log.first, replica.log.next], [20, 20, 20]);
  t.is(accept(backup, plain(7, 3)), held);
  t.is(accept(backup, plain(5, 9)), held);
  t.is(accept(backup, plain(7, 5)), mismatch);
  t.is(accept(backup, plain(7, 4)), held);
  t.is(replica.log.next, 21);
  t.true(backup.committed(7, 4));
  t.is(replica.commit, 21);
});

test('R21: no snapshot takes back what is committed', (t) => {
  const backup = backupAt(4);
  backup.committed(5, 4);
  const start = [{ epoch: 5, start: 0 }];
  t.throws(() => backup.replica.restart(3, start, 3000, 50), { name: 'AssertionError', message: /R21/ });
});

test('R9: a replica that begins anew holds nothing and takes the first barrier', (t) => {
  const backup = backupAt(4);
  backup.committed(5, 4);
  backup.replica.forget();
  t.true(backup.replica.isEmpty);
  t.is(accept(backup, barrier(9, 0, 0)), held);
  t.deepEqual(describeLog(backup.replica.log), ['9.1 barrier 0.0']);
});

test('R23: it knows when the last entry came, and what time that one had', (t) => {
  const backup = new Backup(new Replica());
  accept(backup, { ...barrier(5, 0, 0), nowMs: 400 });
  t.deepEqual([backup.replica.lastTimeMs, backup.replica.lastTakenAtMs], [1000, 400]);
});
