import test from 'ava';
import fc from 'fast-check';
import { Arena } from '../../src/base/arena.ts';
import { contentDigest } from '../../src/store/content-digest.ts';
import { KeyTable } from '../../src/store/key-table.ts';
import { SlicedDigest } from '../../src/store/sliced-digest.ts';
import { type EntrySink, SnapshotState, TableSnapshot } from '../../src/store/table-snapshot.ts';

const anyRoom = (): boolean => true;

/** Collects what pages hand out, `most` entries each; a key that comes twice is an error. */
class Collector implements EntrySink {
  readonly entries: Map<string, string> = new Map();
  left = 0;

  entry(...[key, keyStart, keyEnd, value, start, end, epoch, operation, deadlineMs]: Parameters<EntrySink['entry']>) {
    const name = Buffer.from(key.slice(keyStart, keyEnd)).toString('latin1');
    if (this.entries.has(name)) throw new Error(`'${name}' comes twice`);
    const text = Buffer.from(value.slice(start, end)).toString('latin1');
    this.entries.set(name, `${text} ${epoch}:${operation} ${deadlineMs}`);
    this.left -= 1;
    return this.left > 0;
  }
}

/** A table with a log of its own: every change is one operation later than the one before. */
class Subject {
  readonly arena = new Arena();
  readonly table: KeyTable = new KeyTable(this.arena);
  epoch = 1;
  operation = 0;

  put(name: string, length: number, deadlineMs: number): void {
    this.operation += 1;
    const key = Buffer.from(name, 'latin1');
    const value = Buffer.alloc(length, `${this.operation}`);
    this.table.put(key, 0, key.length, value, 0, length, this.epoch, this.operation, deadlineMs);
  }

  remove(name: string): void {
    const key = Buffer.from(name, 'latin1');
    const slot = this.table.find(key, 0, key.length);
    this.operation += 1;
    if (slot >= 0) this.table.remove(slot);
  }

  expire(nowMs: number): void {
    const slot = this.table.dueSlot(nowMs);
    this.operation += 1;
    if (slot >= 0) this.table.remove(slot);
  }

  snapshot(reserve: (bytes: number) => boolean = anyRoom): TableSnapshot {
    return new TableSnapshot(this.table, this.epoch, this.operation, reserve);
  }

  content(): Map<string, string> {
    const collector = new Collector();
    collector.left = Number.POSITIVE_INFINITY;
    const snapshot = this.snapshot();
    while (snapshot.page(collector) === SnapshotState.open);
    return collector.entries;
  }
}

function sorted(entries: Map<string, string>): string[] {
  return [...entries].map(([key, value]) => `${key}=${value}`).sort();
}

const key = fc.integer({ min: 0, max: 25 }).map((number) => String.fromCharCode(97 + number));
const longKey = fc.constant('long'.repeat(5000));
const change = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('put' as const),
      key: fc.oneof({ weight: 20, arbitrary: key }, { weight: 1, arbitrary: longKey }),
      length: fc.oneof(
        { weight: 10, arbitrary: fc.integer({ min: 0, max: 40 }) },
        { weight: 1, arbitrary: fc.constantFrom(20_000, 40_000, 70_000) },
      ),
      deadlineMs: fc.constantFrom(0, 0, 10, 20, 2 ** 41),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('remove' as const), key }) },
  { weight: 1, arbitrary: fc.constant({ act: 'expire' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'epoch' as const }) },
);
const step = fc.oneof(
  { weight: 12, arbitrary: change },
  { weight: 1, arbitrary: fc.constant({ act: 'open' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('page' as const), which: fc.nat(3), most: fc.integer({ min: 1, max: 8 }) }),
  },
);

function apply(subject: Subject, one: typeof change extends fc.Arbitrary<infer T> ? T : never): void {
  if (one.act === 'put') subject.put(one.key, one.length, one.deadlineMs);
  else if (one.act === 'remove') subject.remove(one.key);
  else if (one.act === 'expire') subject.expire(15);
  else {
    subject.epoch += 1;
    subject.operation = 0;
  }
}

test('pages between any changes hand out the content at the snapshot, each key once', (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.array(step, { maxLength: 150 }), (before, steps) => {
      const subject = new Subject();
      for (const one of before) apply(subject, one);
      const opened: { snapshot: TableSnapshot; collector: Collector; expected: string[] }[] = [];
      for (const one of [{ act: 'open' as const }, ...steps]) {
        if (one.act === 'open') {
          const expected = sorted(subject.content());
          opened.push({ snapshot: subject.snapshot(), collector: new Collector(), expected });
        } else if (one.act === 'page') {
          const { snapshot, collector } = opened[one.which % opened.length] as (typeof opened)[number];
          collector.left = one.most;
          snapshot.page(collector);
        } else apply(subject, one);
      }
      for (const { snapshot, collector, expected } of opened) {
        collector.left = Number.POSITIVE_INFINITY;
        while (snapshot.page(collector) === SnapshotState.open);
        t.is(snapshot.state, SnapshotState.done);
        t.is(snapshot.keys, expected.length);
        t.deepEqual(sorted(collector.entries), expected);
        t.is(snapshot.bytes, 0);
      }
    }),
    { numRuns: 300 },
  );
});

test('the table grows and shrinks under a snapshot', (t) => {
  const subject = new Subject();
  for (let index = 0; index < 1000; index += 1) subject.put(`before-${index}`, 10, 0);
  const expected = sorted(subject.content());
  const snapshot = subject.snapshot();
  const collector = new Collector();
  collector.left = 100;
  snapshot.page(collector);
  for (let index = 0; index < 1000; index += 2) subject.remove(`before-${index}`);
  for (let index = 0; index < 20_000; index += 1) subject.put(`after-${index}`, 10, 0);
  for (let index = 0; index < 1000; index += 1) subject.put(`before-${index}`, 20, 0);
  t.true(snapshot.bytes > 0);
  t.true(subject.table.bytes > snapshot.bytes);
  collector.left = Number.POSITIVE_INFINITY;
  while (snapshot.page(collector) === SnapshotState.open);
  t.deepEqual(sorted(collector.entries), expected);
});

test('without memory for what changes, the snapshot is given up and the change goes on', (t) => {
  const subject = new Subject();
  for (let index = 0; index < 10; index += 1) subject.put(`key-${index}`, 50_000, 0);
  let room = 300_000;
  const snapshot = subject.snapshot((bytes) => {
    room -= bytes;
    return room >= 0;
  });
  for (let index = 0; index < 10; index += 1) subject.put(`key-${index}`, 3, 0);
  t.is(snapshot.state, SnapshotState.noRoom);
  t.is(snapshot.bytes, 0);
  t.is(snapshot.page(new Collector()), SnapshotState.noRoom);
  t.is(subject.content().get('key-9'), '202 1:20 0');
});

test('a table that is emptied ends its snapshots; a closed one costs nothing', (t) => {
  const subject = new Subject();
  subject.put('a', 5, 0);
  const [one, other] = [subject.snapshot(), subject.snapshot()];
  other.close();
  subject.table.clear();
  t.is(one.page(new Collector()), SnapshotState.cleared);
  t.is(other.page(new Collector()), SnapshotState.closed);
  subject.put('a', 5, 0);
  t.is(one.bytes + other.bytes, 0);
});

test('the digest in slices is that of the table at the snapshot', (t) => {
  const subject = new Subject();
  for (let index = 0; index < 3000; index += 1) subject.put(`key-${index}`, index % 300, index % 7);
  subject.put('large', 700_000, 0);
  subject.put('x'.repeat(60_000), 40_000, 5);
  const expected = contentDigest(subject.table);
  const digest = new SlicedDigest(subject.snapshot());
  let slices = 0;
  for (; digest.slice() === SnapshotState.open; slices += 1) {
    subject.put(`key-${slices * 50}`, 5, 0);
    subject.remove('large');
  }
  t.true(slices >= 5, `${slices} slices`);
  t.is(digest.digest, expected);
  t.is(digest.keys, 3002);
  t.not(contentDigest(subject.table), expected);
});
