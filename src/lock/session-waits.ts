/** The waits of each session, in the order in which they began, and how many there are. */
import { Chains } from './chains.ts';

export class SessionWaits {
  readonly #waits: Chains = new Chains();
  readonly #counts: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The longest wait of an attachment, or −1. */
  first(attachment: number): number {
    return this.#waits.first(attachment);
  }

  after(request: number): number {
    return this.#waits.after(request);
  }

  count(attachment: number): number {
    return this.#counts[attachment] ?? 0;
  }

  append(attachment: number, request: number): void {
    this.#waits.append(attachment, request);
    this.#counts[attachment] = this.count(attachment) + 1;
    this.#size += 1;
  }

  remove(attachment: number, request: number): void {
    this.#waits.remove(attachment, request);
    this.#counts[attachment] = this.count(attachment) - 1;
    this.#size -= 1;
  }
}
