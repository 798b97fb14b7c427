/** Peers that take their time: silent strangers, a byte now and then, bodies that never end, half-closed and reset ones. */
import { type Attack, type AttackContext, patience, pause, sourceAddress, untilOver } from '../attack.ts';
import { conversationWith, rowOf } from '../conversation.ts';
import { frame, hello, stage, u32 } from '../frames.ts';
import { newSession } from '../place.ts';
import { codeIn, told, Wire } from '../wire.ts';

const LOGIN_MS = 5000;
const STRANGERS = 500;
const DRIPPING = 50;
const ENDLESS = 50;

/** Waits until all are gone; tells how long the last one stayed. */
async function untilGone({ tally }: AttackContext, wires: readonly Wire[], what: string): Promise<void> {
  await Promise.all(wires.map((wire) => wire.untilClosed(LOGIN_MS + patience.lateMs)));
  for (const wire of wires) {
    if (wire.closed) tally.dropped += 1;
    else tally.failed(`${what}: still there after ${LOGIN_MS + patience.lateMs} ms`);
    if (wire.failure !== null) tally.refused += 1;
    wire.destroy();
  }
  const stayed = wires.filter(({ closed }) => closed).map((wire) => wire.closedAtMs - wire.openedAtMs);
  tally.note(`gone after ${Math.round(Math.min(...stayed))} to ${Math.round(Math.max(...stayed))} ms`);
}

export const strangers: Attack = {
  name: 'strangers',
  does: `${STRANGERS} connections that say nothing: gone within the time for the login`,
  async run(context) {
    const address = context.nodes[0] as string;
    const wires: Wire[] = [];
    for (let index = 0; index < STRANGERS; index += 1) {
      context.tally.attempts += 1;
      wires.push(await Wire.connect(address, { from: sourceAddress(index) }));
    }
    await untilGone(context, wires, 'a silent stranger');
  },
};

export const manyStrangers: Attack = {
  name: 'many-strangers',
  does: '3,000 silent connections, while a client logs in again and again: it gets in',
  async run(context) {
    const { tally, nodes } = context;
    const address = nodes[0] as string;
    const wires: Wire[] = [];
    const ownLogins = untilOver(3, { atATime: 1, perSecond: 20 }, async () => {
      tally.attempts += 1;
      const { wire } = await Wire.login(address);
      tally.answered += 1;
      wire.destroy();
    }).catch((error: Error) => tally.failed(`a client could not log in among the strangers: ${error.message}`));
    await untilOver(3, { atATime: 16, perSecond: 1000 }, async (number) => {
      tally.attempts += 1;
      try {
        wires.push(await Wire.connect(address, { from: sourceAddress(number) }));
      } catch {
        tally.dropped += 1;
      }
    });
    await ownLogins;
    await untilGone(context, wires, 'one of many strangers');
  },
};

export const byteASecond: Attack = {
  name: 'byte-a-second',
  does: 'logins that come a byte a second: gone within the time for the login all the same',
  async run(context) {
    const address = context.nodes[0] as string;
    const bytes = frame('HELO', 0, hello());
    const wires = await Promise.all(
      Array.from({ length: DRIPPING }, () => {
        context.tally.attempts += 1;
        return Wire.connect(address);
      }),
    );
    const drip = drippingInto(wires, bytes);
    await untilGone(context, wires, 'a login a byte a second');
    clearInterval(drip);
  },
};

function drippingInto(wires: readonly Wire[], bytes: Buffer): NodeJS.Timeout {
  let at = 0;
  return setInterval(() => {
    for (const wire of wires) wire.send(bytes.subarray(at, at + 1));
    at = (at + 1) % bytes.length;
  }, 1000);
}

export const endlessBodies: Attack = {
  name: 'endless-bodies',
  does: `${ENDLESS} clients announce the largest frame or value and send 64 KiB of it a second`,
  async run({ nodes, seconds, tally }) {
    const address = nodes[0] as string;
    const piece = Buffer.alloc(64 * 1024, 0x45);
    const wires: Wire[] = [];
    for (let index = 0; index < ENDLESS; index += 1) {
      tally.attempts += 1;
      const { wire } = await Wire.login(address);
      // One announces a frame, the next a value in pieces.
      if (index % 2 === 0) wire.send(Buffer.concat([u32(2 ** 24 - 1), Buffer.from('PUTK'), u32(1)]));
      wires.push(wire);
    }
    const pieces = Math.max(2, Math.round(seconds));
    for (let count = 0; count < pieces; count += 1) {
      wires.forEach((wire, index) => {
        if (index % 2 === 0) wire.send(piece);
        else wire.send(frame('STGE', count + 1, stage(7, 64 * 1024 * 1024, count * piece.length, piece)));
      });
      await pause((seconds * 1000) / pieces);
    }
    for (const wire of wires) {
      if (wire.failure !== null) tally.refused += 1;
      if (wire.closed) tally.dropped += 1;
      wire.destroy();
    }
    const { wire } = await Wire.login(address);
    tally.expect(
      (await wire.request('PING', 1, Buffer.alloc(1), patience.hangMs))?.opcode === 'PONG',
      'no PONG afterwards',
    );
    wire.destroy();
  },
};

export const halfClosed: Attack = {
  name: 'half-closed',
  does: 'a conversation, FIN behind it, and the peer still reads: answered or not, closed',
  async run(context) {
    const { seconds, random, nodes, tally } = context;
    const conversation = await conversationWith(nodes[0] as string, newSession(random), 'half-closed ');
    const whole = Buffer.concat([conversation.hello, rowOf(conversation)]);
    await untilOver(seconds, { atATime: 4, perSecond: 100 }, async () => {
      tally.attempts += 1;
      const wire = await Wire.connect(nodes[0] as string);
      wire.send(whole);
      wire.finish();
      if (await wire.untilClosed(patience.hangMs)) tally.dropped += 1;
      else tally.hung('open after FIN');
      if (wire.frames > 0) tally.answered += 1;
      tally.expect(wire.failure === null || codeIn(wire.failure) !== 'KV_INTERNAL', told(wire.failure));
      wire.destroy();
    });
  },
};

export const resets: Attack = {
  name: 'resets',
  does: 'a conversation, and RST at a random moment of it',
  async run(context) {
    const { seconds, random, nodes, tally } = context;
    const conversation = await conversationWith(nodes[0] as string, newSession(random), 'reset ');
    const whole = Buffer.concat([conversation.hello, rowOf(conversation)]);
    await untilOver(seconds, { atATime: 4, perSecond: 200 }, async () => {
      tally.attempts += 1;
      const wire = await Wire.connect(nodes[0] as string);
      wire.send(whole.subarray(0, random.below(whole.length)));
      if (random.below(2) === 0) wire.send(whole);
      await pause(random.below(5));
      wire.reset();
      tally.dropped += 1;
    });
  },
};

export const slow: readonly Attack[] = [strangers, manyStrangers, byteASecond, endlessBodies, halfClosed, resets];
