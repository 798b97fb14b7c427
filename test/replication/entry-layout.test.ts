import test from 'ava';
import { ApplyStatus } from '../../src/node/partition-state.ts';
import * as codec from '../../src/protocol/client-codec.ts';
import { AckStatus, RECORD_BODY, RECORD_KIND } from '../../src/protocol/peer-codec.ts';
import { RecordStatus } from '../../src/replication/attachment.ts';
import { AcceptStatus } from '../../src/replication/backup.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import * as layout from '../../src/replication/entry-layout.ts';
import { ENTRY_HEAD_BYTES } from '../../src/replication/replication-log.ts';

test('the kinds of entries have their numbers for ever', (t) => {
  t.deepEqual(Object.entries(EntryKind), [
    ['commitOnly', 0],
    ['barrier', 1],
    ['put', 2],
    ['remove', 3],
    ['increment', 4],
    ['expireKey', 5],
    ['attach', 6],
    ['detach', 7],
    ['acquire', 8],
    ['release', 9],
    ['cancel', 10],
    ['endDelay', 11],
  ]);
});

test('an entry of a write is its request from the attachment on', (t) => {
  const fields = [
    [layout.ENTRY_ATTACH_EPOCH, codec.WRITE_ATTACH_EPOCH],
    [layout.ENTRY_ATTACH_OPERATION, codec.WRITE_ATTACH_OPERATION],
    [layout.ENTRY_SEQUENCE, codec.WRITE_SEQUENCE],
    [layout.ENTRY_MARK, codec.WRITE_MARK],
    [layout.ENTRY_FLAGS, codec.WRITE_FLAGS],
    [layout.ENTRY_SPAN, codec.WRITE_SPAN],
    [layout.ENTRY_EPOCH, codec.WRITE_EPOCH],
    [layout.ENTRY_OPERATION, codec.WRITE_OPERATION],
    [layout.ENTRY_KEY_LENGTH, codec.WRITE_KEY_LENGTH],
    [layout.ENTRY_KEY, codec.WRITE_KEY],
  ];
  for (const [inEntry = -1, inRequest = -1] of fields) t.is(inEntry, inRequest - codec.WRITE_ATTACH_EPOCH);
  t.deepEqual({ ...layout.EntryFlag }, { ...codec.WriteFlag });
});

test('an entry that attaches is its request from the partition on', (t) => {
  const fields = [
    [layout.ATTACH_ENTRY_SESSION, codec.ATTACH_SESSION],
    [layout.ATTACH_ENTRY_LEASE, codec.ATTACH_LEASE],
    [layout.ATTACH_ENTRY_NAME_LENGTH, codec.ATTACH_NAME_LENGTH],
    [layout.ATTACH_ENTRY_NAME, codec.ATTACH_NAME],
  ];
  for (const [inEntry = -1, inRequest = -1] of fields) t.is(inEntry, inRequest - codec.ATTACH_PARTITION);
});

test('an entry is the record of it from the kind on', (t) => {
  t.is(RECORD_BODY - RECORD_KIND, ENTRY_HEAD_BYTES);
  t.deepEqual({ ...AckStatus }, { ...AcceptStatus });
});

test('outcomes that are kept and outcomes that are answered have the same numbers', (t) => {
  const { none: _, pending: __, ...kept } = RecordStatus;
  t.like(ApplyStatus, kept);
});
