/** Entries as they come from the wire, kind first, and the logs they end up in. */
import { readU32, writeU32, writeU48 } from '../../../src/base/bytes.ts';
import { EntryKind } from '../../../src/replication/entry-kind.ts';
import type { Replica } from '../../../src/replication/replica.ts';
import { ENTRY_HEAD_BYTES, type ReplicationLog } from '../../../src/replication/replication-log.ts';

const TIME_MS = 1000;

function entry(kind: number, words: readonly number[]): Uint8Array {
  const raw = new Uint8Array(ENTRY_HEAD_BYTES + words.length * 4);
  raw[0] = kind;
  writeU48(raw, 1, TIME_MS);
  words.forEach((word, index) => {
    writeU32(raw, ENTRY_HEAD_BYTES + index * 4, word);
  });
  return raw;
}

/** First of an epoch; it names its predecessor. */
export function barrierAfter(epoch: number, operation: number): Uint8Array {
  return entry(EntryKind.barrier, [epoch, operation]);
}

/** An entry like any other, told apart by `content`. */
export function plainEntry(content: number): Uint8Array {
  return entry(EntryKind.put, [content]);
}

/** Gives a replica the entries of `epoch` up to `operation`, as if some primary of that epoch had sent them. */
export function fill(replica: Replica, epoch: number, operation: number): Replica {
  const { log, epochs, last } = replica;
  epochs.add(epoch, log.next);
  for (let next = 1; next <= operation; next += 1) {
    const raw = next === 1 ? barrierAfter(last.epoch, last.operation) : plainEntry(next);
    log.appendRaw(epoch, next, raw, 0, raw.length);
  }
  replica.lastTimeMs = TIME_MS;
  return replica;
}

/** What stands at `position`: epoch, operation, kind and what it says. */
export function describeEntry(log: ReplicationLog, position: number): string {
  const words: number[] = [];
  const end = log.offset(position) + log.length(position);
  for (let at = log.offset(position) + ENTRY_HEAD_BYTES; at < end; at += 4) words.push(readU32(log.data, at));
  const kind = log.kind(position) === EntryKind.barrier ? 'barrier' : 'entry';
  return `${log.epoch(position)}.${log.operation(position)} ${kind} ${words.join('.')}`;
}

/** All that a log holds. */
export function describeLog(log: ReplicationLog): string[] {
  const lines: string[] = [];
  for (let position = log.first; position < log.next; position += 1) lines.push(describeEntry(log, position));
  return lines;
}
