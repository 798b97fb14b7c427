/**
 * A partition's backup: takes entries in order and says what it holds. R2: a lower epoch is refused, and one that has
 * seen e+1 never acknowledges e. R3, R4: a primary that lost its memory is refused while this replica still holds
 * state of its former life. R6: acknowledges a contiguous prefix only. R15: each entry names its predecessor; a log
 * that differs is cut back, never below the known commit point.
 */
import { assert } from '../base/assert.ts';
import { readU32 } from '../base/bytes.ts';
import { EntryKind } from './entry-kind.ts';
import { ENTRY_HEAD_BYTES, type ReplicationLog } from './replication-log.ts';

export const AcceptStatus = {
  /** Held now, or already. */
  held: 0,
  /** The predecessor is missing: the sender goes on after (`epoch`, `operation`). */
  mismatch: 1,
  /** State of the sender's former life is held here. */
  refused: 2,
  /** A higher epoch was seen, and nothing is held: the sender may open a higher one. */
  staleEpoch: 3,
} as const;

export class Backup {
  readonly log: ReplicationLog;
  /** Highest epoch seen. */
  epoch = 0;
  /** Last entry held, of `epoch`. */
  operation = 0;
  /** Entries before this position are known to be committed. */
  commit = 0;
  /** True once anything but barriers was taken: then a new life of the primary is refused. */
  holdsEntries = false;
  /** Number that the driver gave to the primary's incarnation; −1: none yet. */
  life = -1;
  #barrier = 0; // position of this epoch's barrier

  constructor(log: ReplicationLog) {
    this.log = log;
  }

  /**
   * Takes the entry `source[start, end)`, which begins with its kind. Sent again, one of an earlier epoch is held: the
   * barrier of the present epoch was taken only behind everything that its primary had before.
   */
  accept(life: number, epoch: number, operation: number, source: Uint8Array, start: number, end: number): number {
    if (life !== this.life && !this.#newLife(life)) return AcceptStatus.refused;
    if (epoch < this.epoch) return this.holdsEntries ? AcceptStatus.held : AcceptStatus.staleEpoch;
    if (epoch > this.epoch) return this.#newEpoch(epoch, operation, source, start, end);
    if (operation <= this.operation) return AcceptStatus.held;
    if (operation !== this.operation + 1) return AcceptStatus.mismatch;
    this.log.appendRaw(epoch, operation, source, start, end);
    this.operation = operation;
    this.holdsEntries = true;
    return AcceptStatus.held;
  }

  /** A new incarnation of the primary: welcome only while nothing but barriers is held. */
  #newLife(life: number): boolean {
    if (this.holdsEntries) return false;
    this.life = life;
    return true;
  }

  /** Entries existed that this replica lacks: from now on it refuses a new life of the primary all the same. */
  existed(life: number): void {
    if (this.holdsEntries) return;
    this.life = life;
    this.holdsEntries = true;
  }

  #newEpoch(epoch: number, operation: number, source: Uint8Array, start: number, end: number): number {
    if (operation !== 1 || source[start] !== EntryKind.barrier) return AcceptStatus.mismatch;
    const body = start + ENTRY_HEAD_BYTES;
    const previousEpoch = readU32(source, body);
    const previousOperation = readU32(source, body + 4);
    if (this.holdsEntries || previousEpoch !== 0) {
      if (!this.#matches(previousEpoch, previousOperation)) return AcceptStatus.mismatch;
    } else {
      this.log.truncate(this.log.first);
    }
    this.#barrier = this.log.appendRaw(epoch, operation, source, start, end);
    this.epoch = epoch;
    this.operation = 1;
    return AcceptStatus.held;
  }

  /**
   * Whether the entry `source[start, …)` is a barrier that `accept` would cut committed entries off for. No primary that
   * keeps the rules sends one: to be asked about entries of others before they are accepted.
   */
  cutsCommitted(epoch: number, source: Uint8Array, start: number): boolean {
    if (epoch <= this.epoch || source[start] !== EntryKind.barrier) return false;
    const body = start + ENTRY_HEAD_BYTES;
    return readU32(source, body) === this.epoch && this.#barrier + readU32(source, body + 4) < this.commit;
  }

  /** Cuts the log back to its entry (epoch, operation), if it has it. */
  #matches(epoch: number, operation: number): boolean {
    if (epoch !== this.epoch || operation > this.operation) return false;
    const after = this.#barrier + operation;
    assert(after >= this.commit, 'R15: a committed entry is never cut off');
    this.log.truncate(after);
    this.operation = operation;
    return true;
  }

  /**
   * The primary says that `operation` of `epoch` and everything before it is committed; 0: nothing of this epoch yet, and
   * of what came before it nothing is said. True when the point moved.
   */
  committed(epoch: number, operation: number): boolean {
    if (epoch !== this.epoch || operation < 1) return false;
    const known = this.#barrier + Math.min(operation, this.operation);
    if (known <= this.commit) return false;
    this.commit = known;
    return true;
  }
}
