/** What a replica takes into its log, and what not. */
import test from 'ava';
import { isEntry, stageNamedBy } from '../../src/node/entry-check.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import * as bodies from '../helpers/bodies.ts';

/** An entry of a client's write. */
function entry(kind: number, flags: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const body = bodies.write({ attachment: 7n, sequence: 1, key: 'key', flags, payload }).subarray(4);
  return Buffer.concat([Buffer.from([kind]), bodies.u48(1000), body]);
}

function isTaken(bytes: Buffer): boolean {
  return isEntry(bytes, 0, bytes.length);
}

test('L8: a release that names a staged value stores it, or is none', (t) => {
  const reference = bodies.stageReference(5, 70_000);
  const storing = entry(EntryKind.release, bodies.STORE | bodies.STAGED, reference);
  t.true(isTaken(storing));
  t.is(stageNamedBy(storing, 0), 5);
  t.false(isTaken(entry(EntryKind.release, bodies.STAGED, reference)));
  t.false(isTaken(entry(EntryKind.release, bodies.STORE | bodies.STAGED, reference.subarray(1))));
  t.true(isTaken(entry(EntryKind.release, bodies.STORE, Buffer.from('v'))));
});

test('L9: a fence is whole, and what it guards is there', (t) => {
  const fence = bodies.fence(9n, 'lock');
  t.true(isTaken(entry(EntryKind.put, bodies.FENCED, Buffer.concat([Buffer.from('v'), fence]))));
  t.true(isTaken(entry(EntryKind.put, bodies.FENCED, fence)), 'an empty value');
  t.true(isTaken(entry(EntryKind.remove, bodies.FENCED, fence)));
  t.true(isTaken(entry(EntryKind.increment, bodies.FENCED, Buffer.concat([bodies.i64(1n), fence]))));
  t.false(isTaken(entry(EntryKind.increment, bodies.FENCED, fence)), 'no summand');
  t.false(isTaken(entry(EntryKind.put, bodies.FENCED, Buffer.alloc(9))));
  t.false(isTaken(entry(EntryKind.put, bodies.FENCED, Buffer.concat([Buffer.alloc(8), bodies.u16(0xffff)]))));
  const staged = bodies.FENCED | bodies.STAGED;
  t.true(isTaken(entry(EntryKind.put, staged, Buffer.concat([bodies.stageReference(5, 9), fence]))));
  t.false(isTaken(entry(EntryKind.put, staged, fence)), 'no reference');
});
