/**
 * Requests sent on one connection and not yet answered, found by message id: a ring whose places are taken in order;
 * ids whose place is still taken by a long wait are passed over.
 */
import type { Operation } from './operation.ts';

const SIZE_MIN = 256;
/** Message id of what a node says of its own accord; no request has it. */
export const UNASKED = 0;

export class Pending {
  #ring: (Operation | null)[] = new Array(SIZE_MIN).fill(null);
  #mask: number = SIZE_MIN - 1;
  #lastId = 0;
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Gives the operation a message id and keeps it. */
  add(operation: Operation): void {
    if (this.#count * 2 > this.#mask) this.#grow();
    do {
      this.#lastId = (this.#lastId + 1) >>> 0;
    } while (this.#lastId === UNASKED || this.#ring[this.#lastId & this.#mask] !== null);
    operation.messageId = this.#lastId;
    this.#ring[this.#lastId & this.#mask] = operation;
    this.#count += 1;
  }

  get(messageId: number): Operation | null {
    const found = this.#ring[messageId & this.#mask] as Operation | null;
    return found !== null && found.messageId === messageId ? found : null;
  }

  remove(operation: Operation): void {
    const at = operation.messageId & this.#mask;
    if (this.#ring[at] !== operation) return;
    this.#ring[at] = null;
    this.#count -= 1;
  }

  #grow(): void {
    // Ids that differ in their low bits differ in one bit more, too.
    const old = this.#ring;
    const size = (this.#mask + 1) * 2;
    this.#ring = new Array(size).fill(null);
    this.#mask = size - 1;
    for (const operation of old) if (operation !== null) this.#ring[operation.messageId & this.#mask] = operation;
  }

  /** All of them, removed, in the order in which they were sent. */
  drain(): Operation[] {
    return this.take(() => true);
  }

  /** The same of those that are `wanted`. */
  take(wanted: (operation: Operation) => boolean): Operation[] {
    const taken = [...this].filter(wanted);
    for (const operation of taken) this.remove(operation);
    return taken.sort((one, other) => (one.messageId - other.messageId) | 0);
  }

  *[Symbol.iterator](): Iterator<Operation> {
    if (this.#count === 0) return;
    for (const operation of this.#ring) if (operation !== null) yield operation;
  }
}
