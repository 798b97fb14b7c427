import test from 'ava';
import fc from 'fast-check';
import { type Book, NO_MEMBER } from '../../src/cluster/book.ts';
import { Commander, type Decision, type HeardMember } from '../../src/cluster/commander.ts';
import type { Command } from '../../src/cluster/commands.ts';
import { applyCommand } from '../../src/cluster/reducer.ts';
import {
  after,
  bookOf,
  bookWith,
  down,
  expand,
  handOver,
  incarnationOf,
  leaving,
  memberOfSlot,
  NOW_MS,
  partitionOf,
  remove,
  restart,
  retarget,
  up,
  withHealth,
} from './support/books.ts';

const FLAPPING = [NOW_MS - 2_000, NOW_MS - 1_000, NOW_MS];

/** A commander in slot 0 with its clock, and what it hears of the others. */
class Post {
  readonly commander = new Commander();
  readonly heard = new Map<number, HeardMember>();
  nowMs = 5_000;

  /** These were heard just now, each in the life that the book names. */
  hear(book: Book, ...slots: number[]): void {
    for (const slot of slots) {
      const { incarnation } = memberOfSlot(book, slot);
      this.heard.set(slot, { heardMs: this.nowMs, incarnation, isStalled: false });
    }
  }

  set(slot: number, change: Partial<HeardMember>): void {
    const before = this.heard.get(slot) ?? { heardMs: this.nowMs, incarnation: null, isStalled: false };
    this.heard.set(slot, { ...before, ...change });
  }

  decide(book: Book, unixMs: number = NOW_MS): Decision {
    const members = [...book.members.keys()].map((slot) => this.heard.get(slot));
    return this.commander.decide(book, { nowMs: this.nowMs, unixMs, self: 0, members });
  }

  /** After so long, in which all of them were heard. */
  wait(book: Book, ms: number): void {
    this.nowMs += ms;
    this.hear(book, ...[...book.members.keys()].filter((slot) => book.members[slot] !== null));
  }

  report(book: Book, unreachable: readonly number[]): void {
    const { epoch, primary: by } = partitionOf(book);
    this.commander.report({ partition: 0, epoch, by, unreachable }, this.nowMs);
  }
}

const told = ({ commands }: Decision): unknown[] =>
  commands.map((command) => ('slot' in command ? [command.kind, command.slot] : [command.kind]));

test('silence is death at 600 ms, for all but oneself', (t) => {
  const book = bookOf(3);
  const post = new Post();
  post.hear(book, 1, 2);
  post.nowMs += 599;
  t.deepEqual(told(post.decide(book)), []);
  post.hear(book, 2);
  post.nowMs += 1;
  t.deepEqual(post.decide(book).commands, [down(1)(book)]);
});

test('a stall that was told is tolerated to two seconds', (t) => {
  const book = bookOf(2);
  const post = new Post();
  post.hear(book, 1);
  post.set(1, { isStalled: true });
  post.nowMs += 1_999;
  t.deepEqual(told(post.decide(book)), []);
  post.nowMs += 1;
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
});

test('a new commander counts silence from what it heard itself: it gives everybody 600 ms', (t) => {
  const book = bookOf(3);
  const post = new Post();
  post.set(1, { heardMs: post.nowMs });
  t.deepEqual(told(post.decide(book)), []);
  post.nowMs += 600;
  t.deepEqual(told(post.decide(book)), [
    ['down', 1],
    ['down', 2],
  ]);
});

test('who was never heard has 600 ms from when the watch began, however old the time it stands with', (t) => {
  const book = bookOf(2);
  const post = new Post();
  post.set(1, { heardMs: 0 });
  t.deepEqual(told(post.decide(book)), []);
  post.nowMs += 599;
  t.deepEqual(told(post.decide(book)), []);
  post.nowMs += 1;
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
});

test('who was heard and is cut off is silent since then', (t) => {
  const book = bookOf(2);
  const post = new Post();
  post.hear(book, 1);
  post.decide(book);
  post.set(1, { incarnation: null });
  post.nowMs += 600;
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
});

test('after a pause of its own, which the driver tells by beginning anew, nobody is dead', (t) => {
  const book = bookOf(3);
  const post = new Post();
  post.hear(book, 1, 2);
  post.decide(book);
  post.nowMs += 10_000;
  post.set(1, { heardMs: post.nowMs });
  post.set(2, { heardMs: post.nowMs });
  t.deepEqual(told(post.decide(book)), []);
});

test('another life is no sign of the one in the book', (t) => {
  const book = bookOf(2);
  const post = new Post();
  post.hear(book, 1);
  post.decide(book);
  post.nowMs += 600;
  post.set(1, { heardMs: post.nowMs, incarnation: incarnationOf(2, 1) });
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
  const joined = after(book, restart(2));
  t.deepEqual(told(post.decide(joined)), []);
});

test('who is heard again in its life is up, in another one it has to join', (t) => {
  const book = after(bookOf(2), down(1));
  const post = new Post();
  t.deepEqual(told(post.decide(book)), []);
  post.set(1, { heardMs: post.nowMs, incarnation: incarnationOf(2, 1) });
  t.deepEqual(told(post.decide(book)), []);
  post.hear(book, 1);
  t.deepEqual(post.decide(book).commands, [up(1)(book)]);
});

test('a commander that the book calls down knows better', (t) => {
  const book = after(bookOf(2), down(0));
  const post = new Post();
  post.hear(book, 1);
  t.deepEqual(told(post.decide(book)), [['up', 0]]);
});

test('who leaves and falls silent is down', (t) => {
  const book = after(bookOf(2), leaving(1));
  const post = new Post();
  post.hear(book, 1);
  post.nowMs += 600;
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
});

test('a proposal is not repeated until the book has changed or a second has passed', (t) => {
  const book = bookOf(2);
  const post = new Post();
  post.hear(book, 1);
  post.nowMs += 600;
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
  post.nowMs += 999;
  t.deepEqual(told(post.decide(book)), []);
  post.nowMs += 1;
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
  const changed = after(book, { kind: 'touch', partition: 0, version: 1 });
  t.deepEqual(told(post.decide(changed)), [['down', 1]]);
});

test('R18: a cut-off primary is followed by one of the electorate that reaches min − 1 others', (t) => {
  const book = bookWith(3, {});
  const post = new Post();
  post.wait(book, 0);
  post.report(book, [1, 2]);
  t.deepEqual(post.decide(book).commands, [handOver(1, NO_MEMBER)(book)]);
});

test('R18: a primary that reaches enough others is left to let them in, for a while', (t) => {
  const book = bookWith(3, { isr: [0, 1] });
  const post = new Post();
  post.wait(book, 0);
  post.report(book, [1]);
  t.deepEqual(told(post.decide(book)), []);
  post.wait(book, 1_500);
  post.report(book, [1]);
  t.deepEqual(told(post.decide(book)), []);
  post.wait(book, 500);
  t.deepEqual(post.decide(book).commands, [handOver(1, NO_MEMBER)(book)]);
});

test('R18: with nobody who reaches enough others, nothing happens until somebody is down', (t) => {
  const book = bookWith(2, {});
  const post = new Post();
  post.wait(book, 0);
  post.report(book, [1]);
  t.deepEqual(told(post.decide(book)), []);
  post.nowMs += 600;
  t.deepEqual(told(post.decide(book)), [['down', 1]]);
});

test('R18: nobody outside of the electorate, however many it reaches', (t) => {
  const book = bookWith(3, { isr: [0] });
  const post = new Post();
  post.wait(book, 0);
  post.report(book, [1, 2]);
  t.deepEqual(told(post.decide(book)), []);
});

test('R18: the commander itself is there without being heard', (t) => {
  const book = bookWith(3, { primary: 1, isr: [1, 0, 2] });
  const post = new Post();
  post.hear(book, 1, 2);
  post.nowMs += 200;
  post.report(book, [0, 2]);
  t.deepEqual(post.decide(book).commands, [handOver(0, NO_MEMBER)(book)]);
});

test('R18: a member that was not heard lately may be dead: nothing is passed to it', (t) => {
  const book = bookWith(3, {});
  const post = new Post();
  post.wait(book, 0);
  post.nowMs += 301;
  post.hear(book, 2);
  post.report(book, [1, 2]);
  t.deepEqual(told(post.decide(book)), []);
  post.hear(book, 1);
  t.deepEqual(told(post.decide(book)), [['hand-over']]);
});

test('R18: a partition is not passed to and fro: who could not reach whom is remembered', (t) => {
  const book = bookWith(3, {});
  const post = new Post();
  post.wait(book, 0);
  post.report(book, [1, 2]);
  const passed = after(book, ...post.decide(book).commands);
  t.is(partitionOf(passed).primary, 1);
  post.wait(book, 2_000);
  post.report(passed, [2]);
  t.deepEqual(told(post.decide(passed)), [], 'slot 2 reaches neither, slot 0 neither');
});

test('R18: one that is flapping only if there is no other', (t) => {
  const book = withHealth(bookWith(3, {}), 1, { failuresMs: FLAPPING });
  const post = new Post();
  post.wait(book, 0);
  post.report(book, [1, 2]);
  t.deepEqual(post.decide(book).commands, [handOver(2, NO_MEMBER)(book)]);
});

test('R18: reports of a former epoch, of another primary, or of long ago count for nothing', (t) => {
  const book = bookWith(3, {});
  for (const changed of [after(book, handOver(0)), after(book, handOver(1))]) {
    const post = new Post();
    post.wait(book, 0);
    post.report(book, [1, 2]);
    t.deepEqual(told(post.decide(changed)), []);
  }
  const late = new Post();
  late.wait(book, 0);
  late.report(book, [1, 2]);
  late.wait(book, 2_000);
  t.deepEqual(told(late.decide(book)), []);
  const wild = new Post();
  wild.commander.report({ partition: 77, epoch: 1, by: 3, unreachable: [4] }, wild.nowMs);
  wild.wait(book, 0);
  t.deepEqual(told(wild.decide(book)), []);
});

test('R9: with --on-loss empty a lost partition begins anew, when no former keeper can serve any more', (t) => {
  const book = after(bookWith(2, { isr: [0] }, { onLoss: 'empty' }), down(0), remove(0));
  t.not(partitionOf(book).lost, null);
  const post = new Post();
  post.wait(book, 0);
  t.deepEqual(told(post.decide(book)), []);
  post.wait(book, 31_999);
  t.deepEqual(told(post.decide(book)), []);
  post.wait(book, 1);
  const { commands } = post.decide(book);
  t.deepEqual(told({ commands, wishes: [] }), [['revive']]);
  t.is(partitionOf(after(book, ...commands)).primary, 1);
});

test('R9: with --on-loss stop it waits for an operator', (t) => {
  const book = after(bookWith(2, { isr: [0] }), restart(1));
  const post = new Post();
  post.wait(book, 0);
  post.decide(book);
  post.wait(book, 100_000);
  t.deepEqual(told(post.decide(book)), []);
});

test('R9: nothing begins anew while nobody is up to keep it', (t) => {
  const book = after(bookWith(1, { isr: [0], target: [0] }, { onLoss: 'empty' }), restart(1), down(0));
  const post = new Post();
  post.decide(book);
  post.nowMs += 100_000;
  t.deepEqual(told(post.decide(book)), [['up', 0]]);
});

test('at most 256 partitions begin anew at a time', (t) => {
  const book = after(bookOf(1, { partitions: 512, onLoss: 'empty' }), restart(1));
  const post = new Post();
  post.decide(book);
  post.nowMs += 1_000;
  t.is(post.decide(book).commands.length, 256);
});

test('the preferred primary gets its partition back after two seconds in sync', (t) => {
  const book = bookWith(3, { primary: 1, isr: [1, 0, 2] });
  const post = new Post();
  post.wait(book, 0);
  t.deepEqual(post.decide(book).wishes, []);
  post.wait(book, 1_999);
  t.deepEqual(post.decide(book).wishes, []);
  post.wait(book, 1);
  t.deepEqual(post.decide(book).wishes, [{ partition: 0, to: 0 }]);
  post.wait(book, 1);
  t.deepEqual(post.decide(book).wishes, [], 'told once');
});

test('a wish without effect is told again later', (t) => {
  const book = bookWith(3, { primary: 1, isr: [1, 0, 2] });
  const post = new Post();
  const wishes: unknown[] = [];
  for (let i = 0; i < 100; i++) {
    post.wait(book, 100);
    wishes.push(...post.decide(book).wishes);
  }
  t.is(wishes.length, 2);
});

test('the two seconds begin anew when the preferred primary was out of sync', (t) => {
  const book = bookWith(3, { primary: 1, isr: [1, 0, 2] });
  const out = bookWith(3, { primary: 1, isr: [1, 2] });
  const post = new Post();
  post.wait(book, 0);
  post.decide(book);
  post.wait(book, 1_500);
  post.decide(out);
  post.decide(book);
  post.wait(book, 1_500);
  t.deepEqual(post.decide(book).wishes, []);
});

test('no wishes for who is flapping, leaving, or not in sync', (t) => {
  const book = bookWith(3, { primary: 1, isr: [1, 0, 2] });
  const others = [
    withHealth(book, 0, { failuresMs: FLAPPING }),
    withHealth(book, 0, { health: 'leaving' }),
    bookWith(3, { primary: 1, isr: [1, 2] }),
  ];
  for (const other of others) {
    const post = new Post();
    post.wait(other, 0);
    post.decide(other);
    post.wait(other, 3_000);
    t.deepEqual(post.decide(other).wishes, []);
  }
});

test('R20: a primary that is no target any more, or is flapping, should pass on to any target in sync', (t) => {
  const moved = after(bookWith(4, {}), retarget(3, 1, 2));
  const flapping = withHealth(bookWith(3, { primary: 1, isr: [1, 2], target: [0, 1, 2] }), 1, { failuresMs: FLAPPING });
  for (const [book, to] of [
    [moved, 1],
    [after(moved, expand(3)), 3],
    [flapping, 2],
  ] as const) {
    const post = new Post();
    post.wait(book, 0);
    post.decide(book);
    post.wait(book, 2_000);
    t.deepEqual(post.decide(book).wishes, [{ partition: 0, to }]);
  }
});

test('at most eight wishes at a time', (t) => {
  const silent = after(bookOf(3, { partitions: 64 }), down(0), up(0));
  const inSync = silent.partitions.map((entry) => ({ ...entry, isr: entry.target }));
  const book = { ...silent, partitions: inSync };
  const due = book.partitions.filter((entry) => entry.primary !== entry.target[0]).length;
  t.true(due > 16);
  const post = new Post();
  post.wait(book, 0);
  post.decide(book);
  post.wait(book, 2_000);
  const first = post.decide(book).wishes;
  t.is(first.length, 8);
  t.is(post.decide(book).wishes.length, 0);
  const done = new Set(first.map((wish) => wish.partition));
  const partitions = book.partitions.map((entry, i) =>
    done.has(i) ? { ...entry, primary: entry.target[0] ?? NO_MEMBER } : entry,
  );
  const next = post.decide({ ...book, version: book.version + 1, partitions }).wishes;
  t.is(next.length, 8);
  t.true(next.every((wish) => !done.has(wish.partition)));
});

test('whatever is heard, what a commander proposes is well-formed, and the health in the book comes to agree', (t) => {
  const moments = fc.array(fc.record({ slots: fc.subarray([1, 2, 3, 4]), ms: fc.integer({ min: 1, max: 900 }) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(moments, (all) => {
      const post = new Post();
      let book = bookOf(5, { partitions: 4 });
      const apply = (commands: readonly Command[]): void => {
        for (const command of commands) {
          const applied = applyCommand(book, command);
          t.is(applied.refused, null);
          book = applied.book;
        }
      };
      for (const { slots, ms } of all) {
        post.hear(book, ...slots);
        apply(post.decide(book).commands);
        post.nowMs += ms;
      }
      for (let i = 0; i < 3; i++) {
        post.wait(book, 100);
        apply(post.decide(book).commands);
      }
      t.true(book.members.every((member) => member?.health === 'up'));
      t.true(book.partitions.every((entry) => entry.primary !== NO_MEMBER));
    }),
  );
});
