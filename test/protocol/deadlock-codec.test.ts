import test from 'ava';
import fc from 'fast-check';
import { codes, type DeadlockStep } from '../../src/errors.ts';
import type { ReportedLock } from '../../src/lock/messages.ts';
import { decodeCondemned, decodeReport, encodeCondemned, encodeReport } from '../../src/protocol/deadlock-codec.ts';
import { decodeCycle, describeCycle, encodeCycle, failText, shown } from '../../src/protocol/deadlock-cycle.ts';
import { decodeFail } from '../../src/protocol/login.ts';
import { DLKA, DLKV } from '../../src/protocol/opcode.ts';
import { decodeOne } from '../helpers/decode.ts';
import { encoded } from '../helpers/encode.ts';

const session = '0123456789abcdef'.repeat(2);
const locks: readonly ReportedLock[] = [
  {
    partition: 7,
    key: 'k',
    grants: [{ epoch: 1_750_000_001, operation: 5, mode: 3, session, flow: 1 }],
    waits: [
      {
        epoch: 1,
        operation: 2,
        sequence: -3,
        mode: 5,
        converts: { epoch: 1, operation: 5 },
        session,
        flow: 1,
        waitsMs: 9,
        name: 'ü',
      },
      {
        epoch: 1,
        operation: 2,
        sequence: 4,
        mode: 0,
        converts: null,
        session: '0'.repeat(32),
        flow: 0,
        waitsMs: 0,
        name: '',
      },
    ],
  },
  { partition: 0, key: '', grants: [], waits: [] },
];
const step: DeadlockStep = { session, name: 'c', flow: 1, key: 'k', mode: 'exclusive', waitsMs: 1500, isBehind: false };

function reportBody(): Uint8Array {
  return decodeOne(
    encoded((writer) => {
      writer.begin(DLKA, 1);
      encodeReport(writer, locks);
      writer.end();
    }),
  ).body;
}

function condemnedBody(): Uint8Array {
  return decodeOne(
    encoded((writer) => {
      writer.begin(DLKV, 1);
      encodeCondemned(writer, { partition: 7, epoch: 1, operation: 2, sequence: -3, cycle: [step] });
      writer.end();
    }),
  ).body;
}

test('a report comes back as it was', (t) => {
  const body = reportBody();
  t.deepEqual(decodeReport(body, 0, body.length), [...locks]);
  t.deepEqual(decodeReport(body, 0, 0), []);
});

test('a report that is cut short, or goes on, is none', (t) => {
  const body = reportBody();
  const ends = [body.length - 7]; // between the two locks
  for (let end = 1; end < body.length; end += 1) {
    const report = decodeReport(body, 0, end);
    if (ends.includes(end)) t.is(report?.length, 1);
    else t.is(report, null, String(end));
  }
  t.is(decodeReport(new Uint8Array([...body, 0]), 0, body.length + 1), null);
});

test('counts that the body has no room for allocate nothing', (t) => {
  const body = new Uint8Array([0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0]);
  t.is(decodeReport(body, 0, body.length), null);
});

test('a mode that there is not, a key that is no UTF-8', (t) => {
  const modes = reportBody();
  modes[2 + 2 + 4 + 8] = 6;
  t.is(decodeReport(modes, 0, modes.length), null);
  const keys = reportBody();
  keys[3] = 0xff;
  t.is(decodeReport(keys, 0, keys.length), null);
});

test('any bytes are a report or none, and nothing is thrown', (t) => {
  const bodies = [reportBody(), condemnedBody()];
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 }),
      (body, changes) => {
        const hostile = body.slice();
        for (const [at, value] of changes) hostile[at % hostile.length] = value;
        decodeReport(hostile, 0, hostile.length);
        decodeCondemned(hostile, 0, hostile.length);
        return true;
      },
    ),
    { numRuns: 3000 },
  );
  t.pass();
});

test('what is to end comes back as it was; without a circle it is none', (t) => {
  const body = condemnedBody();
  t.deepEqual(decodeCondemned(body, 0, body.length), {
    partition: 7,
    epoch: 1,
    operation: 2,
    sequence: -3,
    cycle: [step],
  });
  t.is(decodeCondemned(body, 0, 14), null);
  t.is(decodeCondemned(body, 0, 9), null);
});

test('FAIL carries the circle in words and as data', (t) => {
  const body = new Uint8Array([0, codes.KV_DEADLOCK.wire, ...Buffer.from(failText([step, step]))]);
  const error = decodeFail(body);
  t.deepEqual([error.code, error.message], ['KV_DEADLOCK', describeCycle([step, step])]);
  t.deepEqual(error.cycle, [step, step]);
});

test('FAIL with a circle that cannot be read is the words alone', (t) => {
  for (const rest of [
    '',
    '{',
    '[]',
    '[1]',
    '[null]',
    '[{}]',
    JSON.stringify(Array(17).fill(step)),
    'x'.repeat(70_000),
  ]) {
    const body = new Uint8Array([0, codes.KV_DEADLOCK.wire, ...Buffer.from(`words\0${rest}`)]);
    const { message, cycle } = decodeFail(body);
    t.deepEqual([message, cycle], ['words', undefined]);
  }
  t.is(decodeFail(new Uint8Array([0, codes.KV_DEADLOCK.wire, 65])).cycle, undefined);
});

test('a long circle is cut, and so are long keys; nothing breaks a line', (t) => {
  const long = Array.from({ length: 40 }, () => step);
  t.is(decodeCycle(encodeCycle(long))?.length, 16);
  t.is(shown('a'.repeat(101)), `${'a'.repeat(99)}…`);
  t.is(shown('a\n\u001b[2Jb'), 'a\ufffd\ufffd[2Jb');
  const { isWellFormed } = String.prototype as unknown as { isWellFormed(this: string): boolean };
  t.true(isWellFormed.call(shown(`${'a'.repeat(98)}😀😀`)));
});
