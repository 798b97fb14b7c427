/** Keys and sessions at the node under attack, found from the table that it hands out. */
import { hashSlot, partitionOfSlot } from '../../src/base/hash-slot.ts';
import type { Prng } from '../../src/base/prng.ts';
import type { RoutingTable } from '../../src/protocol/hello-codec.ts';
import { attach, OWNER } from './frames.ts';
import { revisionIn, told, type Wire } from './wire.ts';

export function partitionOf(key: string, table: RoutingTable): number {
  const bytes = Buffer.from(key);
  return partitionOfSlot(hashSlot(bytes, 0, bytes.length), table.partitions);
}

/** So many keys whose primary is this node, or, with `elsewhere`, another one. */
export function keysOf(table: RoutingTable, count: number, prefix: string, elsewhere = false): string[] {
  const keys: string[] = [];
  for (let number = 0; keys.length < count; number += 1) {
    const key = `${prefix}${number}`;
    if ((table.primaries[partitionOf(key, table)] === table.self) !== elsewhere) keys.push(key);
  }
  return keys;
}

/** Partitions whose primary is this node. */
export function partitionsOf(table: RoutingTable): number[] {
  return [...table.primaries.keys()].filter((partition) => table.primaries[partition] === table.self);
}

export function newSession(random: Prng): Buffer {
  return Buffer.concat([OWNER, randomBytes(random, 8)]);
}

export function randomBytes(random: Prng, count: number): Buffer {
  const words = Buffer.alloc(Math.ceil(count / 4) * 4);
  for (let at = 0; at < words.length; at += 4) words.writeUInt32BE(random.u32(), at);
  return words.subarray(0, count);
}

/** Attaches; gives the attachment. @throws Error saying what came instead */
export async function attachTo(wire: Wire, partition: number, session: Uint8Array, leaseMs = 10_000): Promise<bigint> {
  const heard = await wire.request('ATCH', 0x7000_0000 + partition, attach(partition, session, leaseMs));
  if (heard?.opcode !== 'DONE') throw new Error(`ATCH was answered by ${told(heard)}`);
  return revisionIn(heard);
}
