/** Many of something: connections, logins, values under way, sessions, packets. */

import type { Welcome } from '../../../src/protocol/hello-codec.ts';
import { type Attack, onEach, patience, pause, sourceAddress, untilOver } from '../attack.ts';
import { attach, frame, get, keep, NO_BYTES, stage } from '../frames.ts';
import { newSession, partitionsOf } from '../place.ts';
import { codeIn, told, Wire } from '../wire.ts';

const CONNECTS_PER_SECOND = 1500;
const CHURN_PER_SECOND = 400;

export const heldConnections: Attack = {
  name: 'held-connections',
  does: 'thousands of clients logged in and held open, some of them active',
  async run({ connections, nodes, seconds, tally }) {
    const address = nodes[0] as string;
    const wires: Wire[] = [];
    const rampSeconds = connections / CONNECTS_PER_SECOND;
    let refused = 0;
    await untilOver(rampSeconds, { atATime: 16, perSecond: CONNECTS_PER_SECOND }, async (number) => {
      tally.attempts += 1;
      try {
        wires.push((await Wire.login(address, {}, { from: sourceAddress(number) })).wire);
        tally.answered += 1;
      } catch (error) {
        // The node's own limit, which the honest client has a part of, is an answer like any other.
        if (!(error as Error).message.includes('KV_OVERLOADED')) throw error;
        refused += 1;
        tally.refused += 1;
      }
    });
    tally.note(`${wires.length} held, ${refused} refused`);
    tally.expect(refused < 100, `${refused} of ${connections} clients were refused`);
    let id = 0;
    await untilOver(seconds, { atATime: 4, perSecond: 200 }, async (number) => {
      id += 1;
      const wire = wires[(number * 7919) % wires.length] as Wire;
      const pong = await wire.request('PING', id, NO_BYTES, patience.hangMs);
      if (pong === null) tally.hung('one of many clients is not answered');
    });
    const lost = wires.filter(({ closed }) => closed).length;
    tally.expect(lost === 0, `${lost} of ${wires.length} clients were dropped`);
    for (const wire of wires) wire.reset();
  },
};

export const churn: Attack = {
  name: 'connect-churn',
  does: `connect, log in, ask once, leave: ${CHURN_PER_SECOND} times a second, every other time by RST`,
  async run({ nodes, seconds, tally }) {
    await untilOver(seconds, { atATime: 16, perSecond: CHURN_PER_SECOND }, async (number) => {
      tally.attempts += 1;
      const { wire } = await Wire.login(nodes[0] as string, {}, { from: sourceAddress(number) });
      const heard = await wire.request('GETK', 1, get('churn'), patience.hangMs);
      // A key of another node is forwarded: any answer will do.
      // A node that slept past its leases closes the connections whose answers were already under way (R12).
      if (heard === null && wire.closed) tally.dropped += 1;
      else if (heard === null) tally.hung('no answer to a lone request');
      else tally.answered += 1;
      if (number % 2 === 0) wire.reset();
      else wire.destroy();
    });
  },
};

const STAGING = 200;
const STAGES = 4;
const VALUE_BYTES = 64 * 1024 * 1024;

export const stagedUnnamed: Attack = {
  name: 'staged-unnamed',
  does: `${STAGING} clients announce ${STAGES} values of 64 MiB each, begin them, and never name them`,
  async run({ nodes, seconds, tally }) {
    const piece = Buffer.alloc(64 * 1024, 0x73);
    const wires: Wire[] = [];
    const numbers = Array.from({ length: STAGING }, (_, index) => index);
    await onEach(numbers, 8, async () => {
      const { wire } = await Wire.login(nodes[0] as string);
      wires.push(wire);
      for (let number = 1; number <= STAGES; number += 1) {
        tally.attempts += 1;
        wire.send(frame('STGE', number, stage(number, VALUE_BYTES, 0, piece)));
      }
      tally.attempts += 1;
      const tooMany = await wire.request('STGE', 9, stage(STAGES + 1, VALUE_BYTES, 0, piece), patience.hangMs);
      tally.expect(['KV_OVERLOADED', 'KV_OUT_OF_MEMORY'].includes(codeIn(tooMany)), `one stage more: ${told(tooMany)}`);
      if (tooMany !== null) tally.refused += 1;
    });
    await pause(seconds * 1000);
    for (const wire of wires) wire.destroy();
  },
};

const SESSIONS_PER_SECOND = 20_000;
const SESSIONS_AT_ONCE = 1000;
/** The longest there is: whoever wants to do harm asks for it. */
const LEASE_MS = 60_000;

export const manySessions: Attack = {
  name: 'many-sessions',
  does: 'sessions with the longest lease, thousands a second, on ten connections: bounded',
  async run({ nodes, seconds, tally, random }) {
    const logins = await Promise.all(Array.from({ length: 10 }, () => Wire.login(nodes[0] as string)));
    const own = partitionsOf((logins[0] as { welcome: Welcome }).welcome.table);
    const sessions: Buffer[] = [];
    const accepted: number[] = [];
    for (const { wire } of logins) {
      wire.onFrame = (heard): void => {
        if (heard.opcode === 'DONE') accepted.push(heard.messageId);
        else tally.refused += 1;
        const isInOrder = ['DONE', 'KV_OVERLOADED', 'KV_OUT_OF_MEMORY'].includes(codeIn(heard));
        tally.expect(isInOrder, `ATCH: ${told(heard)}`);
      };
    }
    const partitionAt = (index: number): number => own[index % own.length] as number;
    await untilOver(seconds, { atATime: 1, perSecond: SESSIONS_PER_SECOND / SESSIONS_AT_ONCE }, async (number) => {
      const { wire } = logins[number % logins.length] as { wire: Wire };
      const frames = Array.from({ length: SESSIONS_AT_ONCE }, () => {
        const session = newSession(random);
        const index = sessions.push(session) - 1;
        return frame('ATCH', index, attach(partitionAt(index), session, LEASE_MS));
      });
      tally.attempts += frames.length;
      wire.send(Buffer.concat(frames));
      await wire.untilFrames(wire.frames + SESSIONS_AT_ONCE, patience.hangMs);
    });
    tally.answered += accepted.length;
    tally.note(`${accepted.length} sessions at once`);
    // What follows is measured without them.
    const { wire } = logins[0] as { wire: Wire };
    wire.onFrame = (): void => undefined;
    const before = wire.frames;
    const farewells = accepted.map((index) => frame('CLOS', 1, keep(sessions[index] as Buffer, [partitionAt(index)])));
    wire.send(Buffer.concat(farewells));
    await wire.untilFrames(before + farewells.length, patience.hangMs);
    for (const login of logins) login.wire.destroy();
  },
};

const TINY_PER_MS = 8;

export const tinyPackets: Attack = {
  name: 'tiny-packets',
  does: 'one frame a packet, then one byte a packet, as fast as a bounded rate',
  async run({ nodes, seconds, tally }) {
    const { wire } = await Wire.login(nodes[0] as string);
    let answers = 0;
    wire.onFrame = (): void => {
      answers += 1;
      tally.answered += 1;
    };
    const request = frame('GETK', 1, get('tiny'));
    let sent = 0;
    const endMs = performance.now() + seconds * 1000;
    const halfMs = endMs - seconds * 500;
    while (performance.now() < endMs) {
      if (performance.now() < halfMs) {
        for (let count = 0; count < TINY_PER_MS; count += 1) wire.send(request);
        sent += TINY_PER_MS;
      } else {
        for (let at = 0; at < request.length; at += 1) wire.send(request.subarray(at, at + 1));
        sent += 1;
      }
      await pause(1);
    }
    tally.attempts += sent;
    if (!(await wire.until(() => answers >= sent || wire.closed, patience.hangMs)))
      tally.hung(`${sent - answers} tiny requests are not answered`);
    tally.expect(!wire.closed, `dropped: ${told(wire.failure)}`);
    wire.destroy();
  },
};

export const crowds: readonly Attack[] = [heldConnections, churn, stagedUnnamed, manySessions, tinyPackets];
