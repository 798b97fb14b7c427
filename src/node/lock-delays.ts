/**
 * L13: what was lost with a lock-delay stays locked until its time is up; then the primary appends the end of it. The times
 * themselves are replicated, so that a new primary goes on with them.
 */
import { writeU16, writeU32 } from '../base/bytes.ts';
import type { LockTable } from '../lock/lock-table.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import * as layout from '../replication/entry-layout.ts';
import type { Primary } from '../replication/primary.ts';

export class LockDelays {
  readonly #locks: LockTable;
  readonly #primary: Primary;
  /** Requests whose end is appended, with when they are due: numbers are used again, and are due later then. */
  readonly #ending: Map<number, number> = new Map();

  constructor(locks: LockTable, primary: Primary) {
    this.#locks = locks;
    this.#primary = primary;
  }

  /** Appends the ends that are due at log time `nowMs`; true when there were any. */
  endDue(nowMs: number): boolean {
    const { requests } = this.#locks;
    if (requests.abandonedCount === 0) {
      this.#ending.clear();
      return false;
    }
    let some = false;
    for (const request of requests.abandoned) {
      const dueMs = requests.untilMs(request);
      if (dueMs > nowMs || this.#ending.get(request) === dueMs) continue;
      this.#ending.set(request, dueMs);
      this.#append(request, nowMs);
      some = true;
    }
    return some;
  }

  #append(request: number, nowMs: number): void {
    const { requests } = this.#locks;
    const slot = requests.lock(request);
    const length = this.#locks.keyLength(slot);
    const body = new Uint8Array(layout.EXPIRE_KEY + length);
    writeU32(body, 0, requests.tokenEpoch(request));
    writeU32(body, 4, requests.tokenOperation(request));
    writeU16(body, layout.EXPIRE_KEY_LENGTH, length);
    this.#locks.copyKey(slot, body, layout.EXPIRE_KEY);
    this.#primary.append(EntryKind.endDelay, nowMs, body, 0, body.length);
  }
}
