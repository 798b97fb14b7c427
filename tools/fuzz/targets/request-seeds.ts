/** Requests that go deep: they name the attachment that the fuzzer has made, and keys that meet each other. */
import * as op from '../../../src/protocol/opcode.ts';
import { bytes, EMPTY, frame, number } from '../world/frames.ts';
import { FIRST_EPOCH } from '../world/manual-time.ts';

export const SESSION: Uint8Array = new Uint8Array(16).fill(0xc0);
/** Flags of writes. */
const FENCED = 4;
const WANTS_VALUE = 8;
const STORE = 16;
const GIVEN_BACK = 64;
const PLENTY_MS = 0xffff_ffff;
const KEYS = ['a', 'b', 'key', '{t}1'] as const;

interface WriteParts {
  readonly key?: string;
  readonly sequence: number;
  readonly flags?: number;
  readonly span?: number;
  readonly revision?: readonly [number, number];
  readonly payload?: Uint8Array | string;
  readonly mark?: number;
}

/** Body of PUTK, CASK, DELK, INCR, LCKK, ULKK, CNCL. The attachment is the second entry of each partition. */
export function writeBody(parts: WriteParts): Uint8Array {
  const { key = 'key', sequence, flags = 0, span = 0, revision = [0, 0], payload = EMPTY, mark = 1 } = parts;
  return bytes(
    number(4, PLENTY_MS),
    number(4, FIRST_EPOCH),
    number(4, 2),
    number(4, sequence),
    number(4, mark),
    flags,
    number(6, span),
    number(4, revision[0]),
    number(4, revision[1]),
    number(2, key.length),
    key,
    payload,
  );
}

export function getBody(key: string): Uint8Array {
  return bytes(number(4, PLENTY_MS), 0, number(2, key.length), key);
}

export function attachBody(partition: number, session: Uint8Array = SESSION, leaseMs = 10_000): Uint8Array {
  return bytes(number(4, PLENTY_MS), number(2, partition), session, number(4, leaseMs), 4, 'fuzz');
}

function scanBody(partition: number, values: number, entriesMax: number, prefix: string): Uint8Array {
  const head = [number(4, PLENTY_MS), values, number(2, partition), number(4, 0), number(4, entriesMax)];
  return bytes(...head, number(2, prefix.length), prefix);
}

function stage(stageNumber: number, total: number, offset: number, piece: Uint8Array): Uint8Array {
  return bytes(number(4, stageNumber), number(4, total), number(4, offset), piece);
}

/** Bodies of a session's KEEP and CLOS. */
function partitionsBody(session: Uint8Array, partitions: readonly number[]): Uint8Array {
  return bytes(session, number(2, partitions.length), ...partitions.map((partition) => number(2, partition)));
}

/** Of the lock that the first request of a stream takes. */
function fence(lockKey: string): Uint8Array {
  return bytes(lockKey, number(4, FIRST_EPOCH), number(4, 3), number(2, lockKey.length));
}

/** Requests of operators about locks; `b` is held under the third entry of its partition. */
const LOCK_QUESTIONS: readonly object[] = [
  { command: 'locks', from: { partition: 0, slot: 0 }, limit: 10 },
  { command: 'locks', from: { partition: 1, slot: 3 }, limit: 1000, prefix: { key64: 'Yg==' } },
  { command: 'locks', from: { partition: 0, slot: 0 }, limit: 1, waited: true },
  { command: 'lock', name: { key: 'b' } },
  { command: 'break-lock', name: { key: 'b' }, tokens: [`${(BigInt(FIRST_EPOCH) << 32n) | 3n}`, '7'] },
];

/** Streams of requests, as a client sends them after the login. */
export function requestSeeds(): Uint8Array[] {
  const reference = bytes(number(4, 9), number(4, 70_000));
  const large = new Uint8Array(2000).fill(7);
  const put = (id: number, parts: WriteParts): Uint8Array => frame(op.PUTK, id, writeBody(parts));
  const lock = (id: number, sequence: number, span: number): Uint8Array =>
    frame(op.LCKK, id, writeBody({ key: 'b', sequence, span }));
  return [
    ...KEYS.map((key, index) =>
      bytes(
        put(1, { key, sequence: 1, payload: 'v' }),
        frame(op.GETK, 2, getBody(key)),
        put(3, { key, sequence: 2 + index, payload: '12' }),
      ),
    ),
    bytes(put(1, { sequence: 1, span: 5, payload: 'short-lived' }), frame(op.GETK, 2, getBody('key'))),
    bytes(put(1, { sequence: 1, flags: 1, payload: 'if absent' }), put(2, { sequence: 1, flags: 1 })),
    bytes(
      put(1, { sequence: 1, payload: '5' }),
      frame(op.INCR, 2, writeBody({ sequence: 2, payload: number(8, -2n) })),
    ),
    bytes(put(1, { sequence: 1, payload: 'x' }), frame(op.INCR, 2, writeBody({ sequence: 2, payload: number(8, 1) }))),
    bytes(
      put(1, { sequence: 1 }),
      frame(op.DELK, 2, writeBody({ sequence: 2 })),
      frame(op.DELK, 3, writeBody({ sequence: 3, flags: 1 })),
    ),
    bytes(
      put(1, { sequence: 1 }),
      frame(op.CASK, 2, writeBody({ sequence: 2, flags: 1, revision: [FIRST_EPOCH, 3], payload: 'n' })),
    ),
    bytes(lock(1, 1, 0), lock(2, 2, 0), lock(3, 3, 50_000)),
    bytes(
      lock(1, 1, 0),
      lock(2, 2, 2 ** 40),
      frame(op.CNCL, 3, writeBody({ key: 'b', sequence: 3, payload: number(4, 2) })),
    ),
    bytes(
      lock(1, 1, 0),
      lock(2, 2, 99),
      frame(op.ULKK, 3, writeBody({ key: 'b', sequence: 3, revision: [FIRST_EPOCH, 3] })),
    ),
    bytes(
      frame(op.LCKK, 1, writeBody({ key: 'b', sequence: 1, flags: WANTS_VALUE })),
      put(2, { key: 'b', sequence: 2, flags: FENCED, payload: bytes('v', fence('')) }),
      put(3, { key: '{b}1', sequence: 3, flags: FENCED, payload: bytes('v', fence('b')) }),
      frame(op.DELK, 4, writeBody({ key: '{b}1', sequence: 4, flags: FENCED, payload: fence('b') })),
      frame(
        op.ULKK,
        5,
        writeBody({ key: 'b', sequence: 5, flags: STORE, revision: [FIRST_EPOCH, 3], payload: 'stored' }),
      ),
      frame(op.LCKK, 6, writeBody({ key: 'b', sequence: 6, flags: WANTS_VALUE })),
    ),
    ...LOCK_QUESTIONS.map((question) =>
      bytes(lock(1, 1, 0), lock(2, 2, 50_000), frame(op.CLUS, 3, JSON.stringify(question)), lock(4, 3, 0)),
    ),
    bytes(
      lock(1, 1, 0),
      frame(op.ULKK, 2, writeBody({ key: 'b', sequence: 2, flags: GIVEN_BACK, revision: [FIRST_EPOCH, 3] })),
    ),
    bytes(lock(1, 1, 0), frame(op.CNCL, 3, writeBody({ key: 'b', sequence: 3, payload: number(4, 1) }))),
    bytes(
      put(1, { sequence: 1, payload: large }),
      ...[0, 1, 2, 3].map((one) => frame(op.SCAN, 2 + one, scanBody(one, 1, 0, ''))),
    ),
    bytes(
      put(1, { sequence: 1 }),
      frame(op.SCAN, 2, scanBody(0, 0, 1, 'k')),
      frame(op.SCAN, 3, scanBody(1, 1, 1, 'k')),
    ),
    bytes(
      frame(op.STGE, 1, stage(9, 4, 0, bytes('ab'))),
      frame(op.STGE, 1, stage(9, 4, 2, bytes('cd'))),
      put(2, { sequence: 1, flags: 2, payload: bytes(number(4, 9), number(4, 4)) }),
    ),
    bytes(
      frame(op.STGE, 1, stage(9, 70_000, 0, bytes('ab'))),
      frame(op.DROP, 9),
      put(2, { sequence: 1, flags: 2, payload: reference }),
    ),
    bytes(frame(op.ATCH, 1, attachBody(1, new Uint8Array(16).fill(1), 100)), frame(op.ATCH, 2, attachBody(1))),
    bytes(
      frame(op.KEEP, 1, partitionsBody(SESSION, [0, 1, 2, 3, 4])),
      frame(op.CLOS, 2, partitionsBody(SESSION, [1, 2])),
    ),
    bytes(
      frame(op.BTCH, 1, put(2, { sequence: 1, payload: 'v' }), frame(op.GETK, 3, getBody('key')), frame(op.PING, 4)),
    ),
    bytes(frame(op.PING, 1, 'ping'), frame(op.STAT, 2), frame(op.TABL, 3), frame(op.HELO, 4), frame(0x7a7a7a7a, 5)),
  ];
}

export const requestWords: readonly Uint8Array[] = [
  number(4, FIRST_EPOCH),
  bytes(number(4, FIRST_EPOCH), number(4, 2)),
  bytes(number(4, FIRST_EPOCH), number(4, 3)),
  number(4, PLENTY_MS),
  SESSION,
  bytes(number(2, 3), 'key'),
];
