/**
 * A partition's primary: appends, learns what each backup holds, and says what is committed (PacificA,
 * MSR-TR-2008-25, §2.3). Pure: messages and time come in, positions come out; the driver sends and applies.
 *
 *      first … commit … match[b] … sent[b] … next
 *
 * R5: committed = held by every member of the in-sync set. R6: without gaps. R7: below min nothing is appended: the
 * driver asks `obstacle` first. R11: nothing is served before the epoch's barrier is committed. R15: entries keep
 * their epoch; a backup that differs is walked back.
 */
import { assert } from '../base/assert.ts';
import { writeU32 } from '../base/bytes.ts';
import { EntryKind } from './entry-kind.ts';
import type { ReplicationLog } from './replication-log.ts';

/** At this operation the primary opens a new epoch, so that an operation number always fits a signed 32-bit integer. */
export const OPERATIONS_PER_EPOCH_MAX: number = 2 ** 31 - 1;

export const BackupState = {
  /** Not heard in this epoch. */
  unknown: 0,
  /** Acknowledges this epoch. */
  following: 1,
  /** Holds state of this primary's former life and refuses it (R3, R4). */
  refusing: 2,
  /** Restarted and empty, while this primary holds entries that count on it (R4). */
  restarted: 3,
} as const;

export class Primary {
  readonly log: ReplicationLog;
  readonly backups: number;
  /** Every backup acknowledged up to before this position, and so it is committed. */
  commit = 0;
  /** Position of the present epoch's barrier. */
  barrier = 0;
  /** Position of the barrier that this primary began with: nothing is served before it is committed. */
  #firstBarrier = 0;
  epoch = 0;
  /**
   * Some replica has told that entries existed before this life. It stays so for good, whatever becomes of who told it:
   * nothing is served that would silently begin empty (R4, R9).
   */
  existed = false;
  /** Time of the last entry, log milliseconds: never goes back (R23). */
  lastTimeMs = 0;
  /** Per backup: holds everything before this position. match ≤ sent ≤ next. */
  readonly match: Float64Array;
  /** Per backup: next position to send. */
  readonly sent: Float64Array;
  readonly states: Uint8Array;
  readonly #operationsMax: number;
  #operation = 0;
  readonly #barrierBody: Uint8Array = new Uint8Array(8);

  constructor(log: ReplicationLog, backups: number, operationsMax: number = OPERATIONS_PER_EPOCH_MAX) {
    this.log = log;
    this.backups = backups;
    this.match = new Float64Array(backups);
    this.sent = new Float64Array(backups);
    this.states = new Uint8Array(backups);
    this.#operationsMax = operationsMax;
  }

  /** True once something other than barriers was ever appended. */
  get holdsEntries(): boolean {
    return this.barrier > 0 || this.log.next > this.barrier + 1;
  }

  /** R11. A primary that goes on in a new epoch of its own knows what is committed, and serves all the while. */
  get serving(): boolean {
    return this.epoch > 0 && this.commit > this.#firstBarrier && !this.existed;
  }

  /** Opens an epoch: its first entry is a barrier that names its predecessor (R11, R15). */
  open(epoch: number, timeMs: number): void {
    this.#firstBarrier = this.log.next;
    this.#begin(epoch, timeMs);
  }

  #begin(epoch: number, timeMs: number): void {
    assert(epoch > this.epoch, 'primary: epochs only grow');
    const { log } = this;
    writeU32(this.#barrierBody, 0, this.epoch);
    writeU32(this.#barrierBody, 4, this.#operation);
    this.barrier = log.next;
    this.epoch = epoch;
    this.#operation = 0;
    this.#append(EntryKind.barrier, timeMs, this.#barrierBody, 0, 8);
  }

  /** Opens this epoch again under a higher number, while nothing but its barrier exists and nobody acknowledged it. */
  reopen(epoch: number, timeMs: number): void {
    assert(!this.holdsEntries, 'primary: only an empty log is opened again');
    this.log.truncate(this.barrier);
    this.epoch = 0;
    this.#operation = 0;
    this.commit = this.barrier;
    this.match.fill(this.barrier);
    this.sent.fill(this.barrier);
    this.states.fill(BackupState.unknown);
    this.open(Math.max(epoch, 1), timeMs);
  }

  /** Appends one entry; gives its position. */
  append(kind: number, timeMs: number, source: Uint8Array, start: number, end: number): number {
    assert(this.serving, 'primary: nothing is appended before the barrier is committed');
    if (this.#operation >= this.#operationsMax) this.#begin(this.epoch + 1, timeMs);
    return this.#append(kind, timeMs, source, start, end);
  }

  #append(kind: number, timeMs: number, source: Uint8Array, start: number, end: number): number {
    this.#operation += 1;
    if (timeMs > this.lastTimeMs) this.lastTimeMs = timeMs;
    const position = this.log.append(this.epoch, this.#operation, kind, this.lastTimeMs, source, start, end);
    if (this.backups === 0) this.commit = this.log.next;
    return position;
  }

  /** False: in this epoch so many entries were never appended. Of other epochs nothing is said. */
  hasAppended(epoch: number, operation: number): boolean {
    return this.#positionAfter(epoch, operation) <= this.log.next;
  }

  /** A backup holds everything through `operation` of `epoch`. True when the commit point moved. */
  acknowledged(backup: number, epoch: number, operation: number): boolean {
    const held = this.#positionAfter(epoch, operation);
    if (held < 0 || this.#isOut(backup)) return false;
    this.states[backup] = BackupState.following;
    if (held <= (this.match[backup] as number)) return false;
    assert(held <= this.log.next, 'primary: a backup acknowledged what was never sent');
    this.match[backup] = held;
    if ((this.sent[backup] as number) < held) this.sent[backup] = held;
    return this.#advance();
  }

  /** A backup's log ends at (epoch, operation) instead of at the predecessor of what was sent: send from there (R15). */
  mismatched(backup: number, epoch: number, operation: number): void {
    if (!this.#needs(backup)) return;
    const after = this.#positionAfter(epoch, operation);
    const match = this.match[backup] as number;
    this.sent[backup] = after > match ? after : match;
  }

  /** The link was renewed, same incarnation: what was sent and not acknowledged may be lost. */
  resend(backup: number): void {
    if (!this.#needs(backup)) return;
    this.sent[backup] = this.match[backup] as number;
  }

  /** The backup restarted and holds nothing. While only barriers exist it may start over (R4); else it is out. */
  restarted(backup: number): void {
    if (this.holdsEntries || this.existed) {
      this.states[backup] = BackupState.restarted;
      this.sent[backup] = this.log.next;
      return;
    }
    this.states[backup] = BackupState.unknown;
    this.match[backup] = this.barrier;
    this.sent[backup] = this.barrier;
  }

  /** R4: it lacks what was acknowledged in its name. */
  #isOut(backup: number): boolean {
    return this.states[backup] === BackupState.restarted;
  }

  /** Whether sending it anything can help. If not, it would answer for ever that it lacks what came before. */
  #needs(backup: number): boolean {
    return !this.existed && !this.#isOut(backup);
  }

  /** The backup holds state of a former life of this primary. */
  refused(backup: number): void {
    this.existed = true;
    this.states[backup] = BackupState.refusing;
  }

  /** A backup that lacks what existed must be told so, for whoever remembers now may be gone later (R4). */
  mustBeTold(backup: number): boolean {
    if (this.states[backup] === BackupState.restarted) return true;
    return this.existed && this.states[backup] !== BackupState.refusing;
  }

  /** Position after the entry (epoch, operation) of the present epoch; −1 for another epoch. */
  #positionAfter(epoch: number, operation: number): number {
    if (epoch !== this.epoch || operation < 1) return -1;
    return this.barrier + operation;
  }

  #advance(): boolean {
    let commit = this.log.next;
    for (let backup = 0; backup < this.backups; backup += 1) {
      const held = this.match[backup] as number;
      if (held < commit) commit = held;
    }
    if (commit <= this.commit) return false;
    this.commit = commit;
    return true;
  }

  /** Operation of the present epoch up to which everything is committed; 0 before its barrier is. */
  get commitOperation(): number {
    return Math.max(0, this.commit - this.barrier);
  }
}
