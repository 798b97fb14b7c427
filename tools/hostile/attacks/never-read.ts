/** Peers that ask for much and do not read it: the node must stop asking itself to remember it. */
import { BATCH_FRAMES_MAX } from '../../../src/protocol/limits.ts';
import { type Attack, type AttackContext, patience, pause } from '../attack.ts';
import { frame, get, STAGED, scan, stage, stageReference, write } from '../frames.ts';
import { attachTo, keysOf, newSession, partitionOf } from '../place.ts';
import { told, Wire } from '../wire.ts';

const MIB = 1024 * 1024;
const INLINE_BYTES = 64 * 1024;
const LARGE_BYTES = 8 * MIB;
const PIECE_BYTES = 64 * 1024;
/** Asked for in one go on each connection. */
const GETS = 20_000;
const CONNECTIONS = 8;

interface Stored {
  readonly key: string;
  readonly partition: number;
  readonly remove: () => Promise<void>;
}

/** Stores a value at the node under attack. */
async function store(context: AttackContext, bytes: number): Promise<Stored> {
  const { wire, welcome } = await Wire.login(context.nodes[0] as string);
  const [key] = keysOf(welcome.table, 1, `much ${bytes} `) as [string];
  const partition = partitionOf(key, welcome.table);
  const attachment = await attachTo(wire, partition, newSession(context.random), 60_000);
  const isLarge = bytes > INLINE_BYTES;
  for (let at = 0; isLarge && at < bytes; at += PIECE_BYTES) {
    wire.send(frame('STGE', 1, stage(1, bytes, at, Buffer.alloc(Math.min(PIECE_BYTES, bytes - at), 0x6d))));
  }
  const value = isLarge ? { flags: STAGED, payload: stageReference(1, bytes) } : { payload: Buffer.alloc(bytes, 0x6d) };
  const heard = await wire.request('PUTK', 2, write({ attachment, sequence: 1, key, ...value }));
  if (heard?.opcode !== 'DONE') throw new Error(`a value of ${bytes} bytes was not stored: ${told(heard)}`);
  const remove = async (): Promise<void> => {
    await wire.request('DELK', 3, write({ attachment, sequence: 2, key }));
    wire.destroy();
  };
  return { key, partition, remove };
}

/** Asks on several connections, reads nothing, and looks whether others are still served. */
async function askAndNeverRead(context: AttackContext, asked: Buffer, everyMs = 0): Promise<void> {
  const { tally, nodes, seconds } = context;
  const address = nodes[0] as string;
  const wires: Wire[] = [];
  for (let index = 0; index < CONNECTIONS; index += 1) {
    tally.attempts += 1;
    const { wire } = await Wire.login(address, {}, { readAheadBytes: 1 });
    wire.socket.pause();
    wire.send(asked);
    wires.push(wire);
  }
  const other = (await Wire.login(address)).wire;
  const endMs = performance.now() + seconds * 1000;
  for (let id = 1; performance.now() < endMs; id += 1) {
    const pong = await other.request('PING', id, Buffer.alloc(1), patience.hangMs);
    if (pong === null) tally.hung('another client is not answered');
    await pause(Math.max(50, everyMs));
    if (everyMs > 0) for (const wire of wires) wire.socket.read(1);
  }
  for (const wire of wires) {
    if (wire.closed) tally.dropped += 1;
    wire.reset();
  }
  other.destroy();
}

export const neverReadGets: Attack = {
  name: 'never-read-gets',
  does: `${CONNECTIONS} connections with ${GETS} gets of 64 KiB each, nothing read`,
  async run(context) {
    const stored = await store(context, INLINE_BYTES);
    const asked = Buffer.concat(Array.from({ length: GETS }, (_, id) => frame('GETK', id + 1, get(stored.key))));
    await askAndNeverRead(context, asked);
    await stored.remove();
  },
};

export const neverReadLarge: Attack = {
  name: 'never-read-large',
  does: `${CONNECTIONS} connections with 2,000 gets of 8 MiB each, nothing read`,
  async run(context) {
    const stored = await store(context, LARGE_BYTES);
    const asked = Buffer.concat(Array.from({ length: 2000 }, (_, id) => frame('GETK', id + 1, get(stored.key))));
    await askAndNeverRead(context, asked);
    await stored.remove();
  },
};

export const neverReadScans: Attack = {
  name: 'never-read-scans',
  does: `${CONNECTIONS} connections with ${GETS} pages of scans each, nothing read`,
  async run(context) {
    const stored = await store(context, INLINE_BYTES);
    const asked = Buffer.concat(Array.from({ length: GETS }, (_, id) => frame('SCAN', id + 1, scan(stored.partition))));
    await askAndNeverRead(context, asked);
    await stored.remove();
  },
};

export const neverReadBatches: Attack = {
  name: 'never-read-batches',
  does: `${CONNECTIONS} connections with 20 batches of gets of 64 KiB each, nothing read`,
  async run(context) {
    const stored = await store(context, INLINE_BYTES);
    const gets = Buffer.concat(
      Array.from({ length: BATCH_FRAMES_MAX }, (_, id) => frame('GETK', id + 1, get(stored.key))),
    );
    await askAndNeverRead(context, Buffer.concat(Array.from({ length: 20 }, () => frame('BTCH', 0, gets))));
    await stored.remove();
  },
};

export const readByteASecond: Attack = {
  name: 'read-byte-a-second',
  does: `${CONNECTIONS} connections with ${GETS} gets of 64 KiB each, read a byte a second`,
  async run(context) {
    const stored = await store(context, INLINE_BYTES);
    const asked = Buffer.concat(Array.from({ length: GETS }, (_, id) => frame('GETK', id + 1, get(stored.key))));
    await askAndNeverRead(context, asked, 1000);
    await stored.remove();
  },
};

/** Whoever takes nothing, and whoever does not finish a frame, is dropped after this. */
const STUCK_MS = 30_000;

export const stuckPeers: Attack = {
  name: 'stuck-peers',
  does: 'connections that read nothing, or never finish a frame: gone after 30 s',
  async run(context) {
    const { tally, nodes } = context;
    const stored = await store(context, INLINE_BYTES);
    const asked = Buffer.concat(Array.from({ length: 1000 }, (_, id) => frame('GETK', id + 1, get(stored.key))));
    const counting = await Wire.login(nodes[0] as string);
    const before = (await clientsOf(counting.wire, 1)) - 1;
    counting.wire.destroy();
    const unfinished = frame('PING', 1, Buffer.alloc(100)).subarray(0, 50);
    const wires: Wire[] = [];
    for (let index = 0; index < 2 * CONNECTIONS; index += 1) {
      tally.attempts += 1;
      const { wire } = await Wire.login(nodes[0] as string, {}, { readAheadBytes: 1 });
      wires.push(wire);
      if (index % 2 === 0) wire.socket.pause();
      wire.send(index % 2 === 0 ? asked : unfinished);
    }
    const startMs = performance.now();
    // One that reads nothing does not hear that it is closed: the node is asked how many it has.
    const { wire: other } = await Wire.login(nodes[0] as string);
    let left = wires.length;
    for (let id = 1; left > 0 && performance.now() - startMs < STUCK_MS + 2 * patience.lateMs; id += 1) {
      await pause(500);
      left = Math.max(0, (await clientsOf(other, id)) - before - 1);
    }
    tally.dropped += wires.length - left;
    const unheard = wires.filter(({ closed }, index) => index % 2 === 1 && !closed).length;
    tally.expect(left === 0, `${left} are still there, ${unheard} of them with an unfinished frame`);
    tally.note(`gone after ${Math.round(performance.now() - startMs)} ms`);
    for (const wire of [...wires, other]) wire.reset();
    await stored.remove();
  },
};

async function clientsOf(wire: Wire, messageId: number): Promise<number> {
  const heard = await wire.request('STAT', messageId, Buffer.alloc(0), patience.hangMs);
  if (heard?.opcode !== 'STAD') throw new Error(`STAT was answered by ${told(heard)}`);
  return (JSON.parse(heard.body.toString()) as { connections: number }).connections;
}

export const neverRead: readonly Attack[] = [
  stuckPeers,
  neverReadGets,
  neverReadLarge,
  neverReadScans,
  neverReadBatches,
  readByteASecond,
];
