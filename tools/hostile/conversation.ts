/**
 * A valid conversation, message by message: one of each request, which can be played again on any connection, because a
 * session that is attached already gets the attachment it has.
 */
import type { RoutingTable } from '../../src/protocol/hello-codec.ts';
import * as bodies from './frames.ts';
import { frame } from './frames.ts';
import { attachTo, keysOf, partitionOf } from './place.ts';
import { Wire } from './wire.ts';

export interface Message {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Conversation {
  readonly hello: Buffer;
  /** What follows the login. */
  readonly messages: readonly Message[];
  readonly table: RoutingTable;
}

const LARGE_BYTES = 70_000;
/** Long enough for an attack, short enough to be over when the next one is measured. */
const LEASE_MS = 20_000;

/** Logs in, attaches `session`, and writes the conversation down. */
export async function conversationWith(address: string, session: Buffer, prefix: string): Promise<Conversation> {
  const { wire, welcome } = await Wire.login(address);
  const [key] = keysOf(welcome.table, 1, prefix) as [string];
  const partition = partitionOf(key, welcome.table);
  const attachment = await attachTo(wire, partition, session, LEASE_MS);
  wire.destroy();
  return {
    hello: frame('HELO', 0, bodies.hello()),
    messages: messages(session, partition, attachment, key),
    table: welcome.table,
  };
}

function messages(session: Buffer, partition: number, attachment: bigint, key: string): Message[] {
  let sequence = 0;
  const write = (parts: Partial<bodies.WriteParts> = {}): Buffer => {
    sequence += 1;
    return bodies.write({ attachment, sequence, mark: 1, key, ...parts });
  };
  const piece = Buffer.alloc(LARGE_BYTES / 2, 0x5a);
  const requests: [opcode: string, body: Buffer][] = [
    ['ATCH', bodies.attach(partition, session, LEASE_MS)],
    ['PUTK', write({ payload: Buffer.from('value') })],
    ['GETK', bodies.get(key)],
    ['CASK', write({ flags: bodies.IF_REVISION, payload: Buffer.from('other') })],
    ['DELK', write()],
    ['INCR', write({ payload: bodies.i64(1n) })],
    ['LCKK', write({ span: 1000 })],
    ['ULKK', write({ revision: 1n })],
    ['CNCL', write({ payload: bodies.u32(6) })],
    ['KEEP', bodies.keep(session, [partition])],
    ['SCAN', bodies.scan(partition)],
    ['STGE', bodies.stage(1, LARGE_BYTES, 0, piece)],
    ['STGE', bodies.stage(1, LARGE_BYTES, piece.length, piece)],
    ['PUTK', write({ flags: bodies.STAGED, payload: bodies.stageReference(1, LARGE_BYTES) })],
    ['BTCH', Buffer.concat([frame('GETK', 101, bodies.get(key)), frame('PING', 102, Buffer.from('ping'))])],
    ['PING', Buffer.from('a sign of life')],
    ['STAT', bodies.NO_BYTES],
    ['TABL', bodies.NO_BYTES],
    ['DROP', bodies.NO_BYTES],
  ];
  return requests.map(([opcode, body], index) => ({ name: opcode, bytes: frame(opcode, index + 1, body) }));
}

/** All messages in one row. */
export function rowOf({ messages }: Conversation): Buffer {
  return Buffer.concat(messages.map(({ bytes }) => bytes));
}
