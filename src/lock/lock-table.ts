/**
 * The locks of one partition: who holds each, in which mode and with which fencing token, and who waits, first come first
 * served (L1, L2, L5, L7). A state machine without time: the entries of the partition's log drive it, the same on every
 * replica.
 *
 *      key ─► slot ─► granted:    request ⇄ request …     modes that go together; those that write first
 *                ├──► converting: request …               granted in one mode, waiting for another
 *                └──► waiting:    request ⇄ … ⇄ request
 *
 * Every request also hangs in a chain of its attachment, so that a session's end finds it. Who holds nothing yet waits
 * behind all who came before, and who holds it in mode null stands in line like them; conversions from another mode go
 * first, in their own order (VMS, DLM): one that comes later stands behind those that wait, but before whoever waits for what
 * its holder has already, and would wait for itself otherwise. So nobody who waits is put off by who comes later, and nobody
 * waits for what somebody behind it holds: in one lock conversions never wait in a circle.
 */
import { assert } from '../base/assert.ts';
import { isCompatible, isDownward, LockMode, mayWrite } from '../base/lock-mode.ts';
import type { Chains } from './chains.ts';
import type { Conversion } from './conversions.ts';
import { LockView } from './lock-view.ts';

export const AcquireOutcome = { granted: 0, queued: 1, busy: 2, deadlock: 3 } as const;

const NONE = -1;

export class LockTable extends LockView {
  /** Since `forgetNews`: requests that were granted after waiting, and those whose wait ended without a grant. */
  readonly granted: number[] = [];
  grantedCount = 0;
  readonly ended: number[] = [];
  endedCount = 0;

  /** Gives the memory of its keys back; it is of no use afterwards. */
  discard(): void {
    this.index.clear();
  }

  forgetNews(): void {
    this.grantedCount = 0;
    this.endedCount = 0;
  }

  // ---- asking

  /**
   * Asks for the lock of a key; `request` is what was made of `sequence` by `Requests.take`. Granted: the token is (epoch,
   * operation), the operation that grants. Busy: the request is gone.
   */
  acquire(
    key: Uint8Array,
    start: number,
    end: number,
    request: number,
    epoch: number,
    operation: number,
    nowMs: number,
    mayWait: boolean,
  ): number {
    const mode = this.requests.mode(request);
    let slot = this.index.find(key, start, end);
    if (slot < 0) {
      slot = this.index.insert(key, start, end, 0);
      this.makeRoomForLock(slot);
    } else if (!this.isFreeFor(slot, mode)) {
      if (mayWait) this.#enqueue(slot, request, nowMs);
      else this.requests.free(request);
      return mayWait ? AcquireOutcome.queued : AcquireOutcome.busy;
    }
    this.requests.setLock(request, slot);
    this.#grant(request, epoch, operation, nowMs);
    return AcquireOutcome.granted;
  }

  /** Whoever comes now waits behind those who wait already, unless nobody could mind. */
  isFreeFor(slot: number, mode: number): boolean {
    if (mode === LockMode.null) return true;
    const isQueued = this.queues.first(slot) !== NONE || this.converting.first(slot) !== NONE;
    return !isQueued && this.allows(slot, mode, NONE);
  }

  #grant(request: number, epoch: number, operation: number, nowMs: number): void {
    const { requests } = this;
    const slot = requests.lock(request);
    requests.grant(request, epoch, operation, nowMs);
    this.count(slot, requests.mode(request), 1);
    this.holdersIn(requests.mode(request)).append(slot, request);
    this.held.append(requests.attachment(request), request);
  }

  #enqueue(slot: number, request: number, nowMs: number): void {
    this.requests.setLock(request, slot);
    this.requests.wait(request, nowMs);
    this.queues.append(slot, request);
    this.waits.append(this.requests.attachment(request), request);
  }

  /**
   * Asks for another mode for a lock that is held, a weaker or a stronger one. Downward it is granted at once, under the token
   * that it has; upward in its turn, when the other holders allow it, under a new token, and until then the lock is held as it was.
   * Deadlock: one that would stand behind it, since it waits for what this one has, stands in the way of `mode`.
   */
  convert(
    request: number,
    mode: number,
    sequence: number,
    epoch: number,
    operation: number,
    nowMs: number,
    mayWait: boolean,
  ): number {
    const { requests } = this;
    const slot = requests.lock(request);
    const held = requests.mode(request);
    assert(this.conversions.pending(request) === undefined, 'lock table: one conversion at a time');
    if (isDownward(held, mode)) {
      this.#weaken(request, mode);
      this.#passOn(slot, epoch, operation, nowMs);
      return AcquireOutcome.granted;
    }
    assert(isDownward(mode, held), 'lock table: a conversion gives up, or it adds');
    const conversion: Conversion = { mode, sequence, epoch: 0, operation: 0, sinceMs: nowMs };
    const isNext = held === LockMode.null ? this.isFreeFor(slot, mode) : this.#isFirst(slot, held);
    if (isNext && this.allows(slot, mode, held)) {
      this.#converted(request, conversion, epoch, operation, nowMs);
      return AcquireOutcome.granted;
    }
    if (!mayWait) return AcquireOutcome.busy;
    const next = this.#nextBehind(slot, held);
    if (this.#isHeldFrom(next, mode)) return AcquireOutcome.deadlock;
    this.conversions.wait(request, conversion);
    this.#lineOf(request).insert(slot, request, next);
    this.waits.append(this.requests.attachment(request), request);
    return AcquireOutcome.queued;
  }

  /** What was before is no matter any more: a conversion that is given up later changes nothing. */
  #weaken(request: number, mode: number): void {
    this.#changeMode(request, mode);
    if (this.conversions.former(request) !== undefined) this.#remember(request);
  }

  /** Where whoever converts waits. */
  #lineOf(request: number): Chains {
    return this.requests.mode(request) === LockMode.null ? this.queues : this.converting;
  }

  /** Whether a conversion of what is held in mode `held` stands before all that wait. */
  #isFirst(slot: number, held: number): boolean {
    const first = this.converting.first(slot);
    return first === NONE || !isCompatible(this.wantedMode(first), held);
  }

  /** The conversion that it stands before: the first one that waits for it. −1: it stands at the end. */
  #nextBehind(slot: number, held: number): number {
    let other = this.converting.first(slot);
    while (other !== NONE && isCompatible(this.wantedMode(other), held)) other = this.converting.after(other);
    return other;
  }

  /** Whether `request`, or a conversion behind it, is held in a mode that `wanted` does not go with. */
  #isHeldFrom(request: number, wanted: number): boolean {
    let other = request;
    while (other !== NONE && isCompatible(wanted, this.requests.mode(other))) other = this.converting.after(other);
    return other !== NONE;
  }

  #changeMode(request: number, mode: number): void {
    const slot = this.requests.lock(request);
    const present = this.requests.mode(request);
    this.count(slot, present, -1);
    this.count(slot, mode, 1);
    this.requests.setMode(request, mode);
    if (mayWrite(present) === mayWrite(mode)) return;
    this.holdersIn(present).remove(slot, request);
    this.holdersIn(mode).append(slot, request);
  }

  /** What it was is remembered: whoever gave the conversion up, and did not hear of it, holds the lock so. */
  #converted(request: number, { mode, sequence }: Conversion, epoch: number, operation: number, nowMs: number): void {
    this.#remember(request);
    this.#changeMode(request, mode);
    this.#setSequence(request, sequence);
    this.requests.grant(request, epoch, operation, nowMs);
  }

  #setSequence(request: number, sequence: number): void {
    const attachment = this.requests.attachment(request);
    this.held.leaves(attachment, request);
    this.requests.setSequence(request, sequence);
    this.held.enters(attachment, request);
  }

  #remember(request: number): void {
    this.conversions.remember(request, this.grantOf(request));
  }

  // ---- letting go

  /**
   * Lets go of a held lock. In the same step it passes to those who wait and go together, under the new token (epoch,
   * operation), so nobody can come between; `granted` names them.
   */
  release(request: number, epoch: number, operation: number, nowMs: number): void {
    const { requests } = this;
    const slot = requests.lock(request);
    if (this.conversions.pending(request) !== undefined) this.#endConversion(request);
    const attachment = requests.attachment(request);
    if (attachment !== NONE) this.held.remove(attachment, request);
    this.holdersIn(requests.mode(request)).remove(slot, request);
    this.count(slot, requests.mode(request), -1);
    this.#free(request);
    this.#passOn(slot, epoch, operation, nowMs);
  }

  #free(request: number): void {
    this.conversions.forget(request);
    this.requests.free(request);
  }

  /** L13: it stays locked, held by nobody, until `untilMs`; then `release` ends it. */
  abandon(request: number, untilMs: number): void {
    if (this.conversions.pending(request) !== undefined) this.#endConversion(request);
    this.held.remove(this.requests.attachment(request), request);
    this.conversions.forget(request);
    this.requests.abandon(request, untilMs);
  }

  /** Ends a wait without a grant. Whoever waited behind it may be next: `granted`. */
  cancel(request: number, epoch: number, operation: number, nowMs: number): void {
    const slot = this.requests.lock(request);
    this.endWait(request);
    this.#passOn(slot, epoch, operation, nowMs);
  }

  /** The same, while more of its session is about to end: `settle` follows. */
  endWait(request: number): void {
    if (this.conversions.pending(request) !== undefined) return this.#endConversion(request);
    assert(this.requests.isWaiting(request), 'lock table: ending a wait that is none');
    this.queues.remove(this.requests.lock(request), request);
    this.#removeWait(request);
    this.requests.free(request);
  }

  #endConversion(request: number): void {
    this.#lineOf(request).remove(this.requests.lock(request), request);
    this.#removeWait(request);
    this.conversions.endWait(request);
  }

  #removeWait(request: number): void {
    this.waits.remove(this.requests.attachment(request), request);
    this.ended[this.endedCount] = request;
    this.endedCount += 1;
  }

  /** A conversion that was granted and that nobody knows of: the lock is held as before, under the token it had. */
  revert(request: number, epoch: number, operation: number, nowMs: number): void {
    const former = this.conversions.former(request) as Conversion;
    const { requests } = this;
    this.conversions.forget(request);
    this.#changeMode(request, former.mode);
    this.#setSequence(request, former.sequence);
    requests.grant(request, former.epoch, former.operation, former.sinceMs);
    this.#passOn(requests.lock(request), epoch, operation, nowMs);
  }

  /** Passes the lock in `slot` on to whoever is next, if it is there still. */
  settle(slot: number, epoch: number, operation: number, nowMs: number): void {
    if (this.firstGranted(slot) !== NONE || this.queues.first(slot) !== NONE)
      this.#passOn(slot, epoch, operation, nowMs);
  }

  #passOn(slot: number, epoch: number, operation: number, nowMs: number): void {
    this.#passOnConversions(slot, epoch, operation, nowMs);
    if (this.converting.first(slot) !== NONE) return;
    let request = this.queues.first(slot);
    while (request !== NONE && this.allows(slot, this.wantedMode(request), NONE)) {
      this.queues.remove(slot, request);
      this.waits.remove(this.requests.attachment(request), request);
      if (this.requests.isWaiting(request)) this.#grant(request, epoch, operation, nowMs);
      else this.#passOnConversion(request, epoch, operation, nowMs);
      this.#tellGranted(request);
      request = this.queues.first(slot);
    }
    if (this.firstGranted(slot) === NONE) this.index.remove(slot);
  }

  #passOnConversions(slot: number, epoch: number, operation: number, nowMs: number): void {
    let request = this.converting.first(slot);
    while (request !== NONE && this.allows(slot, this.wantedMode(request), this.requests.mode(request))) {
      this.converting.remove(slot, request);
      this.waits.remove(this.requests.attachment(request), request);
      this.#passOnConversion(request, epoch, operation, nowMs);
      this.#tellGranted(request);
      request = this.converting.first(slot);
    }
  }

  #passOnConversion(request: number, epoch: number, operation: number, nowMs: number): void {
    const conversion = this.conversions.pending(request) as Conversion;
    this.conversions.endWait(request);
    this.#converted(request, conversion, epoch, operation, nowMs);
  }

  #tellGranted(request: number): void {
    this.granted[this.grantedCount] = request;
    this.grantedCount += 1;
  }

  // ---- the whole table, for snapshots: locks with their requests, then the order of each attachment's

  /** Puts a key back that is held, and gives its slot. */
  restoreLock(key: Uint8Array): number {
    const slot = this.index.insert(key, 0, key.length, 0);
    this.makeRoomForLock(slot);
    return slot;
  }

  /** Puts a request back, behind those of its kind: `Requests.restore` has made it. */
  restoreRequest(request: number): void {
    const { requests } = this;
    const slot = requests.lock(request);
    if (requests.isWaiting(request)) this.queues.append(slot, request);
    else {
      this.count(slot, requests.mode(request), 1);
      this.holdersIn(requests.mode(request)).append(slot, request);
    }
  }

  restoreConversion(request: number, conversion: Conversion): void {
    this.conversions.wait(request, conversion);
    this.#lineOf(request).append(this.requests.lock(request), request);
  }

  restoreFormer(request: number, former: Conversion): void {
    this.conversions.remember(request, former);
  }

  /** What its attachment was granted next. */
  restoreHeld(request: number): void {
    this.held.append(this.requests.attachment(request), request);
  }

  /** What its attachment waited for next. */
  restoreWait(request: number): void {
    this.waits.append(this.requests.attachment(request), request);
  }
}
