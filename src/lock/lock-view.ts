/**
 * What can be read of the locks of a partition: who holds each, in which mode and with which token, and who waits. What
 * changes them is `lock-table.ts`.
 */
import type { Arena } from '../base/arena.ts';
import { KeyIndex } from '../base/key-index.ts';
import { isCompatible, LOCK_MODES, LockMode, mayWrite } from '../base/lock-mode.ts';
import { Chains } from './chains.ts';
import { type Conversion, Conversions } from './conversions.ts';
import { Requests } from './requests.ts';
import { SessionChains } from './session-chains.ts';

const NONE = -1;
const SLOTS_MIN = 8;

export class LockView {
  readonly requests: Requests = new Requests();
  protected readonly index: KeyIndex;
  protected readonly conversions: Conversions = new Conversions();
  // By lock slot.
  protected readonly writers: Chains = new Chains(); // who hold it in a mode that writes
  protected readonly others: Chains = new Chains(); // and in one that does not
  protected readonly converting: Chains = new Chains();
  protected readonly queues: Chains = new Chains();
  // By attachment.
  protected readonly held: SessionChains = new SessionChains((request) => this.requests.sequence(request));
  protected readonly waits: SessionChains = new SessionChains((request) => this.waitSequence(request));
  /** Per slot and mode: how many hold it so. */
  #modeCounts: Uint32Array = new Uint32Array(SLOTS_MIN * LOCK_MODES);

  constructor(arena: Arena) {
    this.index = new KeyIndex(arena);
  }

  /** Locks held. */
  get size(): number {
    return this.index.size;
  }

  get waiting(): number {
    return this.waits.size;
  }

  get bytes(): number {
    const sessions = this.held.bytes + this.waits.bytes;
    return this.index.bytes + this.#modeCounts.length * 4 + this.requests.bytes + sessions;
  }

  /** Slot of a held lock, or −1 when the key is free. */
  find(key: Uint8Array, start: number, end: number): number {
    return this.index.find(key, start, end);
  }

  copyKey(slot: number, target: Uint8Array, at: number): void {
    this.index.copyKey(slot, target, at);
  }

  keyLength(slot: number): number {
    return this.index.keyLength(slot);
  }

  /** The next held lock at or after `slot`, or −1. */
  next(slot: number): number {
    return this.index.next(slot);
  }

  /**
   * Those who hold a lock: `firstGranted`, then `grantedAfter` until −1. First come those whose modes write (L9: a fence looks at
   * nobody else), then all others, longest first.
   */
  firstGranted(slot: number): number {
    const first = this.writers.first(slot);
    return first === NONE ? this.others.first(slot) : first;
  }

  grantedAfter(request: number): number {
    const { requests } = this;
    const chain = this.holdersIn(requests.mode(request));
    const next = chain.after(request);
    return next === NONE && chain === this.writers ? this.others.first(requests.lock(request)) : next;
  }

  protected holdersIn(mode: number): Chains {
    return mayWrite(mode) ? this.writers : this.others;
  }

  /** Those of them who wait for a stronger mode, from any but null, in the order in which they get it. */
  firstConverting(slot: number): number {
    return this.converting.first(slot);
  }

  convertingAfter(request: number): number {
    return this.converting.after(request);
  }

  /** Those who wait for a lock, in order; one that holds it in mode null, too, is converting. */
  firstWaiter(slot: number): number {
    return this.queues.first(slot);
  }

  waiterAfter(request: number): number {
    return this.queues.after(request);
  }

  /** The conversion that a request waits for, or undefined. */
  conversionOf(request: number): Conversion | undefined {
    return this.conversions.pending(request);
  }

  /** What a request was granted as, before its last conversion upward, or undefined. */
  formerOf(request: number): Conversion | undefined {
    return this.conversions.former(request);
  }

  /** The mode that a request waits for, or is held in. */
  wantedMode(request: number): number {
    return this.conversions.pending(request)?.mode ?? this.requests.mode(request);
  }

  isWaiting(request: number): boolean {
    return this.requests.isWaiting(request) || this.conversions.pending(request) !== undefined;
  }

  /** How many waits an attachment has. */
  waitsOf(attachment: number): number {
    return this.waits.count(attachment);
  }

  /** To find a request of an attachment by its sequence so many may be looked at. */
  looksFor(attachment: number): number {
    return looksIn(this.held, attachment) + looksIn(this.waits, attachment);
  }

  /** The request with which an attachment waits since `sequence`, or −1. */
  waiterOf(attachment: number, sequence: number): number {
    return this.waits.find(attachment, sequence);
  }

  /** The sequence by which the wait of a request is known. */
  waitSequence(request: number): number {
    return this.conversions.pending(request)?.sequence ?? this.requests.sequence(request);
  }

  /** The request that an attachment was granted under `sequence`, or −1. */
  heldFor(attachment: number, sequence: number): number {
    return this.held.find(attachment, sequence);
  }

  /** The same, or the one that was granted so before its last conversion upward: it has been held all the time. */
  everHeldFor(attachment: number, sequence: number): number {
    const held = this.heldFor(attachment, sequence);
    if (held !== NONE) return held;
    let request = this.held.first(attachment);
    while (request !== NONE && this.conversions.former(request)?.sequence !== sequence)
      request = this.held.after(request);
    return request;
  }

  /** As what a request was granted that is known by `sequence`: `everHeldFor` gives it. */
  grantFor(request: number, sequence: number): Conversion {
    const former = this.conversions.former(request);
    return former === undefined || this.requests.sequence(request) === sequence ? this.grantOf(request) : former;
  }

  /** As what a request is held. */
  grantOf(request: number): Conversion {
    const { requests } = this;
    return {
      mode: requests.mode(request),
      sequence: requests.sequence(request),
      epoch: requests.tokenEpoch(request),
      operation: requests.tokenOperation(request),
      sinceMs: requests.sinceMs(request),
    };
  }

  /**
   * The request with which `attachment` holds the lock in `slot` under the token (epoch, operation), or −1. Several that were
   * granted in one step have one token: `sequence` tells them apart; 0 means the exclusive one.
   */
  holding(slot: number, attachment: number, epoch: number, operation: number, sequence: number): number {
    if (sequence === 0) return this.#exclusive(slot, attachment, epoch, operation);
    const { requests } = this;
    let request = this.held.find(attachment, sequence);
    while (request !== NONE && (requests.lock(request) !== slot || !requests.hasToken(request, epoch, operation)))
      request = this.held.findAfter(attachment, request, sequence);
    return request;
  }

  #exclusive(slot: number, attachment: number, epoch: number, operation: number): number {
    const { requests } = this;
    const request = this.writers.first(slot); // it goes with none that writes
    if (request === NONE || requests.mode(request) !== LockMode.exclusive) return NONE;
    if (requests.attachment(request) !== attachment) return NONE;
    return requests.hasToken(request, epoch, operation) ? request : NONE;
  }

  /** What was abandoned of the lock in `slot` under that token, and is due at `nowMs`; or −1. */
  abandonedUnder(slot: number, epoch: number, operation: number, nowMs: number): number {
    const { requests } = this;
    let request = this.firstGranted(slot);
    for (; request !== NONE; request = this.grantedAfter(request)) {
      if (!requests.isAbandoned(request) || !requests.hasToken(request, epoch, operation)) continue;
      if (requests.untilMs(request) <= nowMs) break;
    }
    return request;
  }

  /**
   * Whether somebody holds the lock in `slot` under that token, in a mode that writes (L9). The token that a lock had before it was
   * converted is as good: it has been held all the time.
   */
  isHeldUnder(slot: number, epoch: number, operation: number): boolean {
    const { requests } = this;
    for (let request = this.writers.first(slot); request !== NONE; request = this.writers.after(request)) {
      if (requests.isAbandoned(request)) continue;
      if (requests.hasToken(request, epoch, operation)) return true;
      const former = this.conversions.former(request);
      if (former?.epoch === epoch && former.operation === operation && mayWrite(former.mode)) return true;
    }
    return false;
  }

  /** The longest-held lock of an attachment, or −1; what it was granted next, or −1. */
  firstHeld(attachment: number): number {
    return this.held.first(attachment);
  }

  heldAfter(request: number): number {
    return this.held.after(request);
  }

  /** The longest wait of an attachment, or −1; the wait it began next, or −1. */
  firstWait(attachment: number): number {
    return this.waits.first(attachment);
  }

  waitAfter(request: number): number {
    return this.waits.after(request);
  }

  /** Whether `mode` goes with what the holders of `slot` have, apart from one who has `own`; −1: from nobody. */
  allows(slot: number, mode: number, own: number): boolean {
    for (let held = 0; held < LOCK_MODES; held += 1) {
      const holders = (this.#modeCounts[slot * LOCK_MODES + held] as number) - (held === own ? 1 : 0);
      if (holders > 0 && !isCompatible(mode, held)) return false;
    }
    return true;
  }

  protected count(slot: number, mode: number, by: number): void {
    this.#modeCounts[slot * LOCK_MODES + mode] = (this.#modeCounts[slot * LOCK_MODES + mode] as number) + by;
  }

  protected makeRoomForLock(slot: number): void {
    if ((slot + 1) * LOCK_MODES > this.#modeCounts.length) {
      const larger = new Uint32Array(Math.max(this.index.capacity, slot + 1) * LOCK_MODES);
      larger.set(this.#modeCounts);
      this.#modeCounts = larger;
    }
  }
}

function looksIn(chains: SessionChains, attachment: number): number {
  return chains.indexOf(attachment) === null ? chains.count(attachment) : 0;
}
