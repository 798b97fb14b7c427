import test from 'ava';
import fc from 'fast-check';
import { AssertionError } from '../../src/base/assert.ts';
import { FixedQueue } from '../../src/base/fixed-queue.ts';

test('first in, first out', (t) => {
  const queue = new FixedQueue<string>();
  t.true(queue.push('a'));
  t.true(queue.push('b'));
  t.is(queue.peek(), 'a');
  t.is(queue.shift(), 'a');
  t.is(queue.shift(), 'b');
  t.is(queue.shift(), null);
  t.is(queue.peek(), null);
});

test('a full queue refuses, and takes again once there is room', (t) => {
  const queue = new FixedQueue<number>(3);
  t.deepEqual(
    [1, 2, 3, 4].map((item) => queue.push(item)),
    [true, true, true, false],
  );
  t.is(queue.size, 3);
  queue.shift();
  t.true(queue.push(5));
  t.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [2, 3, 5, null]);
});

test('a ring that wrapped around keeps its order when it doubles', (t) => {
  const queue = new FixedQueue<number>();
  for (let i = 0; i < 16; i++) queue.push(i);
  for (let i = 0; i < 10; i++) queue.shift();
  for (let i = 16; i < 1_000; i++) queue.push(i);
  for (let i = 10; i < 1_000; i++) if (queue.shift() !== i) t.fail(String(i));
  t.is(queue.size, 0);
});

test('a drained ring holds nothing, wherever its head stands', (t) => {
  const queue = new FixedQueue<number>();
  for (let i = 0; i < 100; i++) {
    queue.push(i);
    queue.shift();
    if (queue.peek() !== null) t.fail(String(i));
  }
  t.is(queue.size, 0);
});

test('a capacity below 1 is a bug', (t) => {
  t.throws(() => new FixedQueue(0), { instanceOf: AssertionError });
  t.throws(() => new FixedQueue(Number.NaN), { instanceOf: AssertionError });
});

/** What a queue does, on a plain array. */
interface Model {
  items: number[];
  capacity: number;
}

type Command = fc.Command<Model, FixedQueue<number>>;

class Push implements Command {
  readonly item: number;
  constructor(item: number) {
    this.item = item;
  }
  check(): boolean {
    return true;
  }
  run(model: Model, queue: FixedQueue<number>): void {
    const accepted = model.items.length < model.capacity;
    if (accepted) model.items.push(this.item);
    expectEqual(queue.push(this.item), accepted);
    expectSame(model, queue);
  }
  toString(): string {
    return `push(${this.item})`;
  }
}

class Shift implements Command {
  check(): boolean {
    return true;
  }
  run(model: Model, queue: FixedQueue<number>): void {
    expectEqual(queue.shift(), model.items.shift() ?? null);
    expectSame(model, queue);
  }
  toString(): string {
    return 'shift()';
  }
}

class Clear implements Command {
  check(): boolean {
    return true;
  }
  run(model: Model, queue: FixedQueue<number>): void {
    model.items = [];
    queue.clear();
    expectSame(model, queue);
  }
  toString(): string {
    return 'clear()';
  }
}

function expectSame(model: Model, queue: FixedQueue<number>): void {
  expectEqual(queue.size, model.items.length);
  expectEqual(queue.peek(), model.items[0] ?? null);
  for (let i = -1; i <= model.items.length; i++) expectEqual(queue.at(i), model.items[i] ?? null);
}

function expectEqual(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`expected ${expected}, got ${actual}`);
}

test('any sequence of calls does what it does to an array', (t) => {
  const command = fc.oneof(
    // Nearly as many shifts as pushes, and few clears, so that the ring wraps and doubles.
    { weight: 30, arbitrary: fc.integer().map((item) => new Push(item)) },
    { weight: 25, arbitrary: fc.constant(new Shift()) },
    { weight: 1, arbitrary: fc.constant(new Clear()) },
  );
  const commands = fc.commands([command], { maxCommands: 200, size: 'max' });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), commands, (capacity, sequence) => {
      fc.modelRun(() => ({ model: { items: [], capacity }, real: new FixedQueue<number>(capacity) }), sequence);
    }),
  );
  t.pass();
});
