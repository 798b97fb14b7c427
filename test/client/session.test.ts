import test from 'ava';
import fc from 'fast-check';
import { Attachment, NO_SEQUENCE, Session } from '../../src/client/session.ts';

/** Takes `count` sequences and says that all of them were answered. */
function pass(attachment: Attachment, count: number): void {
  for (let step = 0; step < count; step += 1) attachment.answered(attachment.takeSequence());
}

test('R22: sequences count from 1, and the mark is the lowest without an answer', (t) => {
  const attachment = new Attachment();
  t.deepEqual(
    [1, 2, 3].map(() => attachment.takeSequence()),
    [1, 2, 3],
  );
  t.is(attachment.mark, 1);
  attachment.answered(2);
  t.is(attachment.mark, 1);
  attachment.answered(1);
  t.is(attachment.mark, 3);
  attachment.answered(3);
  t.is(attachment.mark, 4);
});

test('R22: an answer that comes twice, or late, moves nothing', (t) => {
  const attachment = new Attachment();
  for (let count = 0; count < 5; count += 1) attachment.takeSequence();
  attachment.answered(3);
  attachment.answered(3);
  attachment.answered(1);
  attachment.answered(1);
  t.is(attachment.mark, 2);
  attachment.answered(2);
  t.is(attachment.mark, 4);
});

test('R22: the mark is always the lowest sequence without an answer, in whatever order answers come', (t) => {
  const order = fc.shuffledSubarray(Array.from({ length: 40 }, (_, index) => index + 1));
  const run = fc.property(order, (answers) => {
    const attachment = new Attachment();
    for (let count = 0; count < 40; count += 1) attachment.takeSequence();
    const open = new Set(Array.from({ length: 41 }, (_, index) => index + 1));
    for (const sequence of answers) {
      attachment.answered(sequence);
      open.delete(sequence);
      t.is(attachment.mark, Math.min(...open));
    }
  });
  fc.assert(run);
});

test('an attachment that is new begins with sequence 1, and with nothing answered', (t) => {
  const attachment = new Attachment();
  pass(attachment, 5);
  attachment.takeSequence();
  attachment.answered(attachment.takeSequence());
  attachment.attachedAt(9, 7, 1000);
  t.is(attachment.mark, 1);
  t.is(attachment.takeSequence(), 1);
  attachment.answered(1);
  t.is(attachment.mark, 2);
  pass(attachment, 10);
  t.is(attachment.mark, 12);
});

test('an attachment is told by the entry that made it, while it lasts', (t) => {
  const attachment = new Attachment();
  t.false(attachment.is(0, 0));
  attachment.attaching = true;
  attachment.attachedAt(9, 7, 1000);
  t.true(attachment.is(9, 7));
  t.false(attachment.is(9, 8));
  t.false(attachment.is(8, 7));
  t.false(attachment.attaching);
  t.is(attachment.leaseUntilMs, 1000);
  attachment.lost();
  t.false(attachment.is(9, 7));
  t.is(attachment.leaseUntilMs, 0);
});

test('a session has an id that nobody can guess, and a place in every partition', (t) => {
  const random = { u32: () => 0, fill: (target: Uint8Array) => target.fill(0xab) };
  const owner = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const session = new Session(10_000, random, owner);
  t.deepEqual(session.id, Uint8Array.of(...owner, ...new Uint8Array(8).fill(0xab)));
  t.is(session.leaseMs, 10_000);
  t.is(session.at(3), session.at(3));
  t.not(session.at(3), session.at(4));
  t.deepEqual(session.attached(), []);
  session.at(200).attachedAt(9, 2, 0);
  session.at(3).attachedAt(9, 2, 0);
  t.deepEqual(session.attached(), [3, 200]);
  session.at(3).lost();
  t.deepEqual(session.attached(), [200]);
});

test('the sequence that means none is never given', (t) => {
  const attachment = new Attachment();
  for (let count = 0; count < 1000; count += 1) t.not(attachment.takeSequence(), NO_SEQUENCE);
});
