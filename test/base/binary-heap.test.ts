import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { BinaryHeap } from '../../src/base/binary-heap.ts';

type Pair = readonly [deadline: number, id: number];

function byDeadlineThenId(one: Pair, other: Pair): number {
  return one[0] - other[0] || one[1] - other[1];
}

function takeAll(heap: BinaryHeap): Pair[] {
  const pairs: Pair[] = [];
  while (heap.size > 0) {
    const deadline = heap.peekDeadline();
    pairs.push([deadline, heap.pop()]);
  }
  return pairs;
}

test('the least deadline comes first, among equals the least id', (t) => {
  const heap = new BinaryHeap();
  for (const [deadline, id] of [
    [5, 1],
    [3, 9],
    [3, 2],
    [4, 0],
  ] as const)
    heap.push(deadline, id);
  t.is(heap.peekDeadline(), 3);
  t.is(heap.peekId(), 2);
  t.deepEqual(takeAll(heap), [
    [3, 2],
    [3, 9],
    [4, 0],
    [5, 1],
  ]);
});

test('an empty heap is due never', (t) => {
  const heap = new BinaryHeap();
  heap.push(1, 1);
  heap.clear();
  t.is(heap.size, 0);
  t.is(heap.peekDeadline(), Number.POSITIVE_INFINITY);
  t.is(heap.peekId(), -1);
  t.is(heap.pop(), -1);
});

test('a deadline that is no number, or an id that is no 31-bit integer, is a bug', (t) => {
  const heap = new BinaryHeap();
  t.throws(() => heap.push(Number.NaN, 1), { instanceOf: AssertionError });
  for (const id of [-1, 0.5, 2 ** 31]) t.throws(() => heap.push(1, id), { instanceOf: AssertionError });
  t.is(heap.size, 0);
});

test('whatever goes in comes out sorted', (t) => {
  const pair = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 20 }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 300, size: 'max' }), (pairs) => {
      const heap = new BinaryHeap();
      for (const [deadline, id] of pairs) heap.push(deadline, id);
      t.deepEqual(takeAll(heap), [...pairs].sort(byDeadlineThenId));
    }),
  );
});

test('pushes and pops in any order do what they do to a sorted array', (t) => {
  const push = fc.record({ deadline: fc.nat(30), id: fc.nat(30) });
  const steps = fc.array(
    fc.oneof({ weight: 3, arbitrary: push }, { weight: 2, arbitrary: fc.constant('pop' as const) }),
    {
      maxLength: 200,
      size: 'max',
    },
  );
  fc.assert(
    fc.property(steps, (sequence) => {
      const heap = new BinaryHeap();
      const model: Pair[] = [];
      for (const step of sequence) {
        if (step === 'pop') t.is(heap.pop(), model.shift()?.[1] ?? -1);
        else {
          heap.push(step.deadline, step.id);
          model.push([step.deadline, step.id]);
          model.sort(byDeadlineThenId);
        }
        t.is(heap.size, model.length);
        t.is(heap.peekDeadline(), model[0]?.[0] ?? Number.POSITIVE_INFINITY);
        t.is(heap.peekId(), model[0]?.[1] ?? -1);
      }
    }),
  );
});
