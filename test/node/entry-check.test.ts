/** What a replica takes into its log, and what not. */
import test from 'ava';
import { isEntry, stageNamedBy } from '../../src/node/entry-check.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import * as bodies from '../helpers/bodies.ts';

/** An entry of a client's write. */
function entry(kind: number, flags: number, payload: Uint8Array = Buffer.alloc(0), revision = 0n): Buffer {
  const body = bodies.write({ attachment: 7n, sequence: 1, key: 'key', flags, payload, revision }).subarray(4);
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

test('L7: what an acquire asks for is nothing, or whole', (t) => {
  const acquire = (payload: Uint8Array): boolean => isTaken(entry(EntryKind.acquire, 0, payload));
  const labelled = (label: string): Buffer => bodies.lockOf(3, { flow: 2 ** 32 - 1, delayMs: 2 ** 32 - 1, label });
  t.true(acquire(Buffer.alloc(0)), 'exclusive');
  for (let mode = 0; mode < 6; mode += 1) t.true(acquire(bodies.lockOf(mode)));
  t.false(acquire(bodies.lockOf(6)), 'no mode');
  t.false(acquire(bodies.lockOf(255)), 'no mode');
  for (let length = 1; length < 9; length += 1) t.false(acquire(bodies.lockOf(3).subarray(0, length)), `${length}`);
  t.true(acquire(labelled('l'.repeat(255))));
  t.false(acquire(labelled('l'.repeat(256))), 'too long a label');
});

test('L7: a conversion names a mode and a grant, and nothing else', (t) => {
  const convert = (payload: Uint8Array): boolean => isTaken(entry(EntryKind.acquire, 0, payload, 9n));
  t.true(convert(bodies.conversionOf(3, 0)));
  t.true(convert(bodies.conversionOf(0, -1)));
  t.false(convert(bodies.conversionOf(6, 0)), 'no mode');
  t.false(convert(Buffer.alloc(0)), 'to what?');
  t.false(convert(Buffer.concat([bodies.conversionOf(3, 0), Buffer.alloc(1)])));
  t.false(convert(bodies.conversionOf(3, 0).subarray(0, 4)));
  t.false(convert(bodies.lockOf(3)), 'a request is no conversion');
  t.false(isTaken(entry(EntryKind.acquire, 0, bodies.conversionOf(3, 0))), 'a conversion of no grant');
});

test('L6: a release that names its grant has its sequence, behind all else', (t) => {
  const release = (flags: number, ...payload: Uint8Array[]): boolean =>
    isTaken(entry(EntryKind.release, bodies.NAMES_GRANT | flags, Buffer.concat(payload)));
  const grant = bodies.u32(5);
  t.true(release(0, grant));
  t.false(release(0), 'none');
  t.false(release(0, grant.subarray(1)), 'cut short');
  t.true(release(bodies.STORE, grant), 'an empty value');
  t.true(release(bodies.STORE, Buffer.from('v'), grant));
  const staged = bodies.STORE | bodies.STAGED;
  t.true(release(staged, bodies.stageReference(5, 9), grant));
  t.false(release(staged, bodies.stageReference(5, 9)), 'a value or a grant, not both');
  t.false(release(staged, grant));
});

test('L13: the end of a delay names its key', (t) => {
  const end = (...fields: Uint8Array[]): Buffer =>
    Buffer.concat([Buffer.from([EntryKind.endDelay]), bodies.u48(1000), bodies.u64(9n), ...fields]);
  t.true(isTaken(end(bodies.bytes16(Buffer.from('key')))));
  t.false(isTaken(end(bodies.bytes16(Buffer.alloc(0)))), 'no key');
  t.false(isTaken(end(bodies.u16(4), Buffer.from('key'))), 'cut short');
  t.false(isTaken(end(bodies.u8(0))));
});
