/** Tens of thousands of requests in one write on one connection, a second long again and again; every one is answered. */
import type { RoutingTable } from '../../../src/protocol/hello-codec.ts';
import { BATCH_FRAMES_MAX } from '../../../src/protocol/limits.ts';
import { type Attack, type AttackContext, patience, pause } from '../attack.ts';
import * as bodies from '../frames.ts';
import { frame } from '../frames.ts';
import { attachTo, keysOf, newSession, partitionOf, partitionsOf } from '../place.ts';
import { told, Wire } from '../wire.ts';

const KEYS = 1000;
const BURST_EVERY_MS = 1000;
/** For sessions that nobody needs afterwards. */
const LEASE_MS = 5000;

/** What a burst is made of; `again` makes the same bytes fit for the next burst. */
interface Burst {
  readonly bytes: Buffer;
  /** Replies that must come. */
  readonly replies: number;
  readonly again?: () => void;
}

interface BurstAttack {
  readonly name: string;
  readonly does: string;
  /** Codes of refusals that are in order. */
  readonly refusals?: readonly string[];
  make(context: AttackContext, wire: Wire, table: RoutingTable): Promise<Burst>;
}

const alwaysInOrder = ['KV_OVERLOADED'];

function burstAttack({ name, does, refusals = [], make }: BurstAttack): Attack {
  const inOrder = [...alwaysInOrder, ...refusals];
  return {
    name,
    does,
    async run(context) {
      const { tally, nodes, seconds } = context;
      const { wire, welcome } = await Wire.login(nodes[0] as string);
      const burst = await make(context, wire, welcome.table);
      wire.onFrame = (heard): void => {
        if (heard.opcode !== 'FAIL') tally.answered += 1;
        else tally.refused += 1;
      };
      const endMs = performance.now() + seconds * 1000;
      let longestMs = 0;
      while (performance.now() < endMs && !wire.closed) {
        const startMs = performance.now();
        await oneBurst(context, wire, burst);
        longestMs = Math.max(longestMs, performance.now() - startMs);
        burst.again?.();
        await pause(Math.min(startMs + BURST_EVERY_MS, endMs) - performance.now());
      }
      tally.note(`${burst.replies} answered in at most ${Math.round(longestMs)} ms`);
      for (const kind of wire.kinds.keys())
        tally.expect(!kind.startsWith('KV_') || inOrder.includes(kind), `refused: ${told(wire.failure)}`);
      wire.destroy();
    },
  };
}

async function oneBurst({ tally }: AttackContext, wire: Wire, { bytes, replies }: Burst): Promise<void> {
  tally.attempts += replies;
  const expected = wire.frames + replies;
  wire.send(bytes);
  for (let before = -1; wire.frames < expected && !wire.closed; ) {
    if (wire.frames === before) return tally.hung(`${expected - before} requests of a burst are not answered`);
    before = wire.frames;
    await wire.untilFrames(expected, patience.hangMs);
  }
  if (!wire.closed) return;
  // Dropped for asking too much is in order, but it must be said.
  tally.dropped += 1;
  tally.expect(wire.failure !== null, 'the connection was closed without a word');
}

function row(count: number, one: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => one(index)));
}

/** Writes with the right attachments; their sequences go on from burst to burst. */
async function writes(
  context: AttackContext,
  wire: Wire,
  table: RoutingTable,
  opcode: string,
  prefix: string,
  parts: Partial<bodies.WriteParts>,
): Promise<Burst> {
  const { requests, random } = context;
  const session = newSession(random);
  const keys = keysOf(table, KEYS, prefix);
  const attachments = new Map<number, bigint>();
  for (const partition of new Set(keys.map((key) => partitionOf(key, table))))
    attachments.set(partition, await attachTo(wire, partition, session, LEASE_MS));
  const bytes = row(requests, (index) => {
    const key = keys[index % KEYS] as string;
    const attachment = attachments.get(partitionOf(key, table)) as bigint;
    return frame(opcode, index + 1, bodies.write({ attachment, sequence: index + 1, key, ...parts }));
  });
  return { bytes, replies: requests, again: () => nextSequences(bytes, requests) };
}

const SEQUENCE_AT = 12 + 12;

/** Adds `step` to the sequence and the mark of every write in the row. */
function nextSequences(bytes: Buffer, step: number): void {
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    for (const field of [SEQUENCE_AT, SEQUENCE_AT + 4])
      bytes.writeUInt32BE(bytes.readUInt32BE(at + field) + step, at + field);
  }
}

function gets(keys: readonly string[], count: number): Buffer {
  return row(count, (index) => frame('GETK', index + 1, bodies.get(keys[index % keys.length] as string)));
}

const nobody: readonly string[] = [];

const burstAttacks: readonly BurstAttack[] = [
  {
    name: 'burst-gets',
    does: 'requests at once: gets',
    make: async ({ requests }, _wire, table) => ({
      bytes: gets(keysOf(table, KEYS, 'honest '), requests),
      replies: requests,
    }),
  },
  {
    name: 'burst-forwarded',
    does: 'requests at once: gets of keys that other nodes have to answer',
    refusals: ['KV_NO_QUORUM'], // the link to the primary may break
    make: async ({ requests }, _wire, table) => ({
      bytes: gets(keysOf(table, KEYS, 'honest ', true), requests),
      replies: requests,
    }),
  },
  {
    name: 'burst-puts',
    does: 'requests at once: puts of 100 bytes',
    refusals: ['KV_NO_SESSION'],
    make: (context, wire, table) =>
      writes(context, wire, table, 'PUTK', 'burst ', { payload: Buffer.alloc(100, 0x62), span: 5000 }),
  },
  {
    name: 'burst-locks',
    does: 'requests at once: tries for locks that are held already',
    refusals: ['KV_NO_SESSION', 'KV_LOCK_BUSY'],
    make: (context, wire, table) => writes(context, wire, table, 'LCKK', 'burst ', {}),
  },
  {
    name: 'burst-waits',
    does: 'requests at once: endless waits for one lock, more than a session may have',
    refusals: ['KV_NO_SESSION', 'KV_LOCK_BUSY'],
    async make({ requests, random }, wire, table) {
      const [key] = keysOf(table, 1, 'waits ') as [string];
      const attachment = await attachTo(wire, partitionOf(key, table), newSession(random), LEASE_MS);
      const span = bodies.FOR_EVER;
      const bytes = row(requests, (index) =>
        frame('LCKK', index + 1, bodies.write({ attachment, sequence: index + 1, key, span })),
      );
      return { bytes, replies: requests, again: () => nextSequences(bytes, requests) };
    },
  },
  {
    name: 'burst-batches',
    does: 'requests at once: gets in the largest batches there may be',
    async make({ requests }, _wire, table) {
      const count = Math.ceil(requests / BATCH_FRAMES_MAX);
      const batch = frame('BTCH', 0, gets(keysOf(table, KEYS, 'honest '), Math.min(requests, BATCH_FRAMES_MAX)));
      const bytes = row(count, () => batch);
      return { bytes, replies: count * Math.min(requests, BATCH_FRAMES_MAX) };
    },
  },
  {
    name: 'burst-scans',
    does: 'requests at once: pages of scans of all partitions of the node',
    async make({ requests }, _wire, table) {
      const own = partitionsOf(table);
      const bytes = row(requests, (index) => frame('SCAN', index + 1, bodies.scan(own[index % own.length] as number)));
      return { bytes, replies: requests };
    },
  },
  {
    name: 'burst-status',
    does: 'requests at once: how the node is (STAT)',
    make: async ({ requests }) => ({ bytes: row(requests, (index) => frame('STAT', index + 1)), replies: requests }),
  },
  {
    name: 'burst-tables',
    does: 'requests at once: the table (TABL)',
    make: async ({ requests }) => ({ bytes: row(requests, (index) => frame('TABL', index + 1)), replies: requests }),
  },
  {
    name: 'burst-sessions',
    does: 'requests at once: attachments of as many sessions',
    async make({ requests, random }, _wire, table) {
      const own = partitionsOf(table);
      const bytes = row(requests, (index) =>
        frame('ATCH', index + 1, bodies.attach(own[index % own.length] as number, newSession(random), LEASE_MS)),
      );
      return { bytes, replies: requests };
    },
  },
  {
    name: 'burst-nonsense',
    does: 'requests at once: opcodes that nobody knows, and bodies without their layout',
    refusals: ['KV_UNKNOWN_OPCODE', 'KV_BAD_REQUEST', 'KV_BAD_KEY', 'KV_DEADLINE'],
    async make({ requests }) {
      const opcodes = ['ZZZZ', 'GETK', 'PUTK', 'ATCH', 'SCAN', 'KEEP', 'APND', 'GOTK'];
      const bytes = row(requests, (index) =>
        frame(opcodes[index % opcodes.length] as string, index + 1, Buffer.alloc(9)),
      );
      return { bytes, replies: requests };
    },
  },
  {
    name: 'burst-keeps',
    does: 'requests at once: lease renewals that each name all partitions, of a session that nobody knows',
    async make({ requests, random }, _wire, table) {
      const body = bodies.keep(newSession(random), [...table.primaries.keys()]);
      const count = Math.ceil(requests / 10);
      return { bytes: row(count, (index) => frame('KEEP', index + 1, body)), replies: count };
    },
  },
];

export const bursts: readonly Attack[] = burstAttacks.map((one) => burstAttack({ refusals: nobody, ...one }));
