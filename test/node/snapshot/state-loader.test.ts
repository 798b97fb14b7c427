/** R21: what is not the snapshot that was sent is found out, ends the loading, and leaves no memory behind. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Arena } from '../../../src/base/arena.ts';
import { writeU32 } from '../../../src/base/bytes.ts';
import { crc32 } from '../../../src/base/crc32.ts';
import { LockMode } from '../../../src/base/lock-mode.ts';
import { KeyvalError } from '../../../src/errors.ts';
import type { LockTable } from '../../../src/lock/lock-table.ts';
import { controlParts } from '../../../src/node/snapshot/control-parts.ts';
import { RequestState } from '../../../src/node/snapshot/layout.ts';
import { StateLoader } from '../../../src/node/snapshot/state-loader.ts';
import { StateSnapshot } from '../../../src/node/snapshot/state-snapshot.ts';
import { emptyState, History, type Step } from './support/history.ts';
import { wholeState } from './support/whole-state.ts';

// What the numbers of a step mean (history.ts).
const EXCLUSIVE = 10;
const LABELLED = 2;
const READ = 1;
const CONCURRENT_READ = 2;
const NULL = 7;
const LOST = 1;

/**
 * A partition with some of everything: locks that are waited for, one that readers share of whom one would rather write and
 * another reads since a while, one that a lost session has left behind, keys small and large.
 */
function sample(further = 1): History {
  const history = new History();
  const take = (what: string, session: number, key: number, drawn: number, more = further): void => {
    const one: Step = { what, session, key, drawn, further: more };
    history.take(one);
  };
  for (let session = 0; session < 5; session += 1) take('attach', session, 0, 0);
  take('detach', 3, 0, 0);
  for (let key = 0; key < 3; key += 1) take('acquire', 0, key, EXCLUSIVE);
  for (const session of [1, 2, 1]) for (let key = 0; key < 3; key += 1) take('acquire', session, key, EXCLUSIVE);
  for (const session of [0, 2]) take('acquire', session, 3, LABELLED, READ);
  for (const session of [1, 4]) take('acquire', session, 3, LABELLED, CONCURRENT_READ);
  take('detach', 4, 0, LOST);
  take('convert', 1, 3, 1, LockMode.protectedRead);
  take('convert', 0, 3, 1, LockMode.exclusive);
  take('acquire', 2, 3, EXCLUSIVE);
  take('cancel', 1, 0, 2);
  take('release', 0, 1, 1);
  for (let key = 0; key < 10; key += 1) take('put', key % 3, key, 9 + key);
  take('staged', 0, 1, 1);
  take('staged', 1, 2, 0);
  return history;
}

function slicesOf({ state, head }: History, bytesMax: number): Uint8Array[] {
  const snapshot = new StateSnapshot(state, head);
  const slices: Uint8Array[] = [];
  for (let slice = snapshot.next(bytesMax); slice !== null; slice = snapshot.next(bytesMax)) slices.push(slice);
  return slices;
}

const BAD = 'refused';

/** Loads them; `refused` when that fails as it must, and the memory is free then. */
function load(t: ExecutionContext, slices: readonly Uint8Array[]): StateLoader | typeof BAD {
  const arena = new Arena();
  const loader = new StateLoader(arena, emptyState);
  try {
    for (const slice of slices) loader.take(slice);
    return loader;
  } catch (error) {
    if (!(error instanceof KeyvalError) || error.code !== 'KV_BAD_FRAME') throw error;
    t.is(arena.usedBytes, 0);
    t.is(loader.bytes, 0);
    t.false(loader.done);
    t.throws(() => loader.take(slices[0] as Uint8Array), { code: 'KV_BAD_FRAME' });
    return BAD;
  }
}

function holdersOf(locks: LockTable, slot: number): string[] {
  const found: string[] = [];
  for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
    const kind = locks.requests.isAbandoned(held) ? 'abandoned' : locks.formerOf(held) ? 'converted' : 'protected';
    found.push(`${kind} ${locks.requests.label(held)}`);
  }
  return found;
}

test('R21: the sample loads', (t) => {
  const history = sample();
  const loader = load(t, slicesOf(history, 400)) as StateLoader;
  t.true(loader.done);
  t.true(loader.bytes > 100_000);
  const state = loader.state();
  t.is(loader.bytes, 0);
  const { locks, attachments } = state;
  t.true(locks.waiting > 3 && locks.requests.freed.length > 0 && attachments.freeSlots.length > 0);
  t.is(locks.requests.abandonedCount, 1);
  const shared = locks.find(Buffer.from('d'), 0, 1);
  t.is(locks.conversionOf(locks.firstConverting(shared))?.mode, LockMode.exclusive);
  t.deepEqual(holdersOf(locks, shared), [
    'protected nightly job',
    'protected nightly job',
    'converted nightly job',
    'abandoned nightly job',
  ]);
  t.deepEqual(wholeState(state), wholeState(history.state));
  t.deepEqual(controlParts(state), controlParts(history.state), 'byte for byte');
  t.throws(() => loader.state(), { message: /once/ });
});

test('R21: a snapshot that ends early is not done, and what is loaded of it counts as memory until it is given up', (t) => {
  const slices = slicesOf(sample(), 2000);
  const arena = new Arena();
  const loader = new StateLoader(arena, emptyState);
  t.is(loader.head, null);
  for (const slice of slices.slice(0, -1)) loader.take(slice);
  t.is(loader.head?.partition, 7);
  t.false(loader.done);
  t.true(loader.bytes > 50_000);
  t.true(arena.usedBytes > 0);
  t.throws(() => loader.state(), { message: /whole/ });
  loader.abandon();
  t.is(loader.bytes, 0);
  t.is(arena.usedBytes, 0);
  t.throws(() => loader.take(slices.at(-1) as Uint8Array), { code: 'KV_BAD_FRAME' });
});

test('R21: a slice that is missing, doubled, out of order, or of another snapshot is refused', (t) => {
  const slices = slicesOf(sample(), 3000);
  const others = slicesOf(sample(2), 3000);
  t.true(slices.length > 10);
  for (let index = 0; index < slices.length; index += 1) {
    const slice = slices[index] as Uint8Array;
    if (index < slices.length - 1) t.is(load(t, slices.toSpliced(index, 1)), BAD);
    t.is(load(t, slices.toSpliced(index, 0, slice)), BAD);
    if (index > 0) t.is(load(t, slices.toSpliced(index - 1, 2, slice, slices[index - 1] as Uint8Array)), BAD);
    if (index > 0) t.is(load(t, slices.toSpliced(index, 1, others[index] as Uint8Array)), BAD);
  }
});

test('R21: a slice that is cut short anywhere is refused', (t) => {
  const slices = slicesOf(sample(), 300);
  for (let index = 0; index < 24; index += 1) {
    const slice = slices[index] as Uint8Array;
    for (let length = 0; length < slice.length; length += 1 + (length >> 4)) {
      t.is(load(t, slices.toSpliced(index, 1, slice.subarray(0, length))), BAD);
    }
    t.is(load(t, slices.toSpliced(index, 1, Buffer.concat([slice, Buffer.from([0])]))), BAD);
  }
});

test('R21: a slice with a bit that is flipped is refused', (t) => {
  const slices = slicesOf(sample(), 5000);
  const place = fc.record({ slice: fc.nat(slices.length - 1), byte: fc.nat(), bit: fc.nat(7) });
  fc.assert(
    fc.property(place, ({ slice, byte, bit }) => {
      const damaged = (slices[slice] as Uint8Array).slice();
      const at = byte % damaged.length;
      damaged[at] = (damaged[at] as number) ^ (1 << bit);
      t.is(load(t, slices.toSpliced(slice, 1, damaged)), BAD);
    }),
    { numRuns: 300 },
  );
});

/** Sequences and checksums as they must be. */
function sealed(slices: readonly Uint8Array[]): Uint8Array[] {
  let checksum = 0;
  return slices.map((slice, sequence) => {
    const copy = slice.slice();
    writeU32(copy, 4, sequence);
    checksum = crc32(copy, 4, copy.length, checksum);
    writeU32(copy, 0, checksum);
    return copy;
  });
}

/** Sessions and locks of the sample lie in so many slices of 300 bytes. */
const CONTROL_SLICES = 12;

test('R21: contents that make no sense are refused, though the checksums are right', (t) => {
  const all = slicesOf(sample(), 300);
  const slices = all.slice(0, CONTROL_SLICES);
  const end = all.slice(CONTROL_SLICES);
  t.not(load(t, sealed([...slices, ...end])), BAD);
  const change = fc.record({
    slice: fc.nat(slices.length - 1),
    byte: fc.nat(),
    value: fc.oneof(fc.nat(255), fc.nat(3)),
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = slices.map((slice) => slice.slice());
      for (const { slice, byte, value } of changes) {
        const bytes = changed[slice] as Uint8Array;
        bytes[8 + (byte % (bytes.length - 8))] = value;
      }
      const loader = load(t, sealed([...changed, ...end]));
      if (loader === BAD) refused += 1;
      else loader.abandon();
    }),
    { numRuns: 400 },
  );
  t.true(refused > 20, `${refused} refused`);
});

/** A part, and a first slice of parts. */
function part(tag: number, ...fields: Uint8Array[]): Uint8Array {
  const body = Buffer.concat(fields);
  return Buffer.concat([numbers(1, tag), numbers(4, body.length), body]);
}

/** So many bytes each. */
function numbers(bytes: number, ...values: number[]): Uint8Array {
  const buffer = Buffer.alloc(bytes * values.length);
  for (const [index, value] of values.entries()) buffer.writeUIntBE(value, index * bytes, bytes);
  return buffer;
}

const HEAD = part(1, numbers(1, 2), Buffer.alloc(38));
const SESSION = part(3, numbers(4, 0, 3, 9, 1, 1000), Buffer.alloc(16, 5), Buffer.from('name'));
const OTHER_SESSION = part(3, numbers(4, 1, 3, 10, 1, 1000), Buffer.alloc(16, 6));
const LOCK = part(5, Buffer.from('lock'));
const OTHER_LOCK = part(5, Buffer.from('other'));
const { granted, waiting, abandoned } = RequestState;
const NOBODY = 2 ** 32 - 1;

/** Sequence 1, granted by operation 11; no flow, no delay. */
function request(
  number: number,
  state: number,
  session: number,
  mode = 5,
  more: Uint8Array = Buffer.alloc(0),
): Uint8Array {
  const token = numbers(4, session, 1, 3, 11);
  return part(6, numbers(4, number), numbers(1, state), token, numbers(6, 5), numbers(1, mode), Buffer.alloc(14), more);
}

const HOLDER = request(0, granted, 0);
const HELD = [LOCK, HOLDER];
const waiter = (number: number, session = 1): Uint8Array => request(number, waiting, session);

function conversion(number: number, former: number, mode: number): Uint8Array {
  return part(12, numbers(4, number), numbers(1, former, mode), numbers(4, 2, 3, 9), numbers(6, 5));
}

const READER = request(0, granted, 0, 3);
/** Held in mode null by the other session. */
const IDLE = request(1, granted, 1, 0);
const WRITES = conversion(0, 0, 5);
const READ_LESS = conversion(0, 1, 1);
const list = (tag: number, ...values: number[]): Uint8Array => part(tag, numbers(4, ...values));
const entry = (key: string, length: number, value: string, deadlineHigh = 0): Uint8Array =>
  part(9, numbers(2, key.length), numbers(4, length, 3, 1, deadlineHigh, 0), Buffer.from(key + value));
const endOf = (...counts: number[]): Uint8Array => part(11, numbers(4, ...counts));
const BOTH = [HEAD, SESSION, OTHER_SESSION];

const cases: readonly [title: string, parts: readonly Uint8Array[], isGood?: boolean][] = [
  ['a whole one', [...BOTH, ...HELD, waiter(1), list(13, 0), list(7, 1), entry('k', 1, 'v'), endOf(2, 1, 1, 1)], true],
  ['no head', [SESSION, endOf(1, 0, 0, 0)]],
  ['an unknown part first', [part(14), HEAD, endOf(0, 0, 0, 0)]],
  ['an unknown part', [HEAD, part(0), endOf(0, 0, 0, 0)]],
  ['two heads', [HEAD, HEAD, endOf(0, 0, 0, 0)]],
  ['an older format', [part(1, numbers(1, 1), Buffer.alloc(38)), endOf(0, 0, 0, 0)]],
  ['a newer format', [part(1, numbers(1, 3), Buffer.alloc(38)), endOf(0, 0, 0, 0)]],
  ['a head of another length', [part(1, numbers(1, 2), Buffer.alloc(39)), endOf(0, 0, 0, 0)]],
  ['something behind the end', [HEAD, endOf(0, 0, 0, 0), endOf(0, 0, 0, 0)]],
  ['fewer than announced', [HEAD, SESSION, endOf(2, 0, 0, 0)]],
  ['a session twice', [HEAD, SESSION, SESSION, endOf(1, 0, 0, 0)]],
  ['a gap between slots', [HEAD, OTHER_SESSION, endOf(1, 0, 0, 0)]],
  ['no gap between slots, since one is free', [HEAD, list(2, 0), OTHER_SESSION, endOf(1, 0, 0, 0)], true],
  ['a slot that is free twice', [HEAD, list(2, 0, 0), OTHER_SESSION, endOf(1, 0, 0, 0)]],
  ['a slot that is free and used', [HEAD, list(2, 0), SESSION, endOf(1, 0, 0, 0)]],
  ['a slot beyond measure', [HEAD, list(2, 2 ** 32 - 1), endOf(0, 0, 0, 0)]],
  ['a record of nobody', [HEAD, part(4, numbers(1, 0, 0, 2), Buffer.alloc(16)), endOf(0, 0, 0, 0)]],
  ['a record of something pending', [HEAD, SESSION, part(4, numbers(1, 0, 0, 1), Buffer.alloc(16)), endOf(1, 0, 0, 0)]],
  ['a record beyond the window', [HEAD, SESSION, part(4, numbers(1, 16, 0, 2), Buffer.alloc(16)), endOf(1, 0, 0, 0)]],
  ['a lock that nobody holds', [HEAD, SESSION, LOCK, endOf(1, 1, 0, 0)]],
  ['a lock that nobody holds, and another', [...BOTH, LOCK, OTHER_LOCK, HOLDER, list(13, 0), endOf(2, 2, 0, 0)]],
  ['a lock twice', [HEAD, SESSION, ...HELD, LOCK, request(1, granted, 0), list(13, 0, 1), endOf(1, 1, 0, 0)]],
  ['a lock without a key', [HEAD, SESSION, part(5), HOLDER, list(13, 0), endOf(1, 1, 0, 0)]],
  [
    'a lock with a key beyond measure',
    [HEAD, SESSION, part(5, Buffer.alloc(65_536)), HOLDER, list(13, 0), endOf(1, 1, 0, 0)],
  ],
  ['sessions behind locks', [HEAD, SESSION, ...HELD, OTHER_SESSION, list(13, 0), endOf(2, 1, 0, 0)]],
  ['a holder that is no session', [HEAD, SESSION, LOCK, request(0, granted, 3), list(13, 0), endOf(1, 1, 0, 0)]],
  ['a holder that is nobody', [HEAD, SESSION, LOCK, request(0, granted, NOBODY), list(13, 0), endOf(1, 1, 0, 0)]],
  ['a holder that no session knows', [HEAD, SESSION, ...HELD, endOf(1, 1, 0, 0)]],
  ['a holder that a session knows twice', [HEAD, SESSION, ...HELD, list(13, 0, 0), endOf(1, 1, 0, 0)]],
  ['what is held of no request', [HEAD, SESSION, ...HELD, list(13, 0, 1), endOf(1, 1, 0, 0)]],
  ['a request in an unknown mode', [HEAD, SESSION, LOCK, request(0, granted, 0, 6), list(13, 0), endOf(1, 1, 0, 0)]],
  ['a request in an unknown state', [HEAD, SESSION, LOCK, request(0, 3, 0), endOf(1, 1, 0, 0)]],
  [
    'a request with a label',
    [HEAD, SESSION, LOCK, request(0, granted, 0, 5, Buffer.from('job')), list(13, 0), endOf(1, 1, 0, 0)],
    true,
  ],
  ['a request that is cut short', [HEAD, SESSION, LOCK, part(6, Buffer.alloc(41)), list(13, 0), endOf(1, 1, 0, 0)]],
  ['what was abandoned', [HEAD, LOCK, request(0, abandoned, NOBODY), endOf(0, 1, 0, 0)], true],
  ['what was abandoned, and is held', [HEAD, SESSION, LOCK, request(0, abandoned, 0), list(13, 0), endOf(1, 1, 0, 0)]],
  ['readers who share', [...BOTH, LOCK, READER, request(1, granted, 1, 3), list(13, 1, 0), endOf(2, 1, 0, 0)], true],
  [
    'two who hold a lock and do not go together',
    [...BOTH, ...HELD, request(1, granted, 1, 3), list(13, 0, 1), endOf(2, 1, 0, 0)],
  ],
  ['a waiter without a lock', [...BOTH, waiter(0), list(7, 0), endOf(2, 0, 1, 0)]],
  ['a waiter before who holds it', [...BOTH, LOCK, waiter(1), HOLDER, list(13, 0), list(7, 1), endOf(2, 1, 1, 0)]],
  ['a waiter of nobody', [HEAD, SESSION, ...HELD, waiter(1, 3), list(13, 0), list(7, 1), endOf(1, 1, 1, 0)]],
  ['a waiter twice', [...BOTH, ...HELD, waiter(1), waiter(1), list(13, 0), list(7, 1), endOf(2, 1, 1, 0)]],
  ['a waiter whose number leaves a gap', [...BOTH, ...HELD, waiter(2), list(13, 0), list(7, 2), endOf(2, 1, 1, 0)]],
  ['a waiter that no session knows', [...BOTH, ...HELD, waiter(1), list(13, 0), endOf(2, 1, 1, 0)]],
  ['a wait of no waiter', [...BOTH, ...HELD, waiter(1), list(13, 0), list(7, 1, 2), endOf(2, 1, 1, 0)]],
  ['a list that is cut short', [...BOTH, ...HELD, waiter(1), list(13, 0), part(7, numbers(1, 1)), endOf(2, 1, 1, 0)]],
  ['what is held behind waits', [...BOTH, ...HELD, waiter(1), list(7, 1), list(13, 0), endOf(2, 1, 1, 0)]],
  ['a conversion', [HEAD, SESSION, LOCK, READER, WRITES, list(13, 0), list(7, 0), endOf(1, 1, 1, 0)], true],
  ['a conversion that was granted', [HEAD, SESSION, LOCK, READER, READ_LESS, list(13, 0), endOf(1, 1, 0, 0)], true],
  ['a conversion that no session knows', [HEAD, SESSION, LOCK, READER, WRITES, list(13, 0), endOf(1, 1, 1, 0)]],
  ['a conversion twice', [HEAD, SESSION, LOCK, READER, WRITES, WRITES, list(13, 0), list(7, 0), endOf(1, 1, 1, 0)]],
  ['a conversion of nothing', [HEAD, SESSION, LOCK, WRITES, READER, list(13, 0), list(7, 0), endOf(1, 1, 1, 0)]],
  [
    'a conversion of who waits',
    [...BOTH, ...HELD, waiter(1), conversion(1, 0, 5), list(13, 0), list(7, 1), endOf(2, 1, 1, 0)],
  ],
  [
    'a conversion to no mode',
    [HEAD, SESSION, LOCK, READER, conversion(0, 0, 6), list(13, 0), list(7, 0), endOf(1, 1, 1, 0)],
  ],
  [
    'a conversion that is cut short',
    [HEAD, SESSION, LOCK, READER, part(12, Buffer.alloc(23)), list(13, 0), endOf(1, 1, 0, 0)],
  ],
  [
    'a conversion from null in line',
    [
      ...BOTH,
      ...HELD,
      IDLE,
      waiter(2),
      conversion(1, 0, 5),
      waiter(3),
      list(13, 0, 1),
      list(7, 1, 2, 3),
      endOf(2, 1, 3, 0),
    ],
    true,
  ],
  [
    'a conversion from null that no session knows',
    [...BOTH, ...HELD, IDLE, conversion(1, 0, 5), list(13, 0, 1), endOf(2, 1, 1, 0)],
  ],
  [
    'a conversion of what was abandoned',
    [HEAD, LOCK, request(0, abandoned, NOBODY), conversion(0, 0, 5), list(7, 0), endOf(0, 1, 1, 0)],
  ],
  [
    'a former mode of what was abandoned',
    [HEAD, LOCK, request(0, abandoned, NOBODY), conversion(0, 1, 1), endOf(0, 1, 0, 0)],
  ],
  [
    'what was abandoned, and does not go with who holds it',
    [HEAD, SESSION, ...HELD, request(1, abandoned, NOBODY, 3), list(13, 0), endOf(1, 1, 0, 0)],
  ],
  ['a lock that is only waited for, and no other', [HEAD, SESSION, LOCK, waiter(0, 0), list(7, 0), endOf(1, 1, 1, 0)]],
  [
    'a lock that is only waited for, behind one that is held',
    [...BOTH, ...HELD, OTHER_LOCK, waiter(1), list(13, 0), list(7, 1), endOf(2, 2, 1, 0)],
  ],
  ['a request in a state beyond measure', [HEAD, SESSION, LOCK, request(0, 255, 0), list(13, 0), endOf(1, 1, 0, 0)]],
  ['a key twice', [HEAD, entry('k', 1, 'v'), entry('k', 1, 'v'), endOf(0, 0, 0, 1)]],
  ['an empty key', [HEAD, entry('', 1, 'v'), endOf(0, 0, 0, 1)]],
  ['an entry that is cut short', [HEAD, part(9, numbers(1, 0, 1)), endOf(0, 0, 0, 1)]],
  ['more value than announced', [HEAD, entry('k', 1, 'vv'), endOf(0, 0, 0, 1)]],
  ['a value that is not whole, and another key', [HEAD, entry('k', 2, 'v'), entry('m', 1, 'v'), endOf(0, 0, 0, 2)]],
  ['a value that is not whole at the end', [HEAD, entry('k', 2, 'v'), endOf(0, 0, 0, 0)]],
  ['a value in two parts', [HEAD, entry('k', 2, 'v'), part(10, numbers(1, 7)), endOf(0, 0, 0, 1)], true],
  ['more than the rest of a value', [HEAD, entry('k', 2, 'v'), part(10, numbers(1, 7, 7)), endOf(0, 0, 0, 1)]],
  ['more of nothing', [HEAD, entry('k', 1, 'v'), part(10, numbers(1, 7)), endOf(0, 0, 0, 1)]],
  ['a value beyond measure', [HEAD, entry('k', 2 ** 26 + 1, 'v'), endOf(0, 0, 0, 1)]],
  ['a deadline beyond measure', [HEAD, entry('k', 1, 'v', 2 ** 21), endOf(0, 0, 0, 1)]],
  ['a part that is cut short', [HEAD, numbers(1, 9, 0, 0, 0, 200, 1)]],
];

for (const [title, parts, isGood = false] of cases) {
  test(`R21: ${isGood ? 'loads' : 'refuses'} ${title}`, (t) => {
    const loader = load(t, sealed([Buffer.concat([Buffer.alloc(8), ...parts])]));
    t.is(loader !== BAD, isGood);
    if (loader !== BAD) t.true(loader.done);
  });
}

test('R21, L5: a conversion from null keeps its place among those who wait', (t) => {
  const history = new History();
  const take = (what: string, session: number, drawn: number, further: number): void =>
    void history.take({ what, session, key: 0, drawn, further });
  for (const session of [0, 1, 2]) take('attach', session, 0, 0);
  take('acquire', 0, EXCLUSIVE, 0);
  take('acquire', 1, LABELLED, NULL);
  take('acquire', 2, EXCLUSIVE, 0);
  take('convert', 1, 1, LockMode.protectedRead);
  take('acquire', 2, EXCLUSIVE, 0);
  const { locks } = history.state;
  const line = (table: LockTable): number[] => {
    const requests: number[] = [];
    const slot = table.find(Buffer.from('a'), 0, 1);
    for (let one = table.firstWaiter(slot); one >= 0; one = table.waiterAfter(one))
      requests.push(table.wantedMode(one));
    return requests;
  };
  t.deepEqual(line(locks), [LockMode.exclusive, LockMode.protectedRead, LockMode.exclusive]);
  const loaded = (load(t, slicesOf(history, 300)) as StateLoader).state();
  t.deepEqual(line(loaded.locks), line(locks));
  t.deepEqual(wholeState(loaded), wholeState(history.state));
});
