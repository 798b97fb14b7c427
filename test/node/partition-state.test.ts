/** What entries do when they are applied, beside what a primary would let through. */
import test from 'ava';
import { Arena } from '../../src/base/arena.ts';
import { ApplyStatus, PartitionState } from '../../src/node/partition-state.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import { ReplicationLog } from '../../src/replication/replication-log.ts';
import { attach, STAGED, stageReference, u32, type WriteParts, write } from '../helpers/bodies.ts';
import { revisionOf } from './support/caller.ts';

/** A state, and a log of which every entry is applied as it comes. Operations count from 1 in epoch 9. */
class Applied {
  readonly stages = new Map<number, Uint8Array>();
  readonly state: PartitionState = new PartitionState(new Arena(), (stage) => this.#take(stage));
  readonly #log = new ReplicationLog();
  #operation = 0;

  #take(stage: number): Uint8Array {
    const value = this.stages.get(stage) as Uint8Array;
    this.stages.delete(stage);
    return value;
  }

  /** Gives the status. */
  entry(kind: number, body: Uint8Array, timeMs = 1000): number {
    this.#operation += 1;
    this.state.apply(this.#log, this.#log.append(9, this.#operation, kind, timeMs, body, 0, body.length));
    return this.state.status;
  }

  attach(name: string): number {
    const session = Buffer.alloc(16, name);
    return this.entry(EntryKind.attach, attach({ partition: 7, session, name }).subarray(4));
  }

  detach(attachment: string): number {
    return this.entry(EntryKind.detach, revisionBytes(attachment));
  }

  write(kind: number, attachment: string, parts: Omit<WriteParts, 'attachment' | 'mark'> & { mark?: number }): number {
    return this.entry(kind, write({ attachment: revisionOf(attachment), mark: 0, ...parts }).subarray(4));
  }
}

function revisionBytes(revision: string): Buffer {
  const value = revisionOf(revision);
  return Buffer.concat([u32(Number(value >> 32n)), u32(Number(value & 0xffff_ffffn))]);
}

test('R22: an entry of a session that is gone has no effect', (t) => {
  const applied = new Applied();
  applied.attach('a');
  applied.detach('9.1');
  t.is(applied.write(EntryKind.put, '9.1', { sequence: 1, key: 'k', payload: 'v' }), ApplyStatus.noSession);
  t.is(applied.write(EntryKind.acquire, '9.1', { sequence: 2, key: 'k' }), ApplyStatus.noSession);
  t.is(applied.state.keys.size, 0);
  t.is(applied.state.locks.size, 0);
});

test('R22: the staged value of an entry without effect is let go of', (t) => {
  const applied = new Applied();
  applied.stages.set(4, new Uint8Array(10));
  applied.write(EntryKind.put, '9.1', { sequence: 1, key: 'k', flags: STAGED, payload: stageReference(4, 10) });
  t.is(applied.stages.size, 0);
});

test('R22: an entry that comes twice has one effect, and both have its outcome', (t) => {
  const applied = new Applied();
  applied.attach('a');
  const increment = { sequence: 1, key: 'n', payload: Buffer.from([0, 0, 0, 0, 0, 0, 0, 5]) };
  for (let count = 0; count < 2; count += 1) {
    t.is(applied.write(EntryKind.increment, '9.1', increment), ApplyStatus.applied);
    t.deepEqual([applied.state.epoch, applied.state.operation, applied.state.payloadLow], [9, 2, 5]);
  }
  for (let count = 0; count < 2; count += 1) {
    t.is(applied.write(EntryKind.acquire, '9.1', { sequence: 2, key: 'l' }), ApplyStatus.granted);
    t.is(applied.state.operation, 4);
  }
  t.is(applied.state.locks.size, 1);
});

test('R22: a wait that is appended twice waits once', (t) => {
  const applied = new Applied();
  applied.attach('a');
  applied.attach('b');
  applied.write(EntryKind.acquire, '9.1', { sequence: 1, key: 'l' });
  const wait = { sequence: 1, key: 'l', span: 1000 };
  for (let count = 0; count < 2; count += 1) {
    t.is(applied.write(EntryKind.acquire, '9.2', wait), ApplyStatus.queued);
    t.is(applied.state.queuedRequest, applied.state.locks.waiterOf(1, 1));
    t.is(applied.state.locks.waiting, 1);
  }
  applied.write(EntryKind.release, '9.1', { sequence: 2, key: 'l', revision: revisionOf('9.3') });
  t.is(applied.write(EntryKind.acquire, '9.2', wait), ApplyStatus.granted);
  t.is(applied.state.operation, 6);
  applied.write(EntryKind.release, '9.2', { sequence: 2, key: 'l', revision: revisionOf('9.6') });
  t.is(applied.write(EntryKind.acquire, '9.2', wait), ApplyStatus.busy);
});

test('R22: what comes when its answer was received has no effect', (t) => {
  const applied = new Applied();
  applied.attach('a');
  applied.write(EntryKind.put, '9.1', { sequence: 7, mark: 7, key: 'n', payload: '1' });
  applied.stages.set(4, new Uint8Array(10));
  const staged = { flags: STAGED, payload: stageReference(4, 10) };
  t.is(applied.write(EntryKind.put, '9.1', { sequence: 6, key: 'k', ...staged }), ApplyStatus.forgotten);
  t.is(applied.stages.size, 0);
  const one = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);
  t.is(applied.write(EntryKind.increment, '9.1', { sequence: 5, key: 'n', payload: one }), ApplyStatus.forgotten);
  t.is(applied.write(EntryKind.acquire, '9.1', { sequence: 4, key: 'l' }), ApplyStatus.busy);
  t.deepEqual([applied.state.keys.size, applied.state.locks.size], [1, 0]);
  t.is(applied.write(EntryKind.increment, '9.1', { sequence: 8, key: 'n', payload: one }), ApplyStatus.applied);
  t.is(applied.state.payloadLow, 2);
});

test('R22: a wait that outlives the mark, appended again, is told what has become of it', (t) => {
  const applied = new Applied();
  applied.attach('a');
  applied.attach('b');
  applied.write(EntryKind.acquire, '9.1', { sequence: 1, key: 'l' });
  const wait = { sequence: 1, key: 'l', span: 1000 };
  applied.write(EntryKind.acquire, '9.2', wait);
  applied.write(EntryKind.put, '9.2', { sequence: 2, mark: 2, key: 'k', payload: 'v' });
  t.is(applied.write(EntryKind.acquire, '9.2', wait), ApplyStatus.queued);
  t.is(applied.state.queuedRequest, applied.state.locks.waiterOf(1, 1));
  t.is(applied.state.locks.waiting, 1);
  applied.write(EntryKind.release, '9.1', { sequence: 2, key: 'l', revision: revisionOf('9.3') });
  t.is(applied.write(EntryKind.acquire, '9.2', wait), ApplyStatus.granted);
  t.deepEqual([applied.state.operation, applied.state.locks.size], [7, 1]);
});

test('L5: a grant to a waiter checks that its session is still there', (t) => {
  const applied = new Applied();
  applied.attach('a');
  applied.attach('b');
  applied.write(EntryKind.acquire, '9.1', { sequence: 1, key: 'l' });
  applied.write(EntryKind.acquire, '9.2', { sequence: 1, key: 'l', span: 1000 });
  applied.detach('9.2');
  t.is(applied.state.locks.endedCount, 1);
  applied.write(EntryKind.release, '9.1', { sequence: 2, key: 'l', revision: revisionOf('9.3') });
  t.is(applied.state.locks.grantedCount, 0);
  t.is(applied.state.locks.size, 0);
});

test('R23: an expiry removes only the value it names', (t) => {
  const applied = new Applied();
  applied.attach('a');
  const expiry = (revision: string): Buffer =>
    Buffer.concat([revisionBytes(revision), Buffer.from([0, 1]), Buffer.from('k')]);
  applied.write(EntryKind.put, '9.1', { sequence: 1, key: 'k', payload: 'v', span: 10 });
  applied.entry(EntryKind.expireKey, expiry('9.1'));
  applied.entry(EntryKind.expireKey, expiry('8.2'));
  t.is(applied.state.keys.size, 1);
  t.is(applied.entry(EntryKind.expireKey, expiry('9.2')), ApplyStatus.internal);
  t.is(applied.state.keys.size, 0);
  applied.entry(EntryKind.expireKey, expiry('9.2'));
  t.is(applied.state.keys.size, 0);
});

test('R23: the time to live counts from the time of the entry', (t) => {
  const applied = new Applied();
  applied.attach('a');
  const body = write({ attachment: revisionOf('9.1'), sequence: 1, key: 'k', payload: 'v', span: 2 ** 47 }).subarray(4);
  applied.entry(EntryKind.put, body, 2 ** 41);
  t.is(applied.state.keys.earliestDeadlineMs(), 2 ** 47 + 2 ** 41);
});

test('what is held is counted', (t) => {
  const applied = new Applied();
  const empty = applied.state.bytes;
  applied.attach('a');
  const attached = applied.state.bytes;
  applied.write(EntryKind.put, '9.1', { sequence: 1, key: 'k', payload: Buffer.alloc(5000) });
  t.true(attached > empty);
  t.true(applied.state.bytes >= attached + 5000);
});

test('a session may have the longest name, in any script', (t) => {
  const applied = new Applied();
  const name = 'ж'.repeat(127);
  applied.entry(EntryKind.attach, attach({ partition: 7, session: Buffer.alloc(16), name }).subarray(4));
  t.is([...applied.state.attachments][0]?.name, name);
});
