/** L1, L2, L5, L6, L7, L9, L13: the lock table does what plain arrays would, whatever is asked of it. */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { LockMode } from '../../src/base/lock-mode.ts';
import { CheckedLocks } from './support/checked-locks.ts';
import type { Grant, ModelRequest } from './support/lock-model.ts';

const KEYS = ['a', 'b', 'd'.repeat(300)];
const SESSIONS = 5;
const { concurrentRead, concurrentWrite, protectedRead, protectedWrite, exclusive } = LockMode;
const ALL = Object.values(LockMode);

interface Command {
  readonly act: string;
  readonly key: number;
  readonly session: number;
  readonly mode: number;
  readonly index: number;
  readonly delayMs: number;
  readonly mayWait: boolean;
}

const acts = { acquire: 12, convert: 9, release: 5, cancel: 2, revert: 2, end: 2, endDelay: 2 };
const weighted = Object.entries(acts).map(([act, weight]) => ({ arbitrary: fc.constant(act), weight }));

function command(keys: number, modes: readonly number[]): fc.Arbitrary<Command> {
  return fc.record({
    act: fc.oneof(...weighted),
    key: fc.nat(keys - 1),
    session: fc.nat(SESSIONS - 1),
    mode: fc.constantFrom(...modes),
    index: fc.nat(40),
    delayMs: fc.constantFrom(0, 700),
    mayWait: fc.constantFrom(true, true, true, false),
  });
}

/** One of those for whom that can be done. */
function choose(requests: readonly ModelRequest[], index: number): ModelRequest | undefined {
  return requests[index % Math.max(1, requests.length)];
}

function isHeld({ session, grant }: ModelRequest): boolean {
  return session >= 0 && grant !== null;
}

/** Former conversions: what is weaker than what it is now is allowed always. */
function mayRevert({ table }: CheckedLocks, { number, wanted }: ModelRequest): boolean {
  return table.formerOf(number) !== undefined && wanted === null;
}

function candidates(locks: CheckedLocks, act: string): ModelRequest[] {
  const { requests } = locks.model;
  if (act === 'convert') return requests.filter((request) => isHeld(request) && request.wanted === null);
  if (act === 'release') return requests.filter(isHeld);
  if (act === 'cancel') return requests.filter(({ wanted }) => wanted !== null);
  if (act === 'revert') return requests.filter((request) => mayRevert(locks, request));
  return requests.filter(({ session }) => session < 0);
}

function run(locks: CheckedLocks, { act, key, session, mode, index, delayMs, mayWait }: Command): boolean {
  if (act === 'acquire') locks.acquire(KEYS[key] as string, session, mode, delayMs, mayWait);
  else if (act === 'end') locks.end(session, delayMs > 0);
  else {
    const request = choose(candidates(locks, act), index);
    if (request === undefined) return false;
    if (act === 'convert') locks.convert(request, mode, mayWait);
    else if (act === 'cancel') locks.cancel(request);
    else if (act === 'revert') locks.revert(request);
    else locks.release(request);
  }
  locks.check();
  return true;
}

interface Runs {
  readonly keys: number;
  readonly modes: readonly number[];
  readonly numRuns: number;
}

/** How often each was done, and was seen. */
function compare({ keys, modes, numRuns }: Runs): Map<string, number> {
  const done = new Map<string, number>();
  const commands = fc.array(command(keys, modes), { minLength: 10, maxLength: 80, size: 'max' });
  const property = fc.property(commands, (chosen) => {
    const locks = new CheckedLocks(KEYS.slice(0, keys), SESSIONS);
    for (const one of chosen) if (run(locks, one)) done.set(one.act, (done.get(one.act) ?? 0) + 1);
    for (let session = 0; session < SESSIONS; session += 1) locks.end(session, false);
    for (const abandoned of locks.model.requests) locks.release(abandoned);
    locks.check();
    assert.equal(locks.table.size + locks.table.waiting, 0, 'nothing is left');
    for (const [what, count] of locks.seen) done.set(what, (done.get(what) ?? 0) + count);
  });
  fc.assert(property, { numRuns });
  return done;
}

test('L1, L2, L5, L7, L9, L13: in all modes, for several keys', (t) => {
  const done = compare({ keys: 3, modes: ALL, numRuns: 200 });
  for (const act of Object.keys(acts)) t.true((done.get(act) ?? 0) > 10, `${act}: ${done.get(act)}`);
});

test('L1, L2, L5, L7, L9, L13: in all modes, for one key', (t) => {
  const done = compare({ keys: 1, modes: ALL, numRuns: 300 });
  const rare = ['sideways', 'in line', 'that waits', 'that is undone', 'that is not undone'];
  for (const what of [...rare.map((word) => `a conversion ${word}`), 'a deadlock'])
    t.true((done.get(what) ?? 0) > 10, `${what}: ${done.get(what)}`);
});

test('L5, L7: readers and writers', (t) => {
  compare({ keys: 1, modes: [protectedRead, protectedRead, protectedRead, exclusive], numRuns: 150 });
  t.pass();
});

test('L5, L7: who converts from null stands in line', (t) => {
  const done = compare({ keys: 1, modes: [LockMode.null, LockMode.null, protectedRead, exclusive], numRuns: 250 });
  t.true((done.get('a conversion in line') ?? 0) > 200, `${done.get('a conversion in line')}`);
});

test('L7: modes of which two do not include each other', (t) => {
  compare({ keys: 1, modes: [concurrentRead, concurrentWrite, protectedRead, protectedWrite], numRuns: 250 });
  t.pass();
});

test('L1, L6: the lock of one session at a time', (t) => {
  compare({ keys: 2, modes: [exclusive], numRuns: 80 });
  t.pass();
});

test('L2: a session may have several grants of one lock, each under a token or a sequence of its own', (t) => {
  const locks = new CheckedLocks(KEYS, SESSIONS);
  for (const mode of [protectedRead, protectedRead, concurrentRead]) locks.acquire('a', 0, mode, 0, true);
  const grants = locks.model.requests.map(({ grant }) => grant as Grant);
  t.is(new Set(grants.map(({ token, sequence }) => `${token} ${sequence}`)).size, 3);
  locks.check();
});
