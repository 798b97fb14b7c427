/** Bytes that nobody could mean: random ones, valid conversations with bits flipped, lengths at every edge. */
import { CLIENT_FRAME_LENGTH_MAX, FRAME_LENGTH_MAX, LOGIN_FRAME_LENGTH_MAX } from '../../../src/protocol/limits.ts';
import { type Attack, type AttackContext, onEach, patience, untilOver } from '../attack.ts';
import { conversationWith, rowOf } from '../conversation.ts';
import { frame, hello, NO_BYTES } from '../frames.ts';
import { newSession, randomBytes } from '../place.ts';
import { codeIn, told, Wire } from '../wire.ts';

/** New connections a second: the node is to be asked much, not the machine's ports. */
const CONNECTIONS_PER_SECOND = 200;

/** Sends `bytes`, says FIN, and expects the connection to be closed, with or without a word before. */
async function saidAndClosed({ tally }: AttackContext, wire: Wire, bytes: Uint8Array): Promise<void> {
  tally.attempts += 1;
  wire.send(bytes);
  wire.finish();
  if (!(await wire.untilClosed(patience.hangMs))) tally.hung('not closed after the peer has said FIN');
  if (wire.failure !== null) tally.refused += 1;
  else if (wire.frames > 0) tally.answered += 1;
  else tally.dropped += 1;
  wire.destroy();
}

/** The word may be lost where the peer has said FIN already; another one must not come. */
function expectBadFrame({ tally }: AttackContext, wire: Wire): void {
  const isSo = wire.failure === null || codeIn(wire.failure) === 'KV_BAD_FRAME';
  tally.expect(isSo, `answered by ${told(wire.failure)}`);
}

export const randomBeforeLogin: Attack = {
  name: 'random-before-login',
  does: 'random bytes instead of a login',
  async run(context) {
    const { seconds, random, nodes, tally } = context;
    await untilOver(seconds, { atATime: 8, perSecond: CONNECTIONS_PER_SECOND }, async () => {
      const wire = await Wire.connect(nodes[0] as string);
      const bytes = randomBytes(random, 4 + random.below(10_000));
      const cannotBeAFrame = bytes.readUInt32BE(0) > LOGIN_FRAME_LENGTH_MAX;
      await saidAndClosed(context, wire, bytes);
      if (cannotBeAFrame) expectBadFrame(context, wire);
      tally.expect(!wire.kinds.has('WLCM'), 'random bytes were welcomed');
    });
  },
};

export const randomAfterLogin: Attack = {
  name: 'random-after-login',
  does: 'random bytes behind a login',
  async run(context) {
    const { seconds, random, nodes } = context;
    await untilOver(seconds, { atATime: 8, perSecond: CONNECTIONS_PER_SECOND }, async () => {
      const { wire } = await Wire.login(nodes[0] as string);
      const bytes = randomBytes(random, 4 + random.below(10_000));
      const cannotBeAFrame = bytes.readUInt32BE(0) > CLIENT_FRAME_LENGTH_MAX;
      await saidAndClosed(context, wire, bytes);
      if (cannotBeAFrame) expectBadFrame(context, wire);
    });
  },
};

export const bitFlips: Attack = {
  name: 'bit-flips',
  does: 'valid conversations with one to eight bits flipped',
  async run(context) {
    const { seconds, random, nodes } = context;
    const address = nodes[0] as string;
    const conversation = await conversationWith(address, newSession(random), 'flipped ');
    const whole = Buffer.concat([conversation.hello, rowOf(conversation)]);
    await untilOver(seconds, { atATime: 8, perSecond: CONNECTIONS_PER_SECOND }, async (number) => {
      const flipped = Buffer.from(whole);
      // The pieces of the large value would take nearly all flips: every other row is flipped at its start.
      const within = number % 2 === 0 ? flipped.length : 1200;
      for (let flips = 1 + random.below(8); flips > 0; flips -= 1) {
        const at = random.below(within);
        flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
      }
      await saidAndClosed(context, await Wire.connect(address), flipped);
    });
  },
};

interface LengthCase {
  readonly length: number;
  /** Bytes really sent behind the length, the opcode first. */
  readonly rest: Buffer;
  readonly expected: string;
}

/** A length, and a body that fits it where it may be. */
function lengthCase(opcode: string, length: number, expected: string): LengthCase {
  const fits = length >= 8 && length <= CLIENT_FRAME_LENGTH_MAX;
  return { length, rest: frame(opcode, 1, fits ? Buffer.alloc(length - 8) : NO_BYTES).subarray(4), expected };
}

const overAnything = [FRAME_LENGTH_MAX - 1, FRAME_LENGTH_MAX, FRAME_LENGTH_MAX + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** A HELO that fills the frame: its reader passes over what stands behind the last field it knows. */
function fullHello(length: number): LengthCase {
  const body = Buffer.concat([hello(), Buffer.alloc(length - 8 - hello().length)]);
  return { length, rest: frame('HELO', 0, body).subarray(4), expected: 'WLCM' };
}

const beforeLogin: readonly LengthCase[] = [
  ...[0, 1, 7].map((length) => lengthCase('HELO', length, 'KV_BAD_FRAME')),
  ...[8, 9].map((length) => lengthCase('HELO', length, 'KV_BAD_REQUEST')),
  ...[8, 9, 4095, 4096].map((length) => lengthCase('PING', length, 'KV_BAD_FRAME')),
  ...[4095, 4096].map(fullHello),
  ...[4097, ...overAnything].map((length) => lengthCase('HELO', length, 'KV_BAD_FRAME')),
];

const afterLogin: readonly LengthCase[] = [
  ...[0, 1, 7, CLIENT_FRAME_LENGTH_MAX + 1, ...overAnything].map((length) =>
    lengthCase('PING', length, 'KV_BAD_FRAME'),
  ),
  ...[8, 9, 4095, 4096, 4097, 65_535, 65_536, 65_537].map((length) => lengthCase('PING', length, 'PONG')),
  ...[8, 9, 4095, 4096, 4097, 65_536].map((length) => lengthCase('PUTK', length, 'KV_BAD_REQUEST')),
];

/** These are echoed whole: a few are enough. */
const largest: readonly LengthCase[] = [CLIENT_FRAME_LENGTH_MAX - 1, CLIENT_FRAME_LENGTH_MAX].map((length) =>
  lengthCase('PING', length, 'PONG'),
);

async function tryLength({ tally }: AttackContext, wire: Wire, { length, rest, expected }: LengthCase): Promise<void> {
  tally.attempts += 1;
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  wire.send(Buffer.concat([head, rest]));
  const heard = await wire.next(patience.hangMs);
  if (heard === null && !wire.closed) tally.hung(`a length of ${length} is not answered`);
  else
    tally.expect(isExpected(codeIn(heard), expected), `a length of ${length}: ${told(heard)} instead of ${expected}`);
  if (heard?.opcode === 'FAIL') tally.refused += 1;
  else tally.answered += 1;
  if (expected === 'KV_BAD_FRAME' && !(await wire.untilClosed(patience.hangMs)))
    tally.hung(`open after a length of ${length}`);
  wire.destroy();
}

/** A body of zeros has an empty key or no layout: which of the two depends on its length. */
function isExpected(code: string, expected: string): boolean {
  return (
    code === expected || (expected === 'KV_BAD_REQUEST' && ['KV_BAD_KEY', 'KV_DEADLINE', 'KV_TOO_LARGE'].includes(code))
  );
}

export const lengths: Attack = {
  name: 'lengths',
  does: 'every edge of the length field, before and after the login',
  async run(context) {
    const address = context.nodes[0] as string;
    const after = [...afterLogin, ...largest];
    await onEach(beforeLogin, 4, async (one) => tryLength(context, await Wire.connect(address), one));
    await onEach(after, 2, async (one) => tryLength(context, (await Wire.login(address)).wire, one));
  },
};

export const garbage: readonly Attack[] = [randomBeforeLogin, randomAfterLogin, bitFlips, lengths];
