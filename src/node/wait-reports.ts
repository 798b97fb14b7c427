/**
 * What this node reports of waits for locks (L10): of the partitions whose primary it certainly is (R12), the locks that
 * somebody waits for who holds another one. `lock/deadlock.ts` says what is made of it.
 */
import { assert } from '../base/assert.ts';
import { isCompatible } from '../base/lock-mode.ts';
import type { LockTable } from '../lock/lock-table.ts';
import type { ReportedGrant, ReportedLock, ReportedWait } from '../lock/messages.ts';
import { shown } from '../protocol/deadlock-cycle.ts';
import type { PartitionPrimary } from './partition-primary.ts';

const NONE = -1;
/** Grants and waits that one report has; further locks are left out: where so many wait, it is found later, or not at all. */
const ENTRIES_MAX = 8192;
const U32_MAX = 0xffff_ffff;
const NOBODY: string = '0'.repeat(32);
const utf8 = new TextDecoder();

/** `primaries`: those of this node. */
export function waitsLasting(primaries: readonly (PartitionPrimary | null)[], afterMs: number): ReportedLock[] {
  const reported: ReportedLock[] = [];
  let entries = 0;
  for (const partition of primaries) {
    if (partition === null || !partition.serving || partition.state.locks.waiting === 0) continue;
    const locks = new PartitionWaits(partition, afterMs).locks();
    // Looked at after the reading: what was read counts if nobody else can have been primary then.
    if (locks.length === 0 || !partition.lease.holds) continue;
    for (const lock of locks) {
      entries += lock.grants.length + lock.waits.length;
      if (entries > ENTRIES_MAX) return reported;
      reported.push(lock);
    }
  }
  return reported;
}

class PartitionWaits {
  readonly #partition: PartitionPrimary;
  readonly #locks: LockTable;
  readonly #afterMs: number;
  readonly #nowMs: number;

  constructor(partition: PartitionPrimary, afterMs: number) {
    this.#partition = partition;
    this.#locks = partition.state.locks;
    this.#afterMs = afterMs;
    this.#nowMs = partition.logTimeMs();
  }

  locks(): ReportedLock[] {
    const slots: Set<number> = new Set();
    for (const { slot } of this.#partition.state.attachments) {
      for (let wait = this.#locks.firstWait(slot); wait !== NONE; wait = this.#locks.waitAfter(wait))
        if (this.#counts(wait)) slots.add(this.#locks.requests.lock(wait));
    }
    return [...slots].map((slot) => this.#lock(slot));
  }

  /** Its owner is known and holds something, and it has lasted long enough. A conversion holds what it converts. */
  #counts(wait: number): boolean {
    const tag = this.#locks.requests.flow(wait);
    const isOwned = this.#locks.conversionOf(wait) === undefined ? (tag & 1) !== 0 : tag > 1;
    return isOwned && this.#waitsMs(wait) >= this.#afterMs;
  }

  #waitsMs(wait: number): number {
    const since = this.#locks.conversionOf(wait)?.sinceMs ?? this.#locks.requests.sinceMs(wait);
    return Math.min(Math.max(0, Math.floor(this.#nowMs - since)), U32_MAX);
  }

  #lock(slot: number): ReportedLock {
    const locks = this.#locks;
    const waits: ReportedWait[] = [];
    for (let wait = locks.firstConverting(slot); wait !== NONE; wait = locks.convertingAfter(wait))
      waits.push(this.#wait(wait, true, true));
    this.#takeLine(slot, waits);
    const key = new Uint8Array(locks.keyLength(slot));
    locks.copyKey(slot, key, 0);
    const modes = [...new Set(waits.map(({ mode }) => mode))];
    return { partition: this.#partition.id, key: shown(utf8.decode(key)), grants: this.#grants(slot, modes), waits };
  }

  /** Who converts from the null mode stands in it, too. Of those that do not count one in each mode is enough, the first, between two that do. */
  #takeLine(slot: number, waits: ReportedWait[]): void {
    const locks = this.#locks;
    const others: Map<number, number> = new Map();
    for (let wait = locks.firstWaiter(slot); wait !== NONE; wait = locks.waiterAfter(wait)) {
      const mode = locks.wantedMode(wait);
      if (!this.#counts(wait)) {
        if (!others.has(mode)) others.set(mode, wait);
        continue;
      }
      for (const other of others.values()) waits.push(this.#wait(other, false, false));
      others.clear();
      waits.push(this.#wait(wait, true, false));
    }
  }

  #wait(wait: number, hasOwner: boolean, isAhead: boolean): ReportedWait {
    const { requests } = this.#locks;
    const { epoch, operation, session, name } = this.#attachmentOf(wait);
    const flow = hasOwner ? requests.flow(wait) >>> 1 : 0;
    return {
      epoch,
      operation,
      sequence: this.#locks.waitSequence(wait),
      mode: this.#locks.wantedMode(wait),
      converts: isAhead ? { epoch: requests.tokenEpoch(wait), operation: requests.tokenOperation(wait) } : null,
      session: flow > 0 ? session : NOBODY,
      flow,
      name: flow > 0 ? shown(name) : '',
      waitsMs: this.#waitsMs(wait),
    };
  }

  #attachmentOf(request: number): { epoch: number; operation: number; session: string; name: string } {
    const attachment = this.#partition.state.attachments.atSlot(this.#locks.requests.attachment(request));
    assert(attachment !== null, 'wait reports: whoever waits or holds is attached');
    return attachment;
  }

  /** Those that have an owner and stand in the way of one of `modes`. */
  #grants(slot: number, modes: readonly number[]): ReportedGrant[] {
    const { requests } = this.#locks;
    const grants: ReportedGrant[] = [];
    for (let held = this.#locks.firstGranted(slot); held !== NONE; held = this.#locks.grantedAfter(held)) {
      const flow = requests.flow(held) >>> 1;
      const mode = requests.mode(held);
      if (flow === 0 || requests.isAbandoned(held) || modes.every((one) => isCompatible(one, mode))) continue;
      const { session } = this.#attachmentOf(held);
      grants.push({ epoch: requests.tokenEpoch(held), operation: requests.tokenOperation(held), mode, session, flow });
    }
    return grants;
  }
}
