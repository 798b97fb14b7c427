import test from 'ava';
import fc from 'fast-check';
import type { Book } from '../../src/cluster/book.ts';
import { decodeBook, decodeCommand, encodeBook, encodeCommand } from '../../src/cluster/book-codec.ts';
import type { Command } from '../../src/cluster/commands.ts';
import { applyCommand } from '../../src/cluster/reducer.ts';
import { after, bookOf, bookWith, down, join, NOW_MS, partitionOf, remove, restart } from './support/books.ts';

const utf8 = new TextEncoder();
const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
const bytesOf = (json: unknown): Uint8Array => utf8.encode(JSON.stringify(json));

const busy: Book = after(
  bookOf(4, { partitions: 8, onLoss: 'empty', isNew: false }),
  down(0),
  restart(2),
  join(9, { role: 'witness', zone: 'hall "7" ü', address: '[fe80::1%eth0]:6234' }),
  down(3),
  remove(3),
);
const lost: Book = after(bookWith(2, { isr: [0] }), restart(1));

const slot = fc.integer({ min: 0, max: 0xfffe });
const slotOrNobody = fc.integer({ min: 0, max: 0xffff });
const whole = fc.maxSafeNat();
const epoch = fc.integer({ min: 0, max: 0xffff_ffff });
const nowMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const incarnation = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((life) => life.toString(16).padStart(16, '0'));
const partition = fc.integer({ min: 0, max: 16_383 });
const at = { partition, version: whole };
const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('join' as const),
    id: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    incarnation,
    address: fc.constantFrom('a:1', '10.0.0.1:6234', '[::1]:6234'),
    zone: fc.string({ maxLength: 100, unit: 'binary' }),
    role: fc.constantFrom('data' as const, 'witness' as const),
    nowMs,
  }),
  fc.record({ kind: fc.constantFrom('down' as const, 'up' as const), slot, incarnation, nowMs }),
  fc.record({ kind: fc.constantFrom('leaving' as const, 'remove' as const), slot, incarnation, nowMs }),
  fc.record({
    kind: fc.constantFrom('shrink' as const, 'expand' as const),
    ...at,
    epoch,
    by: slotOrNobody,
    members: fc.array(fc.record({ slot, incarnation }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('hand-over' as const), ...at, epoch, by: slotOrNobody, to: slot }),
  fc.record({ kind: fc.constant('retarget' as const), ...at, target: fc.array(slot, { maxLength: 7 }) }),
  fc.record({ kind: fc.constant('revive' as const), ...at, nowMs }),
  fc.record({ kind: fc.constant('touch' as const), ...at }),
);

test('a book comes back as it was, with the same bytes', (t) => {
  for (const book of [bookOf(1), busy, lost]) {
    const bytes = encodeBook(book);
    const back = decodeBook(bytes);
    t.deepEqual(back, book);
    t.deepEqual(encodeBook(back as Book), bytes);
  }
});

test('a command comes back as it was', (t) => {
  fc.assert(fc.property(commands, (command) => t.deepEqual(decodeCommand(encodeCommand(command)), command)));
});

test('no command that can be written makes the reducer throw, and the book it makes can be read', (t) => {
  fc.assert(
    fc.property(commands, fc.constantFrom(bookOf(1), busy, lost), (command, book) => {
      const { book: next } = applyCommand(book, command);
      t.deepEqual(decodeBook(encodeBook(next)), next);
    }),
  );
});

test('bytes that are no book or no command are told, whatever they are', (t) => {
  const json = fc.jsonValue({ maxDepth: 4 }).map(bytesOf);
  const begun = fc
    .tuple(fc.constantFrom('join', 'down', 'shrink', 'touch', 'retarget', 'toString'), fc.array(fc.jsonValue()))
    .map(([kind, rest]) => bytesOf([kind, ...rest]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), json, begun), (bytes) => {
      t.is(decodeBook(bytes), null);
      const command = decodeCommand(bytes);
      if (command !== null) t.deepEqual(decodeCommand(encodeCommand(command)), command);
    }),
  );
  t.is(decodeCommand(utf8.encode('["touch",1,1')), null);
  t.is(decodeCommand(Uint8Array.of(0xff, 0xfe)), null);
});

/** The JSON with each of its values in turn replaced, or left out. */
function* broken(value: unknown, instead: unknown): Generator<unknown> {
  yield instead;
  if (!Array.isArray(value)) return;
  for (const [i, item] of value.entries()) for (const other of broken(item, instead)) yield value.with(i, other);
  for (const i of value.keys()) yield value.toSpliced(i, 1);
  yield [...value, instead];
}

for (const instead of [-1, 0.5, 'x', null, {}, true, 2 ** 60]) {
  test(`every field is checked: ${JSON.stringify(instead)} in place of any`, (t) => {
    const good = after(lost, down(1));
    for (const json of broken(jsonOf(encodeBook(good)), instead)) {
      const book = decodeBook(bytesOf(json));
      // Texts are free, and so is a list that may be shorter.
      if (book !== null) t.deepEqual(jsonOf(encodeBook(book)), json);
    }
    const examples: Command[] = [
      join(1),
      {
        kind: 'shrink',
        partition: 0,
        version: 1,
        epoch: 1,
        by: 0,
        members: [{ slot: 1, incarnation: '0'.repeat(16) }],
      },
      { kind: 'hand-over', partition: 0, version: 1, epoch: 1, by: 0, to: 1 },
      { kind: 'retarget', partition: 0, version: 1, target: [1] },
    ];
    for (const command of examples) {
      for (const json of broken(jsonOf(encodeCommand(command)), instead)) {
        const back = decodeCommand(bytesOf(json));
        if (back !== null) t.deepEqual(jsonOf(encodeCommand(back)), json);
      }
    }
    t.is(decodeBook(bytesOf(instead)), null);
  });
}

test('a book that contradicts itself is none', (t) => {
  const book = bookWith(3, {});
  const entry = partitionOf(book);
  const wrong: Partial<typeof entry>[] = [
    { primary: 9 },
    { isr: [1, 2] },
    { isr: [0, 0] },
    { isr: [0, 9] },
    { eligible: [0] },
    { target: [1, 1] },
    { target: [5] },
    { version: 2 },
    { firstEpoch: entry.epoch + 1 },
    { isr: [], primary: 0xffff },
    { lost: { sinceMs: NOW_MS, keepers: [], waitMs: 0 } },
  ];
  for (const change of wrong) {
    t.is(decodeBook(encodeBook({ ...book, partitions: [{ ...entry, ...change }] })), null, JSON.stringify(change));
  }
  const twin = { ...book.members[1], slot: 0 };
  t.is(decodeBook(encodeBook({ ...book, members: book.members.with(0, twin as never) })), null);
  t.is(decodeBook(encodeBook({ ...book, partitions: [] })), null);
  const aged = { ...book.members[0], joinedAt: 2 };
  t.is(decodeBook(encodeBook({ ...book, members: book.members.with(0, aged as never) })), null);
});

test('the largest book takes less than two megabytes', (t) => {
  const book = after(bookOf(7, { partitions: 16_384 }), down(0), down(1));
  const bytes = encodeBook(book);
  t.true(bytes.length < 2_000_000, `${bytes.length} bytes`);
  t.deepEqual(decodeBook(bytes)?.partitions.at(-1), book.partitions.at(-1));
});
