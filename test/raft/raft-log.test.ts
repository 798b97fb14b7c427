import test from 'ava';
import fc from 'fast-check';
import { RaftLog, UNKNOWN_TERM } from '../../src/raft/raft-log.ts';
import { entriesOf, entry } from './support/messages.ts';

const start = { index: 0, term: 0 };

function logOf(terms: readonly number[], committed = 0): RaftLog {
  return new RaftLog(start, entriesOf(terms), committed);
}

test('terms are known from the base to the end, nowhere else', (t) => {
  const log = new RaftLog({ index: 5, term: 2 }, [entry(6, 3), entry(7, 4)], 5);
  t.deepEqual(
    [4, 5, 6, 7, 8].map((index) => log.termAt(index)),
    [UNKNOWN_TERM, 2, 3, 4, UNKNOWN_TERM],
  );
  t.is(log.lastIndex, 7);
  t.is(log.lastTerm, 4);
});

test('the last place not above a term, where two logs may still agree', (t) => {
  const log = logOf([1, 1, 3, 3, 5]);
  for (const [index, term, at, atTerm] of [
    [5, 5, 5, 5],
    [5, 4, 4, 3],
    [9, 3, 4, 3],
    [5, 2, 2, 1],
    [1, 0, 0, 0],
    [3, 9, 3, 3],
  ] as const) {
    t.deepEqual(log.lastNotAbove(index, term), { index: at, term: atTerm });
  }
});

test('merging keeps what is equal and replaces from the first difference on', (t) => {
  const log = logOf([1, 1, 2, 2]);
  t.is(log.merge([entry(2, 1), entry(3, 2)]), 0);
  t.is(log.lastIndex, 4);
  t.is(log.merge([entry(3, 2), entry(4, 3)]), 4);
  t.deepEqual(
    log.unstable().map(({ index, term }) => [index, term]),
    [[4, 3]],
  );
  t.is(log.stable, 3);
  t.is(log.merge([entry(2, 4)]), 2);
  t.is(log.lastIndex, 2);
});

test('what is committed is never cut, terms and indexes never go back', (t) => {
  t.throws(() => logOf([1, 1], 2).merge([entry(2, 2)]), { message: /committed/ });
  t.throws(() => logOf([2]).append(entry(2, 1)), { message: /terms/ });
  t.throws(() => logOf([2]).append(entry(3, 2)), { message: /gap/ });
  t.throws(() => logOf([2]).commitTo(2), { message: /committed/ });
  t.throws(() =>
    logOf([2, 2], 2).restore({ ...start, configuration: { voters: [], learners: [] }, data: new Uint8Array(0) }),
  );
});

test('an entry that was replaced while it was being written is not stable', (t) => {
  const log = logOf([]);
  log.append(entry(1, 1));
  log.append(entry(2, 1));
  log.merge([entry(2, 2)]);
  log.stableTo({ index: 2, term: 1 });
  t.is(log.stable, 0);
  log.stableTo({ index: 2, term: 2 });
  t.is(log.stable, 2);
});

test('entries come in pieces of at least one', (t) => {
  const log = logOf([1, 1, 1, 1]);
  t.deepEqual(
    log.from(2, 0).map(({ index }) => index),
    [2],
  );
  t.deepEqual(
    log.from(2, 130).map(({ index }) => index),
    [2, 3],
  );
  t.deepEqual(
    log.from(1, 1000, 3).map(({ index }) => index),
    [1, 2, 3],
  );
  t.deepEqual(log.from(5, 1000), []);
});

test('compaction drops what is applied, keeps the term at its edge, and gives the memory back', (t) => {
  const log = logOf([1, 2, 3], 3);
  t.throws(() => log.compact(2), { message: /applied/ });
  log.appliedTo(2);
  const before = log.bytes;
  log.compact(2);
  t.is(log.baseIndex, 2);
  t.is(log.termAt(2), 2);
  t.true(log.bytes < before);
  log.compact(1);
  t.is(log.baseIndex, 2);
});

test('after any merges the log is what a plain array would be', (t) => {
  const piece = fc.record({ from: fc.nat(6), count: fc.nat(4), step: fc.nat(1) });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const log = logOf([]);
      const model: number[] = [];
      let term = 1;
      for (const { from, count, step } of pieces) {
        term += step;
        const previous = Math.min(from, model.length);
        const entries = Array.from({ length: count }, (_, place) => entry(previous + 1 + place, term));
        const isSame = entries.every(({ index }) => model[index - 1] === term);
        log.merge(entries);
        if (!isSame) {
          const first = entries.findIndex(({ index }) => model[index - 1] !== term);
          model.splice(previous + first);
          for (const { term: own } of entries.slice(first)) model.push(own);
        }
        t.deepEqual(
          model.map((_, place) => log.termAt(place + 1)),
          model,
        );
        t.is(log.lastIndex, model.length);
      }
    }),
  );
});
