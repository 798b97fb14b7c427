import test from 'ava';
import fc from 'fast-check';
import { type Attachment, RecordStatus } from '../../src/replication/attachment.ts';
import { Attachments } from '../../src/replication/attachments.ts';

function add(attachments: Attachments, session: string, epoch: number, operation: number): Attachment {
  return attachments.add(epoch, operation, session, 'host:1', 10_000);
}

test('R22: a session is found by the entry that attached it, epoch and operation', (t) => {
  const attachments = new Attachments();
  const attachment = add(attachments, 'ab', 9, 2);
  t.is(attachments.find(9, 2), attachment);
  t.is(attachments.find(8, 2), undefined);
  t.is(attachments.find(9, 3), undefined);
  t.is(attachments.ofSession('ab'), attachment);
  t.is(attachments.atSlot(attachment.slot), attachment);
  t.is(attachments.size, 1);
});

test('R22: attached again it is somebody else, and nothing of the former attachment counts', (t) => {
  const attachments = new Attachments();
  const former = add(attachments, 'ab', 9, 2);
  attachments.remove(former);
  const present = add(attachments, 'ab', 9, 7);
  t.is(attachments.find(9, 2), undefined);
  t.is(attachments.ofSession('ab'), present);
  t.is(present.slot, former.slot);
});

test('R22: the same operation of two epochs attaches two sessions', (t) => {
  const attachments = new Attachments();
  const older = add(attachments, 'ab', 9, 2);
  const newer = add(attachments, 'cd', 10, 2);
  t.is(attachments.find(9, 2), older);
  t.is(attachments.find(10, 2), newer);
  attachments.remove(older);
  t.is(attachments.find(9, 2), undefined);
  t.is(attachments.find(10, 2), newer);
});

test('R22: records far ahead of the mark are counted as memory as long as their session is there', (t) => {
  const attachments = new Attachments();
  const [one, other] = [add(attachments, 'ab', 9, 2), add(attachments, 'cd', 9, 3)];
  const { bytes } = attachments;
  for (const ahead of [7, 5]) one.record(ahead, 0, RecordStatus.applied, 9, 4, 0, 0);
  t.is(attachments.bytes, bytes, 'a few each has');
  t.is(one.recordBytesNeeded(60, 0), 0);
  const needed = one.recordBytesNeeded(1000, 0);
  t.true(needed > 1000 * 8);
  for (const ahead of [1000, 1001, 300]) one.record(ahead, 0, RecordStatus.applied, 9, 4, 0, 0);
  t.is(attachments.bytes, bytes + needed);
  t.is(one.recordBytesNeeded(1002, 0), 0);
  t.is(one.recordBytesNeeded(6000, 5999), 0, 'behind a mark that moves');
  t.is(other.recordBytesNeeded(1000, 0), needed);
  attachments.remove(one);
  t.true(attachments.bytes < bytes);
  const { bytes: without } = attachments;
  attachments.remove(add(attachments, 'ab', 9, 9));
  t.is(attachments.bytes, without);
});

test('finds what a list would, however sessions come and go', (t) => {
  const revision = fc.record({ epoch: fc.integer({ min: 1, max: 3 }), operation: fc.integer({ min: 1, max: 3 }) });
  const run = fc.property(fc.array(revision, { maxLength: 40 }), (revisions) => {
    const attachments = new Attachments();
    const model = new Map<string, Attachment>();
    for (const { epoch, operation } of revisions) {
      const session = `${epoch}.${operation}`;
      const known = model.get(session);
      if (known === undefined) model.set(session, add(attachments, session, epoch, operation));
      else attachments.remove(known);
      if (known !== undefined) model.delete(session);
      for (const [name, attachment] of model) {
        const [e, o] = name.split('.').map(Number) as [number, number];
        t.is(attachments.find(e, o), attachment);
        t.is(attachments.atSlot(attachment.slot), attachment);
      }
      t.is(attachments.find(epoch, operation), model.get(session));
      t.deepEqual(new Set(attachments), new Set(model.values()));
    }
  });
  fc.assert(run);
});
