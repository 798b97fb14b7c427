/** A partition at one of its backups: records of APND frames in, acknowledgements and applied state out. */
import test from 'ava';
import { Arena } from '../../src/base/arena.ts';
import { PartitionBackup } from '../../src/node/partition-backup.ts';
import { AckStatus } from '../../src/protocol/peer-codec.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import { attach, u16, u32, u48, write } from '../helpers/bodies.ts';

const ATTACHMENT = (5n << 32n) | 2n;

interface RecordParts {
  readonly epoch?: number;
  readonly operation: number;
  readonly commit?: number;
  readonly kind: number;
  readonly body?: Uint8Array;
}

/** A record as it stands behind its length, with something around it. */
function record(parts: RecordParts): Buffer {
  const { epoch = 5, operation, commit = 0, kind, body = Buffer.alloc(0) } = parts;
  const head = [u16(7), u32(epoch), u32(operation), u32(commit), Buffer.from([kind]), u48(1000)];
  return Buffer.concat([Buffer.from('....'), ...head, body, Buffer.from('..')]);
}

const barrier = (epoch = 5): RecordParts => ({
  epoch,
  operation: 1,
  kind: EntryKind.barrier,
  body: Buffer.concat([u32(0), u32(0)]),
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

/** Takes the records, one after the other, from the primary's life 0 if nothing else is said. */
function take(partition: PartitionBackup, records: readonly RecordParts[], life = 0): boolean[] {
  return records.map((parts) => {
    const bytes = record(parts);
    return partition.record(life, bytes, 4, bytes.length - 2);
  });
}

function newBackup(staged: Map<number, Uint8Array> = new Map()): PartitionBackup {
  return new PartitionBackup(7, 0, new Arena(), (stage) => staged.get(stage) as Uint8Array);
}

test('an entry calls for an acknowledgement, a commit point does not', (t) => {
  const partition = newBackup();
  t.deepEqual(take(partition, [barrier(), attached]), [true, true]);
  t.is(partition.ackStatus, AckStatus.held);
  t.deepEqual(take(partition, [{ operation: 2, commit: 2, kind: EntryKind.commitOnly }]), [false]);
  t.is(partition.backup.operation, 2);
});

test('R16: what is committed is applied, and nothing else', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached, put(3, 'a'), put(4, 'b')]);
  t.is(partition.state.keys.size, 0);
  take(partition, [{ operation: 4, commit: 3, kind: EntryKind.commitOnly }]);
  t.is(partition.state.keys.size, 1);
  take(partition, [put(5, 'c', 4)]);
  t.is(partition.state.keys.size, 2);
  t.is(partition.log.first, 4);
  t.is(partition.log.next, 5);
});

test('R6: after a gap the acknowledgement says where to go on', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached, put(4, 'b')]);
  t.is(partition.ackStatus, AckStatus.mismatch);
  t.is(partition.backup.operation, 2);
  take(partition, [put(3, 'a'), put(4, 'b')]);
  t.is(partition.ackStatus, AckStatus.held);
});

test('R4: a new life of the primary is refused, and its commit point means nothing', (t) => {
  const partition = newBackup();
  take(partition, [barrier(), attached, put(3, 'a')]);
  take(partition, [{ ...barrier(), epoch: 6 }], 1);
  t.is(partition.ackStatus, AckStatus.refused);
  t.deepEqual(take(partition, [{ operation: 3, commit: 3, kind: EntryKind.commitOnly }], 1), [false]);
  t.is(partition.state.keys.size, 0);
});

test('R4: a new life is followed while only barriers were taken, committed or not', (t) => {
  for (const commit of [0, 1]) {
    const partition = newBackup();
    take(partition, [barrier(), { operation: 1, commit, kind: EntryKind.commitOnly }]);
    take(partition, [barrier(6), { ...attached, epoch: 6 }], 1);
    t.is(partition.ackStatus, AckStatus.held);
    take(partition, [{ epoch: 6, operation: 2, commit: 2, kind: EntryKind.commitOnly }], 1);
    t.is(partition.state.attachments.size, 1);
    t.truthy(partition.state.attachments.find(6, 2));
  }
});

test('R4: told that entries existed, it refuses a life that does not know of them, and answers nothing', (t) => {
  const partition = newBackup();
  t.deepEqual(take(partition, [{ operation: 0, kind: EntryKind.existed }]), [false]);
  take(partition, [barrier(6)], 1);
  t.is(partition.ackStatus, AckStatus.refused);
});

test('R2: a lower epoch is answered with the higher one', (t) => {
  const partition = newBackup();
  take(partition, [barrier(9)]);
  take(partition, [barrier(8)], 1);
  t.is(partition.ackStatus, AckStatus.staleEpoch);
  t.is(partition.backup.epoch, 9);
});

test('a staged value is taken over when its entry is applied', (t) => {
  const staged = new Map([[3, new Uint8Array(70_000).fill(5)]]);
  const partition = newBackup(staged);
  const reference = Buffer.concat([u32(3), u32(70_000)]);
  const body = write({ attachment: ATTACHMENT, sequence: 1, key: 'large', flags: 2, payload: reference });
  take(partition, [barrier(), attached, { operation: 3, kind: EntryKind.put, body: body.subarray(4) }]);
  t.is(partition.state.keys.size, 0);
  take(partition, [{ operation: 3, commit: 3, kind: EntryKind.commitOnly }]);
  const slot = partition.state.keys.next(0);
  t.is(partition.state.keys.largeValue(slot), staged.get(3) as Uint8Array);
});
