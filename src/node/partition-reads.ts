/**
 * Reads at the primary of a partition: of committed state, and only while nobody else can be primary: under the lease of
 * the electorate (R12), or after a round that has confirmed it (R10).
 */
import { readU16 } from '../base/bytes.ts';
import * as codec from '../protocol/client-codec.ts';
import { INLINE_VALUE_BYTES_MAX } from '../protocol/limits.ts';
import type { PartitionState } from './partition-state.ts';
import { type PrimaryHost, Until } from './primary-host.ts';
import type { ReignLease } from './reign-lease.ts';
import { type ReplyTarget, replyGot } from './reply.ts';
import { writeScanPage } from './scan-page.ts';

export interface ReadingPartition {
  readonly id: number;
  readonly state: PartitionState;
  readonly serving: boolean;
  readonly epoch: number;
  readonly commitOperation: number;
  logTimeMs(): number;
  /** Appends the expiry of a slot, unless one is on its way; gives its position, −1 when nothing can be appended. */
  expire(slot: number): number;
  changed(): void;
  /** Answers that it cannot be served now. */
  refuseNow(to: ReplyTarget, messageId: number): false;
}

export class PartitionReads {
  readonly #partition: ReadingPartition;
  readonly #host: PrimaryHost;
  readonly #lease: ReignLease;

  constructor(partition: ReadingPartition, host: PrimaryHost, lease: ReignLease) {
    this.#partition = partition;
    this.#host = host;
    this.#lease = lease;
  }

  /** Whether a read may be answered now from the state; if not, it is put aside until it may. */
  #mayAnswer(
    to: ReplyTarget,
    messageId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    opcode: number,
    confirmed: boolean,
  ): boolean {
    if (!this.#partition.serving) return this.#partition.refuseNow(to, messageId);
    if (confirmed) return true;
    const asked = (bytes[start + codec.READ_FLAGS] as number) & codec.ReadsFlag.mask;
    const strict = asked === codec.ReadsFlag.strict || (asked === codec.ReadsFlag.byNode && this.#host.readsStrictly);
    if (!strict && this.#host.mayAnswer(this.#lease, to)) return true;
    if (strict) this.#host.confirm(this.#partition.id, to, messageId, opcode, bytes.slice(start, end));
    else this.#host.park(this.#partition.id, Until.leased, to, messageId, opcode, bytes.slice(start, end));
    return false;
  }

  /** `confirmed`: a round has just confirmed that nobody has passed this epoch. */
  get(
    to: ReplyTarget,
    messageId: number,
    bytes: Uint8Array,
    bodyStart: number,
    opcode: number,
    confirmed: boolean = false,
  ): void {
    const keyStart = bodyStart + codec.READ_KEY;
    const keyEnd = keyStart + readU16(bytes, bodyStart + codec.READ_KEY_LENGTH);
    if (!this.#mayAnswer(to, messageId, bytes, bodyStart, keyEnd, opcode, confirmed)) return;
    const { keys } = this.#partition.state;
    const slot = keys.find(bytes, keyStart, keyEnd);
    if (slot < 0) return replyGot(to, messageId, keys, -1, 0);
    const deadline = keys.deadlineMs(slot);
    if (deadline === 0) return this.#got(to, messageId, slot, 0);
    const ttlMs = deadline - this.#partition.logTimeMs();
    if (ttlMs > 0) return this.#got(to, messageId, slot, ttlMs);
    this.#awaitExpiry(slot, to, messageId, opcode, bytes, bodyStart, keyEnd);
  }

  #got(to: ReplyTarget, messageId: number, slot: number, ttlMs: number): void {
    const { keys } = this.#partition.state;
    const large = keys.largeValue(slot);
    if (large === null || large.length <= INLINE_VALUE_BYTES_MAX) replyGot(to, messageId, keys, slot, ttlMs);
    else this.#host.sendLarge(to, messageId, large, keys.epoch(slot), keys.operation(slot), ttlMs);
  }

  /** R23: a read that finds a key due waits until its expiry is committed. */
  #awaitExpiry(
    slot: number,
    to: ReplyTarget,
    messageId: number,
    opcode: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const position = this.#partition.expire(slot);
    if (position < 0) return void this.#partition.refuseNow(to, messageId);
    this.#host.park(this.#partition.id, position, to, messageId, opcode, bytes.slice(start, end));
    this.#partition.changed();
  }

  /** One page of the partition's committed state. */
  scan(
    to: ReplyTarget,
    messageId: number,
    bytes: Uint8Array,
    bodyStart: number,
    bodyEnd: number,
    opcode: number,
    confirmed: boolean = false,
  ): void {
    if (!this.#mayAnswer(to, messageId, bytes, bodyStart, bodyEnd, opcode, confirmed)) return;
    const { id, state, epoch, commitOperation: operation } = this.#partition;
    const nowMs = this.#partition.logTimeMs();
    const due = state.keys.dueSlot(nowMs);
    if (due >= 0) return this.#awaitExpiry(due, to, messageId, opcode, bytes, bodyStart, bodyEnd);
    writeScanPage(to, messageId, id, state.keys, nowMs, { epoch, operation }, bytes, bodyStart);
  }
}
