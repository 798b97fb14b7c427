/**
 * Holders that want to hear when they stand in somebody's way (L7, the blocking AST of VMS): WANT registers one, WNTD tells it,
 * once for each mode while somebody waits. Known to the primary alone: whoever listens says so again to the next one.
 */
import { isCompatible } from '../base/lock-mode.ts';
import type { LockTable } from '../lock/lock-table.ts';
import { WNTD } from '../protocol/opcode.ts';
import { Connection } from './connection.ts';
import { unitsOfSlots } from './fair-share.ts';
import type { ReplyTarget } from './reply.ts';

const NONE = -1;

interface Watch {
  readonly to: Connection;
  readonly operation: number;
  /** A bit for each mode. */
  told: number;
}

export class LockNotices {
  readonly #partition: number;
  readonly #locks: LockTable;
  /** By the request that is granted. */
  readonly #watches: Map<number, Watch> = new Map();
  /** Requests that have been looked at, for one who begins to listen. */
  #looks = 0;

  constructor(partition: number, locks: LockTable) {
    this.#partition = partition;
    this.#locks = locks;
  }

  /**
   * `to` is told from now on who waits for what `held` holds; at once, if somebody does. A peer that hands requests on, for one
   * that does not find primaries itself, has nobody to tell.
   */
  watch(held: number, to: ReplyTarget): void {
    if (!(to instanceof Connection) || !to.routes) return;
    const locks = this.#locks;
    this.#watches.set(held, { to, operation: locks.requests.tokenOperation(held), told: 0 });
    const slot = locks.requests.lock(held);
    this.#looks = 0;
    for (let request = locks.firstConverting(slot); request !== NONE; request = locks.convertingAfter(request))
      this.#tell(held, request);
    for (let request = locks.firstWaiter(slot); request !== NONE; request = locks.waiterAfter(request))
      this.#tell(held, request);
    to.units += unitsOfSlots(this.#looks);
  }

  /** Somebody waits from now on. */
  queued(request: number): void {
    if (this.#watches.size === 0) return;
    const locks = this.#locks;
    const slot = locks.requests.lock(request);
    const isAlone = (locks.firstWaiter(slot) === request && locks.waiterAfter(request) === NONE) || this.#isOnly(slot);
    for (let held = locks.firstGranted(slot); held !== NONE; held = locks.grantedAfter(held)) {
      const watch = this.#watches.get(held);
      if (watch !== undefined && isAlone) watch.told = 0;
      if (held !== request) this.#tell(held, request);
    }
  }

  /** Nobody waits but one that converts. */
  #isOnly(slot: number): boolean {
    const first = this.#locks.firstConverting(slot);
    return this.#locks.firstWaiter(slot) === NONE && first !== NONE && this.#locks.convertingAfter(first) === NONE;
  }

  /** Connections that are gone, and those whose grant is, are kept no longer. */
  forgetGone(): void {
    for (const [held, watch] of this.#watches) if (!this.#isHeard(held, watch)) this.#watches.delete(held);
  }

  #isHeard(held: number, { to, operation }: Watch): boolean {
    const { requests } = this.#locks;
    return !to.closed && requests.isGranted(held) && requests.tokenOperation(held) === operation;
  }

  #tell(held: number, request: number): void {
    this.#looks += 1;
    const watch = this.#watches.get(held);
    if (watch === undefined) return;
    const { requests } = this.#locks;
    const epoch = requests.tokenEpoch(held);
    const operation = requests.tokenOperation(held);
    if (!this.#isHeard(held, watch)) return void this.#watches.delete(held);
    const mode = this.#locks.conversionOf(request)?.mode ?? requests.mode(request);
    if (isCompatible(mode, requests.mode(held)) || (watch.told & (1 << mode)) !== 0) return;
    watch.told |= 1 << mode;
    const { frames } = watch.to;
    frames.begin(WNTD, 0);
    frames.u16(this.#partition);
    frames.u32(epoch);
    frames.u32(operation >>> 0);
    frames.u8(mode);
    frames.u32(requests.sequence(held));
    frames.end();
  }
}
