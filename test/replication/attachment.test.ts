import test from 'ava';
import fc from 'fast-check';
import { Attachment, RECORDS_MAX, RecordStatus } from '../../src/replication/attachment.ts';

const { none, pending, applied, granted } = RecordStatus;

function newAttachment(mark = 0): Attachment {
  const attachment = new Attachment(0, 9, 2, 'ab', 'host:1', 10_000);
  // The mark moves by less than half the circle at a time.
  attachment.advance((mark / 2) | 0);
  attachment.advance(mark | 0);
  return attachment;
}

/** Keeps an outcome that tells the sequence again. */
function record(attachment: Attachment, sequence: number, mark: number, status: number = applied): void {
  attachment.record(sequence, mark, status, 9, sequence & 0xff, sequence, ~sequence);
}

/** Whether the outcome kept is the one of this sequence, with all its fields. */
function isKept(attachment: Attachment, sequence: number): boolean {
  return (
    attachment.status(sequence) === applied &&
    attachment.recordEpoch(sequence) === 9 &&
    attachment.recordOperation(sequence) === (sequence & 0xff) &&
    attachment.payloadHigh(sequence) === (sequence | 0) &&
    attachment.payloadLow(sequence) === ~sequence
  );
}

test('R22: keeps the outcome of a request, and tells it from one never seen', (t) => {
  const attachment = newAttachment();
  record(attachment, 3, 0);
  t.true(isKept(attachment, 3));
  t.is(attachment.status(2), none);
  t.is(attachment.status(4), none);
  t.is(attachment.status(RECORDS_MAX - 1), none);
});

test('R22: an epoch above 2³¹ is kept as it is', (t) => {
  const attachment = newAttachment();
  attachment.record(1, 0, applied, 2 ** 32 - 1, 2 ** 31 - 1, -1, -2);
  t.is(attachment.recordEpoch(1), 2 ** 32 - 1);
  t.is(attachment.recordOperation(1), 2 ** 31 - 1);
  t.deepEqual([attachment.payloadHigh(1), attachment.payloadLow(1)], [-1, -2]);
});

test('R22: a request is pending from its entry on until its outcome is known', (t) => {
  const attachment = newAttachment();
  attachment.pend(5, 1234);
  t.is(attachment.status(5), pending);
  t.is(attachment.pendingPosition(5), 1234);
  record(attachment, 5, 0, granted);
  t.is(attachment.status(5), granted);
});

test('R22: sequences below the mark are told apart, their records are gone', (t) => {
  const attachment = newAttachment();
  for (let sequence = 0; sequence < 6; sequence += 1) record(attachment, sequence, 0);
  attachment.advance(4);
  t.is(attachment.mark, 4);
  t.deepEqual(
    [2, 3, 4, 5].map((sequence) => attachment.isBeforeMark(sequence)),
    [true, true, false, false],
  );
  t.true(isKept(attachment, 4));
  t.true(isKept(attachment, 5));
});

test('R22: a place that the mark has passed is free for the sequence that comes round to it', (t) => {
  const attachment = newAttachment();
  for (let sequence = 0; sequence < 8; sequence += 1) record(attachment, sequence, 0);
  attachment.advance(8);
  for (let sequence = 8; sequence < 16; sequence += 1) t.is(attachment.status(sequence), none);
  record(attachment, 9, 8);
  attachment.advance(20_000);
  for (let sequence = 20_000; sequence < 20_016; sequence += 1) t.is(attachment.status(sequence), none);
});

test('R22: the mark never goes back', (t) => {
  const attachment = newAttachment(10);
  attachment.advance(9);
  record(attachment, 12, 3);
  t.is(attachment.mark, 10);
  t.true(isKept(attachment, 12));
});

test('R22: a record moves the mark first, and needs none if it lies before it', (t) => {
  const attachment = newAttachment();
  record(attachment, 2, 0);
  record(attachment, 4, 5);
  t.is(attachment.mark, 5);
  t.true(attachment.isBeforeMark(4));
  for (let sequence = 5; sequence < 13; sequence += 1) t.is(attachment.status(sequence), none);
});

test('R22: the window holds RECORDS_MAX requests', (t) => {
  const attachment = newAttachment(100);
  t.false(attachment.isBeyondWindow(100 + RECORDS_MAX - 1, attachment.mark));
  t.true(attachment.isBeyondWindow(100 + RECORDS_MAX, attachment.mark));
  t.false(attachment.isBeyondWindow(50, attachment.mark));
  for (let ahead = RECORDS_MAX - 1; ahead >= 0; ahead -= 1) record(attachment, 100 + ahead, 100);
  for (let ahead = 0; ahead < RECORDS_MAX; ahead += 1) t.true(isKept(attachment, 100 + ahead));
});

test('R22: what lies outside the window is not remembered, whatever a client claims', (t) => {
  const attachment = newAttachment(100);
  attachment.pend(99, 1);
  attachment.pend(100 + RECORDS_MAX, 1);
  record(attachment, 100 + RECORDS_MAX, 100);
  for (let ahead = 0; ahead < RECORDS_MAX; ahead += 1) t.is(attachment.status(100 + ahead), none);
  // Marks that jump nearly round the circle bring an old sequence back ahead of them.
  attachment.advance(100 + 2 ** 31 - 1);
  attachment.advance(100 + 2 ** 32 - 10_000);
  t.notThrows(() => record(attachment, 100, attachment.mark));
});

for (const [name, start] of [
  ['2³¹', 2 ** 31 - 5],
  ['2³²', 2 ** 32 - 5],
] as const) {
  test(`R22: sequences go on over ${name}`, (t) => {
    const attachment = newAttachment(start);
    t.is(attachment.mark, start | 0);
    for (let step = 0; step < 40; step += 1) {
      const sequence = (start + step) | 0;
      t.false(attachment.isBeforeMark(sequence));
      t.is(attachment.status(sequence), none);
      record(attachment, sequence, (start + Math.max(0, step - 20)) | 0);
    }
    t.true(attachment.isBeforeMark(start | 0));
    for (let step = 19; step < 40; step += 1) t.true(isKept(attachment, (start + step) | 0));
    t.is(attachment.status((start + 40) | 0), none);
  });
}

test('R22: keeps exactly the outcomes from the mark on, like a map', (t) => {
  const start = fc.constantFrom(0, 2 ** 31 - 3000, 2 ** 31 - 3, 2 ** 32 - 3000, 2 ** 32 - 3);
  const steps = fc.array(
    fc.record({ ahead: fc.oneof(fc.nat(20), fc.nat(RECORDS_MAX - 1)), advance: fc.oneof(fc.constant(0), fc.nat(40)) }),
    { maxLength: 60 },
  );
  const run = fc.property(start, steps, (first, list) => {
    const attachment = newAttachment(first);
    const model = new Set<number>();
    let mark = first;
    for (const { ahead, advance } of list) {
      const sequence = mark + ahead;
      mark += advance;
      record(attachment, sequence | 0, mark | 0);
      model.add(sequence);
    }
    t.is(attachment.mark, mark | 0);
    for (let sequence = mark; sequence < mark + RECORDS_MAX; sequence += 1) {
      if (isKept(attachment, sequence | 0) !== model.has(sequence)) t.fail(`${sequence} at mark ${mark}`);
    }
  });
  fc.assert(run, { numRuns: 100 });
  t.pass();
});
