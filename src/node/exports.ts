/**
 * Exports: one committed state of a partition each, read by a client page by page as NDJSON (XPRT, XPRD). A page is
 * packed here and made text where that is cheapest; the last one carries a check over all of them. What nobody reads on
 * is forgotten.
 */
import { createHash, type Hash } from 'node:crypto';
import { bytesEqual } from '../base/bytes.ts';
import type { TimerHandle, Timers } from '../base/ports.ts';
import { RowWriter } from '../bulk/rows.ts';
import { type Code, KeyvalError } from '../errors.ts';
import * as codec from '../protocol/export-codec.ts';
import {
  EXPORT_FRAME_TEXT_BYTES_MAX,
  EXPORT_IDLE_MS,
  EXPORT_PAGE_BYTES_MAX,
  EXPORT_TEXT_BYTES_MAX,
  EXPORTS_MAX,
} from '../protocol/limits.ts';
import { XPRD } from '../protocol/opcode.ts';
import { sendFragments } from '../protocol/pieces.ts';
import { type EntrySink, SnapshotState, TableSnapshot } from '../store/table-snapshot.ts';
import type { BulkWork } from './bulk-work.ts';
import type { Connection } from './connection.ts';
import { unitsOfBulk, unitsOfSlots } from './fair-share.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { replyFail } from './reply.ts';
import { reserveForSnapshot, type SnapshotMemory } from './snapshot-memory.ts';

export interface ExportHost extends SnapshotMemory {
  readonly nowMs: number;
  readonly ports: { readonly timers: Timers };
}

interface Export {
  readonly number: number;
  readonly connection: Connection;
  readonly partition: PartitionPrimary;
  readonly snapshot: TableSnapshot;
  readonly sink: PageSink;
  /** Over the SHA-256 of the text of each page. */
  readonly check: Hash;
  usedAtMs: number;
  /** Memory of the page being made. */
  busyBytes: number;
  busy: boolean;
}

const NO_TEXT = new Uint8Array(0);
const NO_CHECK = new Uint8Array(codec.CHECK_BYTES);

export class Exports {
  readonly #host: ExportHost;
  readonly #work: BulkWork;
  readonly #open: Map<number, Export> = new Map();
  #lastNumber = 0;
  #timer: TimerHandle | null = null;

  constructor(host: ExportHost, work: BulkWork) {
    this.#host = host;
    this.#work = work;
  }

  /** Memory of pages on their way; what snapshots set aside counts with their tables. */
  get bytes(): number {
    let bytes = 0;
    for (const one of this.#open.values()) bytes += one.busyBytes;
    return bytes;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The first page of a new export of a partition that is served, of the keys that begin with `prefix`. */
  begin(partition: PartitionPrimary, to: Connection, messageId: number, rowsMax: number, prefix: Uint8Array): void {
    if (this.#open.size >= EXPORTS_MAX) {
      return replyFail(to, messageId, 'KV_OVERLOADED', `this node has ${this.#open.size} exports under way already`);
    }
    const { state } = partition;
    const reserve = (bytes: number): boolean => reserveForSnapshot(this.#host, bytes);
    this.#lastNumber = (this.#lastNumber + 1) >>> 0 || 1;
    const one: Export = {
      number: this.#lastNumber,
      connection: to,
      partition,
      snapshot: new TableSnapshot(state.keys, state.appliedEpoch, state.appliedOperation, reserve),
      sink: new PageSink(prefix, partition.logTimeMs()),
      check: createHash('sha256'),
      usedAtMs: this.#host.nowMs,
      busyBytes: 0,
      busy: false,
    };
    this.#open.set(one.number, one);
    this.#timer ??= this.#host.ports.timers.after(EXPORT_IDLE_MS / 4, () => this.#dropIdle());
    this.#page(one, messageId, rowsMax);
  }

  /** The next page of export `number`, or what `flags` say instead. */
  next(partition: number, number: number, to: Connection, messageId: number, rowsMax: number, flags: number): void {
    const one = this.#open.get(number);
    if (one === undefined || one.connection !== to || one.partition.id !== partition) {
      return replyFail(to, messageId, 'KV_NOT_FOUND', `export ${number} is not there any more; begin again`);
    }
    if (one.busy) return replyFail(to, messageId, 'KV_BAD_REQUEST', 'a page of this export is still on its way');
    if (flags === codec.ExportFlag.close) {
      this.#drop(one);
      return writePage(one, messageId, NO_TEXT, 0, NO_CHECK, true);
    }
    one.usedAtMs = this.#host.nowMs;
    if (flags === codec.ExportFlag.keep) return writePage(one, messageId, NO_TEXT, 0, NO_CHECK, false);
    this.#page(one, messageId, rowsMax);
  }

  closed(connection: Connection): void {
    for (const one of [...this.#open.values()]) if (one.connection === connection) this.#drop(one);
  }

  #drop(one: Export): void {
    one.snapshot.close();
    this.#open.delete(one.number);
    if (this.#open.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #dropIdle(): void {
    const { nowMs, ports } = this.#host;
    for (const one of [...this.#open.values()]) {
      if (!one.busy && nowMs - one.usedAtMs > EXPORT_IDLE_MS) this.#drop(one);
    }
    this.#timer = this.#open.size === 0 ? null : ports.timers.after(EXPORT_IDLE_MS / 4, () => this.#dropIdle());
  }

  #page(one: Export, messageId: number, rowsMax: number): void {
    const { sink, snapshot, connection } = one;
    sink.rowsMax = rowsMax;
    const state = snapshot.page(sink);
    connection.units += unitsOfSlots(snapshot.visits);
    if (state !== SnapshotState.open && state !== SnapshotState.done) return this.#lost(one, messageId, state);
    const { rows: count } = sink.rows;
    const rows = sink.rows.take();
    one.busyBytes = rows.length;
    const last = state === SnapshotState.done;
    if (rows.length > EXPORT_FRAME_TEXT_BYTES_MAX && !reserveForSnapshot(this.#host, rows.length * 2)) {
      return this.#lost(one, messageId, SnapshotState.noRoom);
    }
    connection.units += unitsOfBulk(rows.length);
    const text = this.#work.encodeRows(rows);
    if (text instanceof Uint8Array) return this.#send(one, messageId, text, count, last);
    one.busy = true;
    text.then(
      (bytes) => this.#send(one, messageId, bytes, count, last),
      (error: unknown) => this.#failed(one, messageId, error),
    );
  }

  #send(one: Export, messageId: number, text: Uint8Array, count: number, last: boolean): void {
    one.busyBytes = text.length;
    if (text.length > EXPORT_TEXT_BYTES_MAX) {
      return this.#failed(one, messageId, new KeyvalError('KV_TOO_LARGE', `a line of ${text.length} bytes`));
    }
    const digest = this.#work.sha256(text);
    if (digest instanceof Uint8Array) return this.#reply(one, messageId, text, count, last, digest);
    one.busy = true;
    digest.then(
      (bytes) => this.#reply(one, messageId, text, count, last, bytes),
      (error: unknown) => this.#failed(one, messageId, error),
    );
  }

  #reply(one: Export, messageId: number, text: Uint8Array, count: number, last: boolean, digest: Uint8Array): void {
    one.busy = false;
    one.usedAtMs = this.#host.nowMs;
    one.check.update(digest);
    const check = last ? new Uint8Array(one.check.digest()) : NO_CHECK;
    if (last) this.#drop(one);
    const { connection } = one;
    if (connection.closed) return;
    writePage(one, messageId, text, count, check, last);
    if (text.length <= EXPORT_FRAME_TEXT_BYTES_MAX) {
      one.busyBytes = 0;
      return;
    }
    one.busy = true;
    const sent = (): void => {
      one.busy = false;
      one.busyBytes = 0;
      one.usedAtMs = this.#host.nowMs;
    };
    sendFragments(connection.queue, messageId, text).then(sent, () => connection.destroy());
  }

  /** The state could not be kept. */
  #lost(one: Export, messageId: number, state: number): void {
    this.#drop(one);
    const [code, text] = reasons[state] ?? (['KV_NOT_FOUND', 'it is not there any more'] as const);
    replyFail(one.connection, messageId, code, `partition ${one.partition.id}: the export was given up: ${text}`);
  }

  #failed(one: Export, messageId: number, error: unknown): void {
    this.#drop(one);
    const known = error instanceof KeyvalError ? error : null;
    const text = error instanceof Error ? error.message : String(error);
    replyFail(one.connection, messageId, known?.code ?? 'KV_INTERNAL', `the export was given up: ${text}`);
  }
}

const reasons: Readonly<Record<number, readonly [Code, string]>> = {
  [SnapshotState.noRoom]: ['KV_OUT_OF_MEMORY', 'there is no memory to keep its state while writes go on'],
  [SnapshotState.cleared]: ['KV_NOT_FOUND', 'the partition was emptied'],
};

/** Packs the keys with a prefix that are not due at the moment of the snapshot. */
class PageSink implements EntrySink {
  readonly rows: RowWriter = new RowWriter();
  rowsMax: number = Number.POSITIVE_INFINITY;
  readonly #prefix: Uint8Array;
  readonly #openedMs: number;

  constructor(prefix: Uint8Array, openedMs: number) {
    this.#prefix = prefix;
    this.#openedMs = openedMs;
  }

  entry(
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    _epoch: number,
    _operation: number,
    deadlineMs: number,
  ): boolean {
    const { length } = this.#prefix;
    if (length > keyEnd - keyStart || !bytesEqual(this.#prefix, 0, key, keyStart, length)) return true;
    const ttlMs = deadlineMs === 0 ? 0 : deadlineMs - this.#openedMs;
    if (ttlMs < 0 || (ttlMs === 0 && deadlineMs !== 0)) return true;
    this.rows.append(key, keyStart, keyEnd, value, valueStart, valueEnd, ttlMs, 0);
    return this.rows.length < EXPORT_PAGE_BYTES_MAX && this.rows.rows < this.rowsMax;
  }
}

function writePage(
  { connection, partition, snapshot, number }: Export,
  messageId: number,
  text: Uint8Array,
  count: number,
  check: Uint8Array,
  last: boolean,
): void {
  if (connection.closed) return;
  const { frames } = connection;
  const whole = text.length <= EXPORT_FRAME_TEXT_BYTES_MAX;
  frames.begin(XPRD, messageId);
  frames.u8((last ? codec.ExportedFlag.last : 0) | (whole ? 0 : codec.ExportedFlag.fragmented));
  frames.u32(snapshot.epoch);
  frames.u32(snapshot.operation);
  frames.u16(partition.id);
  frames.u32(number);
  frames.u32(text.length);
  frames.u32(count);
  frames.bytes(check, 0, codec.CHECK_BYTES);
  if (whole) frames.bytes(text, 0, text.length);
  frames.end();
}
