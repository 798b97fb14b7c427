/**
 * A partition's backup: takes entries of the present primary in order and says what it holds. R2: it answers nobody whose
 * epoch is below the one it has promised. R6: it acknowledges a contiguous prefix only. R15: each entry names its
 * predecessor; a log that differs is cut back, never below the known commit point.
 */
import { readU32, readU48 } from '../base/bytes.ts';
import { EntryKind } from './entry-kind.ts';
import { type EntryName, isAbove } from './epoch-starts.ts';
import type { Replica } from './replica.ts';
import { ENTRY_HEAD_BYTES } from './replication-log.ts';

export const AcceptStatus = {
  /** Held now, or already. */
  held: 0,
  /** The predecessor is missing: the sender goes on behind `lacking`. */
  mismatch: 1,
  /** The sender's epoch is over (R2). */
  stale: 2,
} as const;

export class Backup {
  readonly replica: Replica;
  /**
   * With `mismatch`: the last entry held that may be the sender's too. Of one reign's entries whose predecessors are
   * missing the lowest answer counts until something is taken: in a batch those behind the first would say more.
   */
  lacking: EntryName = { epoch: 0, operation: 0 };
  #isLacking = false;
  /** Entries that were cut off so far (R15). */
  truncated = 0;

  constructor(replica: Replica) {
    this.replica = replica;
  }

  /**
   * Takes the entry `source[start, end)`, which begins with its kind, from the primary of `configuration`, the epoch of
   * the book, at `nowMs` (monotonic).
   */
  accept(
    configuration: number,
    epoch: number,
    operation: number,
    source: Uint8Array,
    start: number,
    end: number,
    nowMs: number,
  ): number {
    const { replica } = this;
    const { log, epochs } = replica;
    if (configuration < replica.promised) return AcceptStatus.stale;
    if (epoch === epochs.lastEpoch && operation === epochs.lastOperation(log.next) + 1) {
      log.appendRaw(epoch, operation, source, start, end);
      replica.sawTime(readU48(source, start + 1), nowMs);
      this.#isLacking = false;
      return AcceptStatus.held;
    }
    return this.#acceptElse(epoch, operation, source, start, end, nowMs);
  }

  /** What is not simply the next entry of the epoch at hand. */
  #acceptElse(epoch: number, operation: number, source: Uint8Array, start: number, end: number, nowMs: number): number {
    const { replica } = this;
    const { log, epochs } = replica;
    if (epochs.isForgotten(epoch) || epochs.after(epoch, operation, log.next) >= 0) return AcceptStatus.held;
    const isBarrier = source[start] === EntryKind.barrier;
    const previousEpoch = isBarrier ? readU32(source, start + ENTRY_HEAD_BYTES) : epoch;
    const previousOperation = isBarrier ? readU32(source, start + ENTRY_HEAD_BYTES + 4) : operation - 1;
    const after = epochs.after(previousEpoch, previousOperation, log.next);
    if (after < 0) {
      const common = epochs.lastNotAbove(previousEpoch, previousOperation, log.next);
      if (!this.#isLacking || isAbove(this.lacking, common)) this.lacking = common;
      this.#isLacking = true;
      return AcceptStatus.mismatch;
    }
    this.#isLacking = false;
    if (after < log.next) this.#cut(after);
    const position = log.appendRaw(epoch, operation, source, start, end);
    if (isBarrier) epochs.add(epoch, position);
    replica.sawTime(readU48(source, start + 1), nowMs);
    return AcceptStatus.held;
  }

  #cut(position: number): void {
    this.truncated += this.replica.log.next - position;
    this.replica.truncate(position);
  }

  /** It is simply the one behind the last. */
  isNext(epoch: number, operation: number): boolean {
    const { epochs, log } = this.replica;
    return epoch === epochs.lastEpoch && operation === epochs.lastOperation(log.next) + 1;
  }

  /** Where the entry `source[start, …)` would be appended; −1: nowhere, it is held, or its predecessor is missing. */
  placeOf(epoch: number, operation: number, source: Uint8Array, start: number): number {
    const { log, epochs } = this.replica;
    if (this.isNext(epoch, operation)) return log.next;
    if (epochs.isForgotten(epoch) || epochs.after(epoch, operation, log.next) >= 0) return -1;
    if (source[start] !== EntryKind.barrier) return epochs.after(epoch, operation - 1, log.next);
    const body = start + ENTRY_HEAD_BYTES;
    return epochs.after(readU32(source, body), readU32(source, body + 4), log.next);
  }

  /**
   * Whether an entry at `place`, as `placeOf` gives it, would cut committed entries off. No primary that keeps the rules
   * sends one: to be asked about entries of others before they are accepted.
   */
  cutsCommitted(place: number): boolean {
    return place >= 0 && place < this.replica.commit;
  }

  /**
   * The primary says that `operation` of `epoch` and everything before it is committed; 0: nothing of this epoch yet, and
   * of what came before it nothing is said. True when the point moved.
   */
  committed(epoch: number, operation: number): boolean {
    const { replica } = this;
    const { log, epochs } = replica;
    if (epoch !== epochs.lastEpoch || operation < 1) return false;
    const behind = epochs.lastOperation(log.next) - operation;
    const known = behind > 0 ? log.next - behind : log.next;
    if (known <= replica.commit) return false;
    replica.commit = known;
    return true;
  }
}
