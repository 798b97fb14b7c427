/**
 * Very many timers, started and stopped at the cost of a few array writes: a hashed timing wheel (Varghese and Lauck
 * 1987, scheme 6). Time is cut into ticks; the timers of tick `t` are on the list of slot `t mod slots`, together with
 * those of `t + slots`, `t + 2·slots` … which stay when the hand passes.
 *
 *     nodes     0 … slots−1    slots           slots+1+id
 *               heads of       head of the     one per timer
 *               the slots      due list
 *
 *     slot 3 ─► 7 ─► 2 ─► back to slot 3       circular lists, doubly linked by #next and #previous
 *
 * A timer never fires early: its tick begins at its deadline or after it, so it is less than one tick late, plus
 * however long nobody called `advance`. When the clock jumps, one `advance` looks at each slot and each timer once.
 */

import { assert } from './assert.ts';

const SLOTS_DEFAULT = 512;
const CAPACITY_AT_FIRST = 16;
const UNLINKED = -1;

export interface TimerWheelOptions {
  /** Length of a tick in milliseconds, more than 0: how late a timer may be. */
  readonly tickMs: number;
  /** Slots of the wheel. Timers further away than `slots · tickMs` are passed over once a revolution. Default 512. */
  readonly slots?: number;
  /** The time now, on the clock that deadlines are given in. */
  readonly nowMs: number;
}

export class TimerWheel {
  readonly #tickMs: number;
  readonly #slots: number;
  #tick: number; // every timer of this tick and before has fired
  #size: number;
  #next: Int32Array; // by node; UNLINKED when the timer is not scheduled
  #previous: Int32Array;
  #tickOf: Float64Array; // by id

  constructor(options: TimerWheelOptions) {
    const { tickMs, slots = SLOTS_DEFAULT, nowMs } = options;
    assert(tickMs > 0, 'tickMs must be more than 0');
    assert(Number.isInteger(slots) && slots >= 1, 'slots must be at least 1');
    assert(Number.isFinite(nowMs), 'nowMs must be a finite number');
    this.#tickMs = tickMs;
    this.#slots = slots;
    this.#tick = Math.floor(nowMs / tickMs);
    this.#size = 0;
    this.#next = emptyLists(slots + 1);
    this.#previous = emptyLists(slots + 1);
    this.#tickOf = new Float64Array(0);
    this.#grow(CAPACITY_AT_FIRST);
  }

  /** Timers scheduled and not yet fired. */
  get size(): number {
    return this.#size;
  }

  isScheduled(id: number): boolean {
    return id < this.#tickOf.length && this.#next[this.#nodeOf(id)] !== UNLINKED;
  }

  /**
   * Starts timer `id`, or moves it. A deadline that has passed fires in the next tick, never in the `advance` going on.
   * @param id a small integer from 0: the arrays grow to the largest seen
   */
  schedule(id: number, deadlineMs: number): void {
    assert(Number.isInteger(id) && id >= 0, 'a timer id must be a whole number of at least 0');
    assert(Number.isFinite(deadlineMs), 'a deadline must be a finite number');
    if (id >= this.#tickOf.length) this.#grow(id + 1);
    this.cancel(id);
    const tick = Math.max(Math.ceil(deadlineMs / this.#tickMs), this.#tick + 1);
    this.#tickOf[id] = tick;
    this.#append(this.#slotOf(tick), this.#nodeOf(id));
    this.#size++;
  }

  /** Stops timer `id`; false when it was not running. */
  cancel(id: number): boolean {
    if (!this.isScheduled(id)) return false;
    this.#unlink(this.#nodeOf(id));
    this.#size--;
    return true;
  }

  /**
   * Turns the wheel to `nowMs` and calls `fired` for each timer due, tick by tick (within one slot, and across a jump of
   * more than a revolution, in the order scheduled). `fired` may schedule and cancel any timer. A clock that went back
   * changes nothing.
   */
  advance(nowMs: number, fired: (id: number) => void): void {
    const target = Math.floor(nowMs / this.#tickMs);
    if (target > this.#tick) this.#collectDue(target);
    this.#fireDue(fired);
  }

  /** Moves what is due to the due list first, so that `fired` meets lists at rest. */
  #collectDue(target: number): void {
    const slotsPassed = this.#size === 0 ? 0 : Math.min(target - this.#tick, this.#slots);
    for (let passed = 1; passed <= slotsPassed; passed++) this.#collectSlot(this.#slotOf(this.#tick + passed), target);
    this.#tick = target;
  }

  #collectSlot(head: number, target: number): void {
    let node = this.#next[head] as number;
    while (node !== head) {
      const following = this.#next[node] as number;
      if ((this.#tickOf[this.#idOf(node)] as number) <= target) {
        this.#unlink(node);
        this.#append(this.#slots, node);
      }
      node = following;
    }
  }

  #fireDue(fired: (id: number) => void): void {
    const due = this.#slots;
    for (let node = this.#next[due] as number; node !== due; node = this.#next[due] as number) {
      this.#unlink(node);
      this.#size--;
      fired(this.#idOf(node));
    }
  }

  #slotOf(tick: number): number {
    const remainder = tick % this.#slots;
    return remainder < 0 ? remainder + this.#slots : remainder;
  }

  #nodeOf(id: number): number {
    return this.#slots + 1 + id;
  }

  #idOf(node: number): number {
    return node - this.#slots - 1;
  }

  #append(head: number, node: number): void {
    const last = this.#previous[head] as number;
    this.#next[last] = node;
    this.#previous[node] = last;
    this.#next[node] = head;
    this.#previous[head] = node;
  }

  #unlink(node: number): void {
    const next = this.#next[node] as number;
    const previous = this.#previous[node] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#next[node] = UNLINKED;
  }

  /** Makes room for ids below `least`, at least doubling. Nodes keep their numbers, so the links stay true. */
  #grow(least: number): void {
    const capacity = Math.max(least, this.#tickOf.length * 2);
    const tickOf = new Float64Array(capacity);
    tickOf.set(this.#tickOf);
    this.#tickOf = tickOf;
    this.#next = extended(this.#next, this.#nodeOf(capacity));
    this.#previous = extended(this.#previous, this.#nodeOf(capacity));
  }
}

function emptyLists(heads: number): Int32Array {
  return Int32Array.from({ length: heads }, (_, head) => head);
}

function extended(links: Int32Array, length: number): Int32Array {
  const longer = new Int32Array(length).fill(UNLINKED);
  longer.set(links);
  return longer;
}
