/**
 * The locks of one partition: who holds each, with which fencing token, and who waits, first come first served (L1, L2,
 * L5). A state machine without time: the entries of the partition's log drive it, the same on every replica.
 *
 *      key ─► slot ─► holder (attachment, sequence), token
 *                └──► waiters: head ⇄ … ⇄ tail            every waiter and every held lock also hangs in a chain of
 *                                                         its attachment, so that a session's end finds them
 */
import type { Arena } from '../base/arena.ts';
import { assert } from '../base/assert.ts';
import { KeyIndex } from '../base/key-index.ts';
import { Chains } from './chains.ts';

export const AcquireOutcome = { granted: 0, queued: 1, busy: 2 } as const;

const NONE = -1;
const SLOTS_MIN = 8;

export class LockTable {
  readonly #index: KeyIndex;
  // Per slot.
  #holders: Int32Array = new Int32Array(SLOTS_MIN).fill(NONE); // attachment slot; NONE: free
  #sequences: Int32Array = new Int32Array(SLOTS_MIN);
  #tokenEpochs: Uint32Array = new Uint32Array(SLOTS_MIN);
  #tokenOperations: Int32Array = new Int32Array(SLOTS_MIN);
  #sinceMs: Float64Array = new Float64Array(SLOTS_MIN);
  /** Held locks by attachment; an item is a slot. */
  readonly #held: Chains = new Chains();
  /** Waiters by lock slot, in order; an item is a waiter. */
  readonly #queues: Chains = new Chains();
  /** Waiters by attachment. */
  readonly #waits: Chains = new Chains();
  // Per waiter.
  #waiterLocks: Int32Array = new Int32Array(SLOTS_MIN).fill(NONE); // NONE: free
  #waiterAttachments: Int32Array = new Int32Array(SLOTS_MIN);
  #waiterSequences: Int32Array = new Int32Array(SLOTS_MIN);
  #waiterSinceMs: Float64Array = new Float64Array(SLOTS_MIN);
  readonly #freeWaiters: number[] = [];
  #waiterEnd = 0;
  #waiting = 0;
  /** By attachment. */
  readonly #waitCounts: number[] = [];
  /** The waiter that `acquire` queued last. */
  queuedWaiter: number = NONE;

  constructor(arena: Arena) {
    this.#index = new KeyIndex(arena);
  }

  /** Locks held. */
  get size(): number {
    return this.#index.size;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get bytes(): number {
    return this.#index.bytes + this.#holders.length * 24 + this.#waiterLocks.length * 20;
  }

  /** Gives the memory of its keys back; it is of no use afterwards. */
  discard(): void {
    this.#index.clear();
  }

  /** Slot of a held lock, or −1 when the key is free. */
  find(key: Uint8Array, start: number, end: number): number {
    return this.#index.find(key, start, end);
  }

  holder(slot: number): number {
    return this.#holders[slot] as number;
  }

  holderSequence(slot: number): number {
    return this.#sequences[slot] as number;
  }

  tokenEpoch(slot: number): number {
    return this.#tokenEpochs[slot] as number;
  }

  tokenOperation(slot: number): number {
    return this.#tokenOperations[slot] as number;
  }

  /** Log time of the grant. */
  sinceMs(slot: number): number {
    return this.#sinceMs[slot] as number;
  }

  copyKey(slot: number, target: Uint8Array, at: number): void {
    this.#index.copyKey(slot, target, at);
  }

  keyLength(slot: number): number {
    return this.#index.keyLength(slot);
  }

  /** The next held lock at or after `slot`, or −1. */
  next(slot: number): number {
    return this.#index.next(slot);
  }

  /**
   * Asks for the lock of a key. Granted: the token is (epoch, operation), the operation that grants. Queued only with
   * `mayWait`; then `queuedWaiter` names the waiter.
   */
  acquire(
    key: Uint8Array,
    start: number,
    end: number,
    attachment: number,
    sequence: number,
    epoch: number,
    operation: number,
    nowMs: number,
    mayWait: boolean,
  ): number {
    const slot = this.#index.find(key, start, end);
    if (slot < 0) {
      const fresh = this.#index.insert(key, start, end, 0);
      this.#makeRoomForLock(fresh);
      this.#grant(fresh, attachment, sequence, epoch, operation, nowMs);
      return AcquireOutcome.granted;
    }
    if (!mayWait) return AcquireOutcome.busy;
    this.queuedWaiter = this.#enqueue(slot, attachment, sequence, nowMs);
    return AcquireOutcome.queued;
  }

  #grant(slot: number, attachment: number, sequence: number, epoch: number, operation: number, nowMs: number): void {
    this.#holders[slot] = attachment;
    this.#sequences[slot] = sequence;
    this.#tokenEpochs[slot] = epoch;
    this.#tokenOperations[slot] = operation;
    this.#sinceMs[slot] = nowMs;
    this.#held.append(attachment, slot);
  }

  #enqueue(slot: number, attachment: number, sequence: number, nowMs: number): number {
    const waiter = this.#freeWaiters.pop() ?? this.#newWaiter();
    this.#waiterLocks[waiter] = slot;
    this.#waiterAttachments[waiter] = attachment;
    this.#waiterSequences[waiter] = sequence;
    this.#waiterSinceMs[waiter] = nowMs;
    this.#queues.append(slot, waiter);
    this.#waits.append(attachment, waiter);
    this.#waitCounts[attachment] = this.waitsOf(attachment) + 1;
    this.#waiting += 1;
    return waiter;
  }

  /**
   * Lets go of a held lock. It passes to the first waiter under the new token (epoch, operation) in the same step, so
   * nobody can come between; gives that waiter, whose `waiter…` fields can be read until the next call, or −1.
   */
  release(slot: number, epoch: number, operation: number, nowMs: number): number {
    const holder = this.holder(slot);
    assert(holder !== NONE, 'lock table: releasing a free lock');
    this.#held.remove(holder, slot);
    const waiter = this.#queues.first(slot);
    if (waiter === NONE) {
      this.#holders[slot] = NONE;
      this.#index.remove(slot);
      return NONE;
    }
    this.#unlinkWaiter(waiter);
    this.#grant(slot, this.waiterAttachment(waiter), this.waiterSequence(waiter), epoch, operation, nowMs);
    return waiter;
  }

  /** Ends a wait without a grant. */
  cancel(waiter: number): void {
    assert(this.waiterLock(waiter) !== NONE, 'lock table: cancelling a free waiter');
    this.#unlinkWaiter(waiter);
  }

  #unlinkWaiter(waiter: number): void {
    this.#queues.remove(this.waiterLock(waiter), waiter);
    const attachment = this.waiterAttachment(waiter);
    this.#waits.remove(attachment, waiter);
    this.#waitCounts[attachment] = this.waitsOf(attachment) - 1;
    this.#waiterLocks[waiter] = NONE;
    this.#freeWaiters.push(waiter);
    this.#waiting -= 1;
  }

  /** The lock slot that a waiter waits for; −1: it does not wait. */
  waiterLock(waiter: number): number {
    return this.#waiterLocks[waiter] as number;
  }

  waiterAttachment(waiter: number): number {
    return this.#waiterAttachments[waiter] as number;
  }

  waiterSequence(waiter: number): number {
    return this.#waiterSequences[waiter] as number;
  }

  waiterSinceMs(waiter: number): number {
    return this.#waiterSinceMs[waiter] as number;
  }

  /** How many waits an attachment has. */
  waitsOf(attachment: number): number {
    return this.#waitCounts[attachment] ?? 0;
  }

  /** The wait that an attachment began with `sequence`, or −1. */
  waiterOf(attachment: number, sequence: number): number {
    let waiter = this.#waits.first(attachment);
    while (waiter !== NONE && this.waiterSequence(waiter) !== sequence) waiter = this.#waits.after(waiter);
    return waiter;
  }

  /** The lock that an attachment was granted for the request `sequence`, or −1. */
  heldFor(attachment: number, sequence: number): number {
    let slot = this.#held.first(attachment);
    while (slot !== NONE && this.holderSequence(slot) !== sequence) slot = this.#held.after(slot);
    return slot;
  }

  /** The longest-held lock of an attachment, or −1; the longest wait of it, or −1. For ending a session. */
  firstHeld(attachment: number): number {
    return this.#held.first(attachment);
  }

  firstWait(attachment: number): number {
    return this.#waits.first(attachment);
  }

  /** The lock granted next to the same attachment, or −1; the wait it began next, or −1. */
  heldAfter(slot: number): number {
    return this.#held.after(slot);
  }

  waitAfter(waiter: number): number {
    return this.#waits.after(waiter);
  }

  /** Waiters of a lock in order: `firstWaiter`, then `waiterAfter` until −1. */
  firstWaiter(slot: number): number {
    return this.#queues.first(slot);
  }

  waiterAfter(waiter: number): number {
    return this.#queues.after(waiter);
  }

  // ---- the whole table, for snapshots: locks, then waiters, then the order of each attachment's waits, then free numbers

  /** Numbers of waiters that are free; the last one is taken next. */
  get freeWaiters(): readonly number[] {
    return this.#freeWaiters;
  }

  /** Puts a held lock back as it was, behind those that its attachment was granted before. Gives its slot. */
  restoreLock(
    key: Uint8Array,
    attachment: number,
    sequence: number,
    epoch: number,
    operation: number,
    sinceMs: number,
  ): number {
    const slot = this.#index.insert(key, 0, key.length, 0);
    this.#makeRoomForLock(slot);
    this.#grant(slot, attachment, sequence, epoch, operation, sinceMs);
    return slot;
  }

  /** Puts a waiter back at the end of its lock's queue, under its number. */
  restoreWaiter(waiter: number, slot: number, attachment: number, sequence: number, sinceMs: number): void {
    while (this.#waiterEnd <= waiter) this.#newWaiter();
    assert(this.waiterLock(waiter) === NONE, 'lock table: a number stands for one waiter');
    this.#waiterLocks[waiter] = slot;
    this.#waiterAttachments[waiter] = attachment;
    this.#waiterSequences[waiter] = sequence;
    this.#waiterSinceMs[waiter] = sinceMs;
    this.#queues.append(slot, waiter);
    this.#waiting += 1;
  }

  /** A waiter that was put back is the next one of its attachment. */
  restoreWait(waiter: number): void {
    const attachment = this.waiterAttachment(waiter);
    this.#waits.append(attachment, waiter);
    this.#waitCounts[attachment] = this.waitsOf(attachment) + 1;
  }

  /** All the numbers that no waiter has; afterwards new waiters get those that they would have got. */
  restoreFreeWaiters(waiters: readonly number[]): void {
    for (const waiter of waiters) this.#freeWaiters.push(waiter);
    while (this.#waiterEnd < this.#waiting + waiters.length) this.#newWaiter();
    assert(this.#waiterEnd === this.#waiting + waiters.length, 'lock table: every number is used or free');
  }

  #makeRoomForLock(slot: number): void {
    if (slot < this.#holders.length) return;
    const size = Math.max(this.#index.capacity, slot + 1);
    this.#holders = widened(this.#holders, new Int32Array(size).fill(NONE));
    this.#sequences = widened(this.#sequences, new Int32Array(size));
    this.#tokenEpochs = widened(this.#tokenEpochs, new Uint32Array(size));
    this.#tokenOperations = widened(this.#tokenOperations, new Int32Array(size));
    this.#sinceMs = widened(this.#sinceMs, new Float64Array(size));
  }

  #newWaiter(): number {
    const waiter = this.#waiterEnd;
    this.#waiterEnd += 1;
    if (waiter < this.#waiterLocks.length) return waiter;
    const size = this.#waiterLocks.length * 2;
    this.#waiterLocks = widened(this.#waiterLocks, new Int32Array(size).fill(NONE));
    this.#waiterAttachments = widened(this.#waiterAttachments, new Int32Array(size));
    this.#waiterSequences = widened(this.#waiterSequences, new Int32Array(size));
    this.#waiterSinceMs = widened(this.#waiterSinceMs, new Float64Array(size));
    return waiter;
  }
}

function widened<T extends Int32Array | Uint32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
