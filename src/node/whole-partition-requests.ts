/** XPRT and HASH: checks their layout, finds the replica here, or says who is primary. They are never forwarded. */
import { readU16, readU32 } from '../base/bytes.ts';
import { hashSlot, partitionShift } from '../base/hash-slot.ts';
import * as codec from '../protocol/export-codec.ts';
import type { BulkWork } from './bulk-work.ts';
import type { Connection } from './connection.ts';
import { type DigestHost, Digests } from './digests.ts';
import { type ExportHost, Exports } from './exports.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { emptyKey, malformed, refusedAsLate } from './refusals.ts';
import { replyFail, replyMoved } from './reply.ts';

export interface WholePartitionHost extends ExportHost, DigestHost {
  readonly partitions: number;
  readonly primaries: readonly (PartitionPrimary | null)[];
  readonly backups: readonly (PartitionBackup | null)[];
  readonly dataPlane: { primaryOf(partition: number): number };
  readonly stopping: boolean;
}

export class WholePartitionRequests {
  readonly #host: WholePartitionHost;
  #shift: number;
  readonly #exports: Exports;
  readonly #digests: Digests;

  constructor(host: WholePartitionHost, work: BulkWork) {
    this.#host = host;
    this.#shift = partitionShift(host.partitions);
    this.#exports = new Exports(host, work);
    this.#digests = new Digests(host, work);
  }

  resize(partitions: number): void {
    this.#shift = partitionShift(partitions);
  }

  /** Memory of pages on their way. */
  get bytes(): number {
    return this.#exports.bytes;
  }

  /** XPRT: a page of an export. */
  export(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const { partitions, primaries } = this.#host;
    const prefixStart = start + codec.EXPORT_PREFIX;
    if (prefixStart > end || prefixStart + readU16(bytes, start + codec.EXPORT_PREFIX_LENGTH) !== end) {
      return void malformed(from, messageId, 'XPRT');
    }
    const partition = readU16(bytes, start + codec.EXPORT_PARTITION);
    const flags = bytes[start + codec.EXPORT_FLAGS] as number;
    if (partition >= partitions || flags > codec.ExportFlag.keep) return void malformed(from, messageId, 'XPRT');
    if (this.#late(from, messageId, bytes, start)) return;
    const primary = primaries[partition] ?? null;
    if (primary === null) return this.#moved(from, messageId, partition);
    const snapshot = readU32(bytes, start + codec.EXPORT_SNAPSHOT);
    const rowsMax = readU32(bytes, start + codec.EXPORT_ROWS_MAX) || Number.POSITIVE_INFINITY;
    if (snapshot === 0 && flags !== 0) return void malformed(from, messageId, 'XPRT');
    if (!primary.serving || !primary.lease.holds) return notServing(from, messageId, primary.obstacle());
    if (snapshot === 0) return this.#exports.begin(primary, from, messageId, rowsMax, bytes.slice(prefixStart, end));
    this.#exports.next(partition, snapshot, from, messageId, rowsMax, flags);
  }

  /** HASH: a digest of a value or of a partition. */
  hash(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const { partitions, primaries, backups } = this.#host;
    if (end - start < codec.HASH_KEY) return void malformed(from, messageId, 'HASH');
    const kind = bytes[start + codec.HASH_KIND] as number;
    const keyStart = start + codec.HASH_KEY;
    const keyLength = readU16(bytes, start + codec.HASH_KEY_LENGTH);
    const named = readU16(bytes, start + codec.HASH_PARTITION);
    const ofKey = kind === codec.HashKind.value;
    if (keyStart + keyLength !== end || (!ofKey && (kind !== codec.HashKind.partition || keyLength > 0))) {
      return void malformed(from, messageId, 'HASH');
    }
    if (ofKey && keyLength === 0) return void emptyKey(from, messageId);
    if (named >= partitions) return void malformed(from, messageId, 'HASH');
    if (this.#late(from, messageId, bytes, start)) return;
    const partition = ofKey ? hashSlot(bytes, keyStart, end) >>> this.#shift : named;
    const primary = primaries[partition] ?? null;
    const kept = (primary ?? (ofKey ? null : (backups[partition] ?? null)))?.kept ?? null;
    if (kept === null) return this.#moved(from, messageId, partition);
    if (!ofKey) {
      if (primary !== null && !primary.serving) return notServing(from, messageId, primary.obstacle());
      this.#digests.partition(kept.state, from, messageId, bytes, start);
    } else if (primary !== null) this.#digests.value(primary, from, messageId, bytes, start);
  }

  closed(connection: Connection): void {
    this.#exports.closed(connection);
    this.#digests.closed(connection);
  }

  #moved(from: Connection, messageId: number, partition: number): void {
    replyMoved(from, messageId, partition, this.#host.dataPlane.primaryOf(partition));
  }

  #late(from: Connection, messageId: number, bytes: Uint8Array, start: number): boolean {
    return refusedAsLate(this.#host.stopping, from, messageId, bytes, start);
  }
}

function notServing(to: Connection, messageId: number, obstacle: string): void {
  replyFail(to, messageId, 'KV_NO_QUORUM', obstacle);
}
