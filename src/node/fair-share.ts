/**
 * Turns of the event loop shared among connections (deficit round robin: Shreedhar & Varghese 1995, with one quantum for
 * all). What a connection may have done for it in one turn is bounded; the rest of what it has sent waits, unread, and
 * is handled in later turns, everybody's in rotation. Who sends little is handled at once, whatever others have waiting.
 *
 * Work is counted in units: one for a frame and one for every 256 bytes that come in or go out for it.
 *
 * While the node is congested nobody who waits is served: what they would add would only stand in line, before everybody
 * else's requests.
 */
import { FixedQueue } from '../base/fixed-queue.ts';

/** Work of one turn, a few milliseconds; when it is done the loop looks for what else has arrived. */
export const TURN_UNITS = 1024;
/** What somebody who is not waiting may spend at once, however busy the turn is. */
export const NEWCOMER_UNITS = 32;
/** Least that one who waits gets when it is its turn. */
const QUANTUM_UNITS_MIN = 8;
/** After this much work, in one turn or in several, the turn's end is looked for: looking costs a round of the loop. */
const UNCOUNTED_UNITS: number = TURN_UNITS / 2;
/** Log2 of the bytes in a unit. */
const UNIT_SHIFT = 8;
/** Log2 of the slots of a table, of the requests of a session, and of the bytes of bulk work, in a unit. */
const SLOT_SHIFT = 4;
const REQUEST_SHIFT = 8;
const BULK_SHIFT = 10;

export interface Sharer {
  /** Goes on with what it has kept, for about so many units. True when more is left. */
  serve(units: number): boolean;
}

/** Units of one frame for which so many bytes came in or went out. */
export function unitsOf(bytes: number): number {
  return 1 + (bytes >>> UNIT_SHIFT);
}

/** Units of looking at so many slots of a table. */
export function unitsOfSlots(slots: number): number {
  return slots >>> SLOT_SHIFT;
}

/** Units of looking for one among so many requests for locks. */
export function unitsOfRequests(requests: number): number {
  return requests >>> REQUEST_SHIFT;
}

/** Units of encoding or hashing so many bytes, or of handing them to a thread. */
export function unitsOfBulk(bytes: number): number {
  return bytes >>> BULK_SHIFT;
}

export class FairShare {
  readonly #atTurnEnd: (run: () => void) => void;
  readonly #run: () => void;
  readonly #waiting: FixedQueue<Sharer> = new FixedQueue();
  readonly #isCongested: () => boolean;
  #spent = 0;
  #scheduled = false;
  #isStalled = false;

  /**
   * `atTurnEnd` runs its argument when everything that is ready now has been handled. `isCongested` says whether there
   * is more under way than can be finished soon.
   */
  constructor(atTurnEnd: (run: () => void) => void, isCongested: () => boolean = () => false) {
    this.#atTurnEnd = atTurnEnd;
    this.#isCongested = isCongested;
    this.#run = (): void => this.#endOfTurn();
  }

  /** Connections that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** What somebody who is not waiting may spend now. */
  get allowance(): number {
    if (this.#waiting.size > 0) return NEWCOMER_UNITS;
    return Math.max(NEWCOMER_UNITS, TURN_UNITS - this.#spent);
  }

  /** So much has been done for somebody who is not waiting. */
  charge(units: number): void {
    this.#spent += units;
    if (this.#spent >= UNCOUNTED_UNITS) this.#schedule();
  }

  /** `sharer` has more to do than it may; it is called again when its turn has come. */
  wait(sharer: Sharer): void {
    this.#waiting.push(sharer);
    if (!this.#isStalled) this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#atTurnEnd(this.#run);
  }

  /** Something under way has been finished. To be called often. */
  relieved(): void {
    if (!this.#isStalled || this.#isCongested()) return;
    this.#isStalled = false;
    this.#schedule();
  }

  /** Serves one turn's worth even while congested, so that those who wait always get on. To be called now and then. */
  tick(): void {
    if (this.#isStalled) this.#serve();
  }

  #endOfTurn(): void {
    this.#scheduled = false;
    this.#spent = 0;
    if (this.#waiting.size === 0) return;
    this.#isStalled = this.#isCongested();
    if (this.#isStalled) return;
    this.#serve();
    if (this.#waiting.size > 0) this.#schedule();
  }

  #serve(): void {
    const waiting = this.#waiting;
    const { size } = waiting;
    if (size === 0) return;
    const quantum = Math.max(QUANTUM_UNITS_MIN, Math.floor(TURN_UNITS / size));
    const rounds = Math.min(size, Math.ceil(TURN_UNITS / quantum));
    for (let round = 0; round < rounds; round += 1) {
      const sharer = waiting.shift() as Sharer;
      if (sharer.serve(quantum)) waiting.push(sharer);
    }
  }
}
