/** Raft on the wire: every message reads back, as these bytes, and nothing else is taken. */
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { ByteWriter } from '../../src/base/byte-writer.ts';
import { decodeRaftMessage, encodeRaftMessage, type RaftMessageType } from '../../src/protocol/raft-codec.ts';
import type { Message } from '../../src/raft/messages.ts';

const number = fc.nat(2 ** 48 - 1);
const between = { from: number, to: number, term: number };
const data = fc.uint8Array({ maxLength: 40 });
const ids = fc.array(number, { maxLength: 5 });
const entry = fc.record({ term: number, kind: fc.constantFrom(0, 1, 2), data });

const bodies: Record<RaftMessageType, fc.Arbitrary<object>> = {
  'pre-vote': fc.record({ lastIndex: number, lastTerm: number }),
  vote: fc.record({ lastIndex: number, lastTerm: number, isTransfer: fc.boolean() }),
  'pre-vote-reply': fc.record({ isGranted: fc.boolean() }),
  'vote-reply': fc.record({ isGranted: fc.boolean() }),
  append: fc
    .record({
      previousIndex: fc.nat(2 ** 47),
      previousTerm: number,
      commit: number,
      entries: fc.array(entry, { maxLength: 4 }),
    })
    .map((body) => ({
      ...body,
      entries: body.entries.map((one, place) => ({ ...one, index: body.previousIndex + 1 + place })),
    })),
  'append-reply': fc.record({ isRejected: fc.boolean(), index: number, hintIndex: number, hintTerm: number }),
  heartbeat: fc.record({ commit: number, round: number }),
  'heartbeat-reply': fc.record({ round: number }),
  snapshot: fc.record({
    snapshot: fc.record({
      index: number,
      term: number,
      configuration: fc.record({ voters: ids, learners: ids }),
      data,
    }),
  }),
  'time-out-now': fc.constant({}),
  'read-request': fc.record({ id: number }),
  'read-reply': fc.record({ id: number, index: number }),
};

function encoded(message: Message): Uint8Array {
  const writer = new ByteWriter();
  encodeRaftMessage(writer, message);
  return writer.finish();
}

for (const [type, body] of Object.entries(bodies) as [RaftMessageType, fc.Arbitrary<object>][]) {
  const message = fc.tuple(fc.record(between), body).map(([head, rest]) => ({ type, ...head, ...rest }) as Message);

  test(`${type}: what is written reads back`, (t) => {
    fc.assert(fc.property(message, (one) => t.deepEqual(decodeRaftMessage(type, encoded(one)), one)));
  });

  test(`${type}: cut short or with more behind it, it is refused`, (t) => {
    fc.assert(
      fc.property(message, fc.nat(), (one, at) => {
        const bytes = encoded(one);
        t.throws(() => decodeRaftMessage(type, bytes.slice(0, at % bytes.length)), { code: 'KV_BAD_REQUEST' });
        t.throws(() => decodeRaftMessage(type, new Uint8Array([...bytes, 0])), { code: 'KV_BAD_REQUEST' });
      }),
      { numRuns: 50 },
    );
  });

  test(`${type}: any bytes are a message or refused, nothing else`, (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          t.deepEqual(encoded(decodeRaftMessage(type, bytes)).length, bytes.length);
        } catch (error) {
          t.like(error, { code: 'KV_BAD_REQUEST' });
        }
      }),
    );
  });
}

test('a count of entries that cannot be there is refused before anything is made', (t) => {
  const writer = new ByteWriter();
  for (let left = 6; left > 0; left -= 1) writer.u48(1);
  writer.u32(0xffff_ffff);
  t.throws(() => decodeRaftMessage('append', writer.finish()), { message: /4294967295 entries do not fit/ });
});

const head = { from: 1, to: 0xfedcba987654, term: 3 };
const examples: readonly Message[] = [
  { type: 'pre-vote', ...head, lastIndex: 5, lastTerm: 2 },
  { type: 'vote', ...head, lastIndex: 5, lastTerm: 2, isTransfer: true },
  { type: 'pre-vote-reply', ...head, isGranted: true },
  { type: 'vote-reply', ...head, isGranted: false },
  {
    type: 'append',
    ...head,
    previousIndex: 4,
    previousTerm: 2,
    commit: 3,
    entries: [
      { index: 5, term: 3, kind: 0, data: new Uint8Array(0) },
      { index: 6, term: 3, kind: 1, data: Uint8Array.of(0xca, 0xfe) },
    ],
  },
  { type: 'append-reply', ...head, isRejected: true, index: 9, hintIndex: 7, hintTerm: 2 },
  { type: 'heartbeat', ...head, commit: 6, round: 12 },
  { type: 'heartbeat-reply', ...head, round: 12 },
  {
    type: 'snapshot',
    ...head,
    snapshot: { index: 6, term: 3, configuration: { voters: [1, 2], learners: [3] }, data: Uint8Array.of(1, 2, 3) },
  },
  { type: 'time-out-now', ...head },
  { type: 'read-request', ...head, id: 77 },
  { type: 'read-reply', ...head, id: 77, index: 6 },
];

const golden = new URL('./raft-golden.txt', import.meta.url);

test('the layout stays as it is', (t) => {
  const lines = examples.map((message) => `${message.type} ${Buffer.from(encoded(message)).toString('hex')}`);
  // biome-ignore lint/complexity/useLiteralKeys: an index signature
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, `${lines.join('\n')}\n`);
  const kept = readFileSync(golden, 'utf8').trim().split('\n');
  t.deepEqual(lines, kept);
  for (const [place, line] of kept.entries()) {
    const [type, hex = ''] = line.split(' ');
    t.deepEqual(decodeRaftMessage(type as RaftMessageType, new Uint8Array(Buffer.from(hex, 'hex'))), examples[place]);
  }
});
