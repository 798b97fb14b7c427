/** A partition at one of its backups: records of APND frames in, acknowledgements and applied state out. */
import test from 'ava';
import { Arena } from '../../src/base/arena.ts';
import { PartitionBackup } from '../../src/node/partition-backup.ts';
import { PartitionReplica } from '../../src/node/partition-replica.ts';
import { PartitionState } from '../../src/node/partition-state.ts';
import { Stages } from '../../src/node/stages.ts';
import { AckStatus } from '../../src/protocol/peer-codec.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import { attach, u16, u32, u48, write } from '../helpers/bodies.ts';

const ATTACHMENT = (5n << 32n) | 2n;

interface RecordParts {
  readonly configuration?: number;
  readonly epoch?: number;
  readonly operation: number;
  readonly commit?: number;
  readonly kind: number;
  readonly body?: Uint8Array;
}

/** A record as it stands behind its length, with something around it. */
function record(parts: RecordParts): Buffer {
  const { epoch = 5, configuration = epoch, operation, commit = 0, kind, body = Buffer.alloc(0) } = parts;
  const numbers = [u16(7), u32(configuration), u32(epoch), u32(operation), u32(commit)];
  const whole = Buffer.concat([...numbers, Buffer.from([kind]), u48(1000), body]);
  return Buffer.concat([u32(whole.length), whole, Buffer.from('..')]);
}

const barrier = (epoch = 5, beforeEpoch = 0, beforeOperation = 0): RecordParts => ({
  epoch,
  operation: 1,
  kind: EntryKind.barrier,
  body: Buffer.concat([u32(beforeEpoch), u32(beforeOperation)]),
});
const attached: RecordParts = {
  operation: 2,
  kind: EntryKind.attach,
  body: attach({ partition: 7, session: Buffer.alloc(16, 1) }).subarray(4),
};

function put(operation: number, key: string, commit = 0): RecordParts {
  const body = write({ attachment: ATTACHMENT, sequence: operation, mark: 1, key, payload: 'value' });
  return { operation, kind: EntryKind.put, body: body.subarray(4), commit };
}

const NOW_MS = 400;

/** Takes the records, one after the other. */
function take(partition: PartitionBackup, records: readonly RecordParts[]): boolean[] {
  return records.map((parts) => {
    const bytes = record(parts);
    return partition.record(bytes, 0, bytes.length - 2, NOW_MS);
  });
}

/** Whether a record may be taken at all, with what has been staged. */
function canTake(partition: PartitionBackup, parts: RecordParts, stages: Stages = new Stages(9, () => true)): boolean {
  return partition.canTake(record(parts), 0, stages);
}

/** It follows member 0 in epoch 5, if no other is named. */
function newBackup(kept: PartitionReplica = newKept(), epoch = 5): PartitionBackup {
  return new PartitionBackup(kept, epoch, 0);
}

function newKept(): PartitionReplica {
  return new PartitionReplica(7, (takeStage) => new PartitionState(new Arena(), takeStage));
}

test('an entry calls for an acknowledgement, a commit point does not', (t) => {
  const partition = newBackup();
  t.false(partition.heard);
  t.deepEqual(take(partition, [barrier(), attached]), [true, true]);
  t.true(partition.heard);
  t.is(partition.ackStatus, AckStatus.held);
  t.deepEqual(take(partition, [{ operation: 2, commit: 2, kind: EntryKind.commitOnly }]), [false]);
  t.deepEqual(partition.kept.replica.last, { epoch: 5, operation: 2 });
});

test('R16: what is committed is applied, and nothing else', (t) => {
  const partition = newBackup();
  const { kept } = partition;
  take(partition, [barrier(), attached, put(3, 'a'), put(4, 'b')]);
  t.is(kept.state.keys.size, 0);
  take(partition, [{ operation: 4, commit: 3, kind: EntryKind.commitOnly }]);
  t.is(kept.state.keys.size, 1);
  take(partition, [put(5, 'c', 4)]);
  t.is(kept.state.keys.size, 2);
  t.deepEqual([kept.applied, kept.log.first, kept.log.next], [4, 4, 5]);
});

test('R6: after a gap the acknowledgement says where to go on', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached, put(4, 'b')]);
  t.is(partition.ackStatus, AckStatus.mismatch);
  t.deepEqual(partition.backup.lacking, { epoch: 5, operation: 2 });
  take(partition, [put(3, 'a'), put(4, 'b')]);
  t.is(partition.ackStatus, AckStatus.held);
});

test('R2: whoever begins to follow promises the epoch', (t) => {
  const { kept } = newBackup(newKept(), 9);
  t.is(kept.replica.promised, 9);
  t.throws(() => newBackup(kept, 8), { name: 'AssertionError', message: /R2/ });
});

test('R15: it tells its new primary where its log ends', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached, put(3, 'a')]);
  const next = newBackup(partition.kept, 8);
  next.announce(700);
  t.is(next.ackStatus, AckStatus.mismatch);
  t.deepEqual(next.backup.lacking, { epoch: 5, operation: 3 });
  t.deepEqual([next.heard, next.announcedAtMs], [false, 700]);
});

test('R16: a log outlives the change of roles, and only what differs is cut off', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached, put(3, 'a', 2), put(4, 'b')]);
  const next = newBackup(partition.kept, 8);
  take(next, [barrier(8, 5, 3), { epoch: 8, operation: 1, commit: 1, kind: EntryKind.commitOnly }]);
  t.is(next.ackStatus, AckStatus.held);
  t.is(next.backup.truncated, 1);
  t.is(next.kept.state.keys.size, 1);
  t.is(next.kept.log.next, 4);
});

test('R15: a record that would cut off what is committed is not to be taken', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached, put(3, 'a', 2)]);
  t.false(canTake(partition, barrier(6, 5, 1)));
  t.true(canTake(partition, barrier(6, 5, 2)));
  t.true(canTake(partition, put(4, 'b')));
});

test('R23: it knows when the last entry came', (t) => {
  const { kept } = newBackup();
  take(newBackup(kept), [barrier()]);
  t.deepEqual([kept.replica.lastTimeMs, kept.replica.lastTakenAtMs], [1000, NOW_MS]);
});

function stagedPut(operation: number, stage: number): RecordParts {
  const reference = Buffer.concat([u32(stage), u32(4)]);
  const body = write({ attachment: ATTACHMENT, sequence: operation, key: 'large', flags: 2, payload: reference });
  return { operation, kind: EntryKind.put, body: body.subarray(4) };
}

function staged(number: number): Stages {
  const stages = new Stages(9, () => true);
  const piece = Buffer.concat([u32(number), u32(4), u32(0), Buffer.from('abcd')]);
  stages.receive(piece, 0, piece.length);
  return stages;
}

test('a value in pieces is taken over when an entry names it, and stored when the entry is applied', (t) => {
  const partition = newBackup();
  const { kept } = partition;
  take(partition, [barrier(), attached]);
  const entry = stagedPut(3, 6);
  const stages = staged(6);
  t.true(canTake(partition, entry, stages));
  t.deepEqual([stages.bytes, kept.namedBytes], [0, 4]);
  take(partition, [entry]);
  t.is(kept.state.keys.size, 0);
  take(partition, [{ operation: 3, commit: 3, kind: EntryKind.commitOnly }]);
  t.is(kept.state.keys.size, 1);
  t.is(kept.namedBytes, 0);
});

test('an entry that names a value which is not there is not to be taken, unless it lacks something before', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached]);
  t.false(canTake(partition, stagedPut(3, 6)));
  t.true(canTake(partition, stagedPut(4, 6)));
  const entry = stagedPut(3, 6);
  t.true(canTake(partition, entry, staged(6)));
  take(partition, [entry]);
  t.true(canTake(partition, entry));
});

test('R15: a value is taken over by an entry that cuts off what follows another epoch, too', (t) => {
  const partition = newBackup();
  const { kept } = partition;
  take(partition, [barrier(), attached, barrier(6, 5, 2)]);
  const next = newBackup(kept, 8);
  const entry = stagedPut(3, 6);
  t.true(canTake(next, entry, staged(6)));
  take(next, [entry, { ...barrier(8, 5, 3) }, { epoch: 8, operation: 1, commit: 1, kind: EntryKind.commitOnly }]);
  t.is(kept.state.keys.size, 1);
});

test('R15: a value that only a cut off entry named is let go', (t) => {
  const partition = newBackup();
  const { kept } = partition;
  take(partition, [barrier(), attached]);
  for (const [operation, stage] of [
    [3, 6],
    [4, 7],
  ] as const) {
    canTake(partition, stagedPut(operation, stage), staged(stage));
    take(partition, [stagedPut(operation, stage)]);
  }
  take(newBackup(kept, 8), [barrier(8, 5, 3)]);
  t.deepEqual([kept.hasNamed(6), kept.hasNamed(7), kept.namedBytes], [true, false, 4]);
});
