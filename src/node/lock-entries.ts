/**
 * What the entries of a partition's log do to its locks (L1, L5, L6, L7, L13). Who gets a lock is decided here, when the entry
 * is applied, on every replica alike.
 */
import { readI32, readU16, readU32 } from '../base/bytes.ts';
import { isDownward, LockMode } from '../base/lock-mode.ts';
import type { Conversion } from '../lock/conversions.ts';
import { AcquireOutcome, type LockTable } from '../lock/lock-table.ts';
import { LossCause, type Losses } from '../lock/losses.ts';
import { GRANT_SEQUENCE_BYTES, LOCK_DELAY, LOCK_FLOW, LOCK_LABEL, LOCK_MODE } from '../protocol/lock-request.ts';
import { type Attachment, RecordStatus } from '../replication/attachment.ts';
import * as layout from '../replication/entry-layout.ts';
import type { EntryView } from './entry-view.ts';

const NONE = -1;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** What came of the entry. */
interface Outcome {
  readonly losses: Losses;
  queuedRequest: number;
  refuse(status: number, epoch: number, operation: number): void;
}

export class LockEntries {
  readonly #locks: LockTable;
  readonly #entry: EntryView;
  readonly #outcome: Outcome;

  constructor(locks: LockTable, entry: EntryView, outcome: Outcome) {
    this.#locks = locks;
    this.#entry = entry;
    this.#outcome = outcome;
  }

  /** A request for a lock; with a token, for another mode of one that is held (L7). */
  acquire(attachment: Attachment, sequence: number): void {
    if (this.#entry.namedOperation !== 0) return this.#convert(attachment, sequence);
    const { data, keyStart, keyEnd, epoch, operation, timeMs, span } = this.#entry;
    const request = this.#request(attachment, sequence);
    const outcome = this.#locks.acquire(data, keyStart, keyEnd, request, epoch, operation, timeMs, span > 0);
    this.#asked(outcome, request);
  }

  #request(attachment: Attachment, sequence: number): number {
    const { data, keyEnd, end } = this.#entry;
    const { requests } = this.#locks;
    if (keyEnd === end) return requests.take(attachment.slot, sequence, LockMode.exclusive, 0);
    const mode = data[keyEnd + LOCK_MODE] as number;
    const request = requests.take(attachment.slot, sequence, mode, readU32(data, keyEnd + LOCK_FLOW));
    requests.setDelay(request, readU32(data, keyEnd + LOCK_DELAY));
    if (end > keyEnd + LOCK_LABEL) requests.setLabel(request, utf8.decode(data.subarray(keyEnd + LOCK_LABEL, end)));
    return request;
  }

  #convert(attachment: Attachment, sequence: number): void {
    const { data, keyEnd, epoch, operation, timeMs, span } = this.#entry;
    const held = this.holding(attachment, readI32(data, keyEnd + LOCK_FLOW));
    if (held === NONE) return this.#outcome.refuse(RecordStatus.notHeld, 0, 0);
    if (this.#locks.conversionOf(held) !== undefined) return this.#outcome.refuse(RecordStatus.busy, 0, 0);
    const mode = data[keyEnd + LOCK_MODE] as number;
    const present = this.#locks.requests.mode(held);
    const isStep = isDownward(present, mode) || isDownward(mode, present);
    if (!isStep) return this.#outcome.refuse(RecordStatus.busy, epoch, operation);
    this.#asked(this.#locks.convert(held, mode, sequence, epoch, operation, timeMs, span > 0), held);
  }

  #asked(outcome: number, request: number): void {
    const { epoch, operation } = this.#entry;
    if (outcome === AcquireOutcome.granted) return this.#granted(request);
    if (outcome === AcquireOutcome.busy) return this.#outcome.refuse(RecordStatus.busy, epoch, operation);
    if (outcome === AcquireOutcome.deadlock) return this.#outcome.refuse(RecordStatus.deadlock, 0, 0);
    this.#outcome.refuse(RecordStatus.queued, epoch, operation);
    this.#outcome.queuedRequest = request;
  }

  #granted(request: number): void {
    const { requests } = this.#locks;
    this.#outcome.refuse(RecordStatus.granted, requests.tokenEpoch(request), requests.tokenOperation(request));
  }

  /** A wait that was queued waits still, holds its lock, or has ended. */
  whatBecameOfWait(attachment: Attachment, sequence: number): void {
    const waiter = this.#locks.waiterOf(attachment.slot, sequence);
    this.#outcome.queuedRequest = waiter;
    if (waiter !== NONE) return this.#outcome.refuse(RecordStatus.queued, 0, 0);
    const held = this.#locks.heldFor(attachment.slot, sequence);
    if (held === NONE) this.#outcome.refuse(RecordStatus.busy, 0, 0);
    else this.#granted(held);
  }

  /** The request with which the attachment holds the lock of the entry's key under its token, or −1 (L6). */
  holding(attachment: Attachment, sequence: number): number {
    const { data, keyStart, keyEnd, namedEpoch, namedOperation } = this.#entry;
    const slot = this.#locks.find(data, keyStart, keyEnd);
    return slot < 0 ? NONE : this.#locks.holding(slot, attachment.slot, namedEpoch, namedOperation, sequence);
  }

  /** Which of several grants under one token a release means: it stands behind everything else. 0: the exclusive one. */
  takeGrantSequence(): number {
    const entry = this.#entry;
    if (!entry.hasFlag(layout.EntryFlag.namesGrant)) return 0;
    entry.end -= GRANT_SEQUENCE_BYTES;
    return readI32(entry.data, entry.end);
  }

  release(held: number): void {
    const { epoch, operation, timeMs } = this.#entry;
    this.#locks.release(held, epoch, operation, timeMs);
  }

  /** Ends the wait that an attachment began with `sequence`; with `takesBack` also what it was granted. */
  cancel(attachment: Attachment, sequence: number, takesBack: boolean): void {
    const { epoch, operation, timeMs } = this.#entry;
    const locks = this.#locks;
    const waiter = locks.waiterOf(attachment.slot, sequence);
    if (waiter !== NONE) locks.cancel(waiter, epoch, operation, timeMs);
    const held = takesBack ? locks.heldFor(attachment.slot, sequence) : NONE;
    if (held === NONE) return;
    if (locks.formerOf(held) === undefined) locks.release(held, epoch, operation, timeMs);
    else if (this.#isUnheard(held, sequence)) locks.revert(held, epoch, operation, timeMs);
  }

  /**
   * A conversion that was given up, and granted all the same: the lock is held as before. Whoever has asked for the next one, or
   * has converted downward since, had heard of it.
   */
  #isUnheard(held: number, sequence: number): boolean {
    return this.#locks.formerOf(held)?.sequence !== sequence && this.#locks.conversionOf(held) === undefined;
  }

  /**
   * L14: an operator takes away what an attachment was granted under `sequence`, as what it was granted then: a conversion may have
   * been granted before the break is applied. It is lost under the token that was named.
   */
  break(attachment: Attachment, sequence: number): void {
    const { data, body, end } = this.#entry;
    const held = this.#locks.everHeldFor(attachment.slot, sequence);
    if (held === NONE) return;
    const by = utf8.decode(data.subarray(body + layout.CANCEL_BY, end));
    const epoch = readU32(data, body + layout.CANCEL_TOKEN);
    const operation = readI32(data, body + layout.CANCEL_TOKEN + 4);
    const grant = { ...this.#locks.grantFor(held, sequence), epoch, operation };
    this.#lost(held, grant, attachment, LossCause.broken, by);
    this.release(held);
  }

  /** L14: it is about to be let go of, and not because its holder wants it so. */
  lost(held: number, attachment: Attachment | null, cause: number, by = '', delayMs = 0): void {
    this.#lost(held, this.#locks.grantOf(held), attachment, cause, by, delayMs);
  }

  #lost(held: number, grant: Conversion, attachment: Attachment | null, cause: number, by: string, delayMs = 0): void {
    const { requests } = this.#locks;
    const slot = requests.lock(held);
    const key = new Uint8Array(this.#locks.keyLength(slot));
    this.#locks.copyKey(slot, key, 0);
    this.#outcome.losses.add({
      cause,
      atMs: this.#entry.timeMs,
      key,
      keyLength: key.length,
      epoch: grant.epoch,
      operation: grant.operation,
      mode: grant.mode,
      flow: requests.flow(held),
      sinceMs: grant.sinceMs,
      delayMs,
      session: attachment?.session ?? '',
      name: attachment?.name ?? '',
      label: requests.label(held),
      by,
    });
  }

  /** L13: a loss that nobody wanted; the lock stays locked for its delay, if it has one. */
  #lose(held: number, attachment: Attachment, cause: number): void {
    const delayMs = this.#locks.requests.delayMs(held);
    this.lost(held, attachment, cause, '', delayMs);
    if (delayMs > 0) this.#locks.abandon(held, this.#entry.timeMs + delayMs);
    else this.release(held);
  }

  /** Its client had lost it before: its lease had run out there, or its program hung. */
  giveBack(held: number, attachment: Attachment): void {
    const slot = this.#locks.requests.lock(held);
    this.#lose(held, attachment, LossCause.givenBack);
    this.#settle(slot); // its conversion may have stood in the way of others
  }

  /** A session's end: its waits end first, so that none of its locks passes to itself; then its locks pass on (L5). */
  detach(attachment: Attachment): void {
    const { slot: owner } = attachment;
    const locks = this.#locks;
    const touched: number[] = [];
    for (let request = locks.firstWait(owner); request !== NONE; request = locks.firstWait(owner)) {
      touched.push(locks.requests.lock(request));
      locks.endWait(request);
    }
    for (let held = locks.firstHeld(owner); held !== NONE; held = locks.firstHeld(owner)) {
      if (this.#isLoss) this.#lose(held, attachment, LossCause.expired);
      else {
        this.lost(held, attachment, LossCause.closed);
        this.release(held);
      }
    }
    for (const slot of touched) this.#settle(slot);
  }

  #settle(slot: number): void {
    const { epoch, operation, timeMs } = this.#entry;
    this.#locks.settle(slot, epoch, operation, timeMs);
  }

  /** Of a detach: the session has not said good-bye. */
  get #isLoss(): boolean {
    const at = this.#entry.body + layout.DETACH_LOST;
    return at < this.#entry.end && this.#entry.data[at] === 1;
  }

  /** L13: the delay of a lock that was lost is over, or of several that were granted in one step. */
  endDelay(): void {
    const { data, body, end, timeMs } = this.#entry;
    const keyStart = body + layout.EXPIRE_KEY;
    const keyEnd = keyStart + readU16(data, body + layout.EXPIRE_KEY_LENGTH);
    const slot = this.#locks.find(data, keyStart, keyEnd);
    if (slot < 0) return;
    const epoch = readU32(data, body);
    const operation = readI32(data, body + 4);
    // An operator waits for nothing.
    const untilMs = keyEnd < end ? Number.POSITIVE_INFINITY : timeMs;
    const by = utf8.decode(data.subarray(keyEnd, end));
    let due = this.#locks.abandonedUnder(slot, epoch, operation, untilMs);
    while (due !== NONE) {
      if (keyEnd < end) this.lost(due, null, LossCause.delayEnded, by);
      this.release(due);
      due = this.#locks.abandonedUnder(slot, epoch, operation, untilMs);
    }
  }
}
