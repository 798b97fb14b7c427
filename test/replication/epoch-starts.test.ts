/** Where epochs begin, against a plain list of the names of all entries. */
import test from 'ava';
import fc from 'fast-check';
import { BEFORE_ALL, type EntryName, EpochStarts } from '../../src/replication/epoch-starts.ts';

/** The names of the entries of a log, in order; some from the beginning on may be forgotten. */
class PlainList {
  readonly names: EntryName[] = [];
  forgotten = 0;

  before(position: number): EntryName {
    return this.names[position - 1] ?? BEFORE_ALL;
  }

  after(epoch: number, operation: number): number {
    if (epoch === 0) return 0;
    return this.names.findIndex((name) => name.epoch === epoch && name.operation === operation) + 1 || -1;
  }

  /** Nothing is said of entries of epochs that are forgotten. */
  knows(epoch: number): boolean {
    const oldest = this.names[this.forgotten];
    return oldest === undefined || epoch >= oldest.epoch;
  }

  lastNotAbove(epoch: number, operation: number): EntryName {
    const isNotAbove = (name: EntryName): boolean =>
      name.epoch < epoch || (name.epoch === epoch && name.operation <= operation);
    return this.names.filter(isNotAbove).at(-1) ?? BEFORE_ALL;
  }
}

interface Subject {
  readonly starts: EpochStarts;
  readonly list: PlainList;
}

/** Epochs of so many entries each, with gaps between their numbers. */
function build(epochs: readonly (readonly [gap: number, entries: number])[]): Subject {
  const starts = new EpochStarts();
  const list = new PlainList();
  let epoch = 0;
  for (const [gap, entries] of epochs) {
    epoch += gap;
    starts.add(epoch, list.names.length);
    for (let operation = 1; operation <= entries; operation += 1) list.names.push({ epoch, operation });
  }
  return { starts, list };
}

const epochs = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })), { maxLength: 6 });
const name = fc.record({ epoch: fc.nat(20), operation: fc.nat(6) });

test('every entry is found under its name, and nothing else is', (t) => {
  const found = fc.property(epochs, name, (sizes, { epoch, operation }) => {
    const { starts, list } = build(sizes);
    const { length: next } = list.names;
    list.names.forEach((one, position) => {
      t.is(starts.after(one.epoch, one.operation, next), position + 1);
    });
    if (operation > 0) t.is(starts.after(epoch, operation, next), list.after(epoch, operation));
    t.is(starts.after(0, operation, next), 0);
  });
  fc.assert(found);
});

test('what stands before a position, and the last of all', (t) => {
  const named = fc.property(epochs, (sizes) => {
    const { starts, list } = build(sizes);
    const { length: next } = list.names;
    for (let position = 0; position <= next; position += 1)
      t.deepEqual(starts.lastBefore(position), list.before(position));
    t.deepEqual({ epoch: starts.lastEpoch, operation: starts.lastOperation(next) }, list.before(next));
  });
  fc.assert(named);
});

test('R15: the last entry that is not above a name', (t) => {
  const walked = fc.property(epochs, name, (sizes, { epoch, operation }) => {
    const { starts, list } = build(sizes);
    // Operation 0 of an epoch that is there stands for its barrier's predecessor; no replica asks for it.
    const expected = list.lastNotAbove(epoch, Math.max(1, operation));
    t.deepEqual(starts.lastNotAbove(epoch, Math.max(1, operation), list.names.length), expected);
  });
  fc.assert(walked);
});

test('R15: two logs agree up to where walking back ends, however they differ', (t) => {
  // One is the other up to some entry, and goes on by itself: only one primary appends in an epoch.
  const common = fc.property(epochs, epochs, fc.nat(20), (first, rest, cut) => {
    const one = build(first);
    const kept = one.list.names.slice(0, Math.min(cut, one.list.names.length));
    const other = new EpochStarts();
    const names = [...kept];
    for (const [position, { epoch, operation }] of kept.entries()) if (operation === 1) other.add(epoch, position);
    let epoch = 100;
    for (const [gap, entries] of rest) {
      epoch += gap;
      other.add(epoch, names.length);
      for (let operation = 1; operation <= entries; operation += 1) names.push({ epoch, operation });
    }
    const { length: next } = one.list.names;
    let asked = other.lastBefore(names.length);
    let position = one.starts.after(asked.epoch, asked.operation, next);
    for (let round = 0; position < 0; round += 1) {
      t.true(round < 20, 'it comes to an end');
      const here = one.starts.lastNotAbove(asked.epoch, asked.operation, next);
      asked = other.lastNotAbove(here.epoch, here.operation, names.length);
      position = one.starts.after(asked.epoch, asked.operation, next);
    }
    t.deepEqual(one.list.names.slice(0, position), names.slice(0, position));
    t.true(position <= kept.length);
  });
  fc.assert(common);
});

test('what is cut off is gone', (t) => {
  const cut = fc.property(epochs, fc.nat(30), (sizes, at) => {
    const { starts, list } = build(sizes);
    const position = Math.min(at, list.names.length);
    starts.truncate(position);
    list.names.length = position;
    t.deepEqual(starts.lastBefore(position), list.before(position));
    t.is(
      starts.list.every(({ start }) => start < position),
      true,
    );
  });
  fc.assert(cut);
});

test('what is forgotten is said to be, and the rest keeps its names', (t) => {
  const forgotten = fc.property(epochs, fc.nat(30), name, (sizes, at, { epoch, operation }) => {
    const { starts, list } = build(sizes);
    const { length: next } = list.names;
    list.forgotten = Math.min(at, next);
    starts.forgetBefore(list.forgotten);
    for (let position = list.forgotten; position < next; position += 1) {
      const one = list.names[position] as EntryName;
      t.is(starts.after(one.epoch, one.operation, next), position + 1);
      t.false(starts.isForgotten(one.epoch));
    }
    for (let position = list.forgotten; position <= next; position += 1) {
      t.deepEqual(starts.lastBefore(position), list.before(position));
    }
    if (!list.knows(epoch) && list.after(epoch, operation) > 0 && list.forgotten < next) {
      t.true(starts.isForgotten(epoch) || starts.after(epoch, operation, next) > 0);
    }
  });
  fc.assert(forgotten);
});

test('a list is taken over whole', (t) => {
  const starts = new EpochStarts();
  starts.add(3, 0);
  const given = [
    { epoch: 4, start: 10 },
    { epoch: 9, start: 12 },
  ];
  starts.reset(given);
  starts.add(11, 20);
  t.deepEqual(starts.list, [...given, { epoch: 11, start: 20 }]);
  t.is(given.length, 2);
  t.true(starts.isForgotten(3));
  t.deepEqual(starts.lastBefore(10), BEFORE_ALL);
});

test('epochs and their starts follow one another', (t) => {
  const starts = new EpochStarts();
  starts.add(3, 5);
  for (const [epoch, start] of [
    [3, 6],
    [2, 6],
    [4, 5],
    [4, 4],
  ] as const)
    t.throws(() => starts.add(epoch, start), { name: 'AssertionError' });
});
