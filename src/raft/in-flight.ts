/**
 * Appends sent to one follower and not yet answered: last index and bytes of each, in the order sent. Bounded in number
 * and bytes; one that is larger than the bound goes alone.
 */

import { assert } from '../base/assert.ts';
import { FixedQueue } from '../base/fixed-queue.ts';

interface Sent {
  readonly lastIndex: number;
  readonly bytes: number;
}

export class InFlight {
  readonly #sent: FixedQueue<Sent>;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#sent = new FixedQueue(messagesMax);
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#sent.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#sent.size >= this.#sent.capacity || this.#bytes >= this.#bytesMax;
  }

  add(lastIndex: number, bytes: number): void {
    assert(this.#sent.push({ lastIndex, bytes }), 'more in flight than allowed');
    this.#bytes += bytes;
  }

  /** Everything through `index` has arrived. */
  freeTo(index: number): void {
    for (let oldest = this.#sent.peek(); oldest !== null && oldest.lastIndex <= index; oldest = this.#sent.peek()) {
      this.#drop();
    }
  }

  /** Takes the oldest as lost, so that a follower whose answers were lost is not waited for without end. */
  freeOldest(): void {
    if (this.#sent.size > 0) this.#drop();
  }

  clear(): void {
    this.#sent.clear();
    this.#bytes = 0;
  }

  #drop(): void {
    this.#bytes -= this.#sent.shift()?.bytes ?? 0;
  }
}
