/** R21: a snapshot is the committed state at one revision, whatever is applied while it is given out. */
import test from 'ava';
import fc from 'fast-check';
import { Arena } from '../../../src/base/arena.ts';
import { controlParts } from '../../../src/node/snapshot/control-parts.ts';
import { StateLoader } from '../../../src/node/snapshot/state-loader.ts';
import { StateSnapshot } from '../../../src/node/snapshot/state-snapshot.ts';
import { type Entry, emptyState, History, Replica, type Step, step } from './support/history.ts';
import { wholeState } from './support/whole-state.ts';

/** A step of the history, or a slice of the snapshot of at most so many bytes. */
const between = fc.oneof(
  { weight: 3, arbitrary: step },
  { weight: 2, arbitrary: fc.constantFrom(1, 200, 5000, 65_536) },
);
const ATTACHING: readonly Step[] = [0, 1, 2].map((session) => ({
  what: 'attach',
  session,
  key: 0,
  drawn: 0,
  further: 0,
}));
const STEPS_BEFORE = { minLength: 0, maxLength: 150 };

interface Taken {
  readonly entry: Entry;
  readonly outcome: string;
}

/** Takes the steps, with slices in between; then the rest of the slices. Gives what was applied meanwhile. */
function giveOut(
  history: History,
  snapshot: StateSnapshot,
  steps: readonly (Step | number)[],
  loader: StateLoader,
): Taken[] {
  const taken: Taken[] = [];
  for (const one of steps) {
    if (typeof one !== 'number') {
      const applied = history.take(one);
      if (applied !== null) taken.push(applied);
      continue;
    }
    const slice = snapshot.next(one);
    if (slice !== null) loader.take(slice);
  }
  for (let slice = snapshot.next(3000); slice !== null; slice = snapshot.next(3000)) loader.take(slice);
  return taken;
}

/** What there was of each. */
interface Seen {
  waiters: number;
  free: number;
  sharers: number;
  conversions: number;
  conversionsInLine: number;
  formers: number;
  abandoned: number;
  labels: number;
}

function look({ state: { locks } }: History, seen: Seen): void {
  seen.waiters += locks.waiting;
  seen.free += locks.requests.freed.length;
  seen.abandoned += locks.requests.abandonedCount;
  for (let slot = locks.next(0); slot >= 0; slot = locks.next(slot + 1)) {
    for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
      if (held !== locks.firstGranted(slot)) seen.sharers += 1;
      if (locks.conversionOf(held) !== undefined && locks.requests.mode(held) !== 0) seen.conversions += 1;
      if (locks.conversionOf(held) !== undefined && locks.requests.mode(held) === 0) seen.conversionsInLine += 1;
      if (locks.formerOf(held) !== undefined) seen.formers += 1;
      if (locks.requests.label(held) !== '') seen.labels += 1;
    }
  }
}

test('R21: the state loaded is the state at the snapshot, and further entries do to it what they do to any other', (t) => {
  const seen: Seen = {
    waiters: 0,
    free: 0,
    sharers: 0,
    conversions: 0,
    conversionsInLine: 0,
    formers: 0,
    abandoned: 0,
    labels: 0,
  };
  fc.assert(
    fc.property(
      fc.array(step, { ...STEPS_BEFORE, size: 'max' }),
      fc.array(between, { maxLength: 60, size: 'max' }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (before, meanwhile, after) => {
        const history = new History();
        for (const one of [...ATTACHING, ...before]) history.take(one);
        const expected = wholeState(history.state);
        const control = controlParts(history.state);
        const { head } = history;
        look(history, seen);
        const snapshot = new StateSnapshot(history.state, head);
        const arena = new Arena();
        const loader = new StateLoader(arena, emptyState);
        const taken = giveOut(history, snapshot, meanwhile, loader);
        t.true(loader.done);
        t.false(snapshot.failed);
        t.is(snapshot.bytes, 0);
        t.deepEqual(loader.head, head);
        const replica = new Replica(arena, loader.state());
        t.deepEqual(wholeState(replica.state), expected);
        t.deepEqual(controlParts(replica.state), control, 'byte for byte');
        for (const one of after) {
          const applied = history.take(one);
          if (applied !== null) taken.push(applied);
        }
        for (const { entry, outcome } of taken) t.is(replica.apply(entry), outcome);
        t.deepEqual(wholeState(replica.state), wholeState(history.state));
      },
    ),
    { numRuns: 150 },
  );
  for (const [what, count] of Object.entries(seen)) t.true(count > 0, `${what}: none in 150 histories`);
});

test('R21: slices keep to the bytes asked for, whatever the values are', (t) => {
  const history = new History();
  const value = (session: number, what: string, key: number, drawn: number): Step => ({
    what,
    session,
    key,
    drawn,
    further: 1,
  });
  history.take(value(0, 'attach', 0, 0));
  history.take(value(0, 'staged', 1, 0)); // 70,000 bytes
  history.take(value(0, 'staged', 2, 3)); // 200,000 bytes
  history.take(value(0, 'staged', 3, 1)); // 33,000 bytes
  history.take(value(0, 'put', 4, 8));
  for (const bytesMax of [128, 1000, 65_536, 1_000_000]) {
    const snapshot = new StateSnapshot(history.state, history.head);
    const loader = new StateLoader(new Arena(), emptyState);
    let slices = 0;
    for (let slice = snapshot.next(bytesMax); slice !== null; slice = snapshot.next(bytesMax)) {
      t.true(slice.length <= bytesMax + 100, `${slice.length} of ${bytesMax}`);
      loader.take(slice);
      slices += 1;
    }
    t.true(slices >= Math.ceil(300_000 / bytesMax));
    t.deepEqual(wholeState(loader.state()), wholeState(history.state));
  }
});

test('R21: a value that is cut stays as it was, though its key is written and removed before the rest is given out', (t) => {
  for (const drawn of [1, 0]) {
    const history = new History();
    history.take({ what: 'attach', session: 0, key: 0, drawn: 0, further: 0 });
    history.take({ what: 'staged', session: 0, key: 1, drawn, further: 0 });
    // One that lies in a block, behind it.
    for (let key = 2; key < 6; key += 1) history.take({ what: 'put', session: 0, key, drawn: 250, further: 16 });
    const expected = wholeState(history.state);
    const snapshot = new StateSnapshot(history.state, history.head);
    const loader = new StateLoader(new Arena(), emptyState);
    for (let slice = snapshot.next(300), turn = 0; slice !== null; slice = snapshot.next(300), turn += 1) {
      loader.take(slice);
      const what = turn % 2 === 0 ? 'put' : 'remove';
      history.take({ what, session: 0, key: 1 + (turn % 5), drawn: 242, further: 16 });
    }
    t.deepEqual(wholeState(loader.state()), expected);
  }
});

test('R21: an empty state is a snapshot, too', (t) => {
  const history = new History();
  history.take({ what: 'barrier', session: 0, key: 0, drawn: 0, further: 0 });
  const snapshot = new StateSnapshot(history.state, history.head);
  const loader = new StateLoader(new Arena(), emptyState);
  loader.take(snapshot.next(100) as Uint8Array);
  t.is(snapshot.next(100), null);
  t.deepEqual(wholeState(loader.state()), wholeState(history.state));
});

test('R21: a snapshot without memory for what changes has failed, and says so', (t) => {
  const history = new History();
  history.take({ what: 'attach', session: 0, key: 0, drawn: 0, further: 0 });
  for (let key = 0; key < 6; key += 1) history.take({ what: 'put', session: 0, key, drawn: 10, further: 1 });
  const none = new StateSnapshot(history.state, history.head, () => false);
  t.true(none.failed);
  t.is(none.next(1000), null);
  t.is(none.bytes, 0);
  let left = 1000;
  const snapshot = new StateSnapshot(history.state, history.head, (bytes) => {
    left -= bytes;
    return left >= 0;
  });
  t.true(snapshot.bytes > 0);
  t.not(snapshot.next(128), null);
  history.take({ what: 'remove', session: 0, key: 3, drawn: 0, further: 1 });
  t.true(snapshot.failed);
  t.is(snapshot.next(1000), null);
  t.is(snapshot.bytes, 0);
});

test('a snapshot that is closed gives out nothing more, and keys are no longer set aside', (t) => {
  const history = new History();
  history.take({ what: 'attach', session: 0, key: 0, drawn: 0, further: 0 });
  for (let key = 0; key < 6; key += 1) history.take({ what: 'put', session: 0, key, drawn: 10, further: 1 });
  const snapshot = new StateSnapshot(history.state, history.head);
  snapshot.next(128);
  snapshot.close();
  const { bytes } = history.state.keys;
  history.take({ what: 'put', session: 0, key: 3, drawn: 10, further: 1 });
  t.is(history.state.keys.bytes, bytes);
  t.is(snapshot.next(1000), null);
  t.false(snapshot.failed);
  t.is(snapshot.bytes, 0);
});

test('a state whose place another takes makes its snapshots fail', (t) => {
  const history = new History();
  history.take({ what: 'attach', session: 0, key: 0, drawn: 0, further: 0 });
  history.take({ what: 'put', session: 0, key: 1, drawn: 10, further: 1 });
  const snapshot = new StateSnapshot(history.state, history.head);
  history.state.discard();
  t.true(snapshot.failed);
  t.is(snapshot.next(1000), null);
  t.is(history.replica.arena.usedBytes, 0);
});
