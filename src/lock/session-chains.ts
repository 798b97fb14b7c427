/** Requests of each session, those held or those waiting, in the order in which they became so, and how many there are. */
import { Chains } from './chains.ts';

export class SessionChains {
  readonly #requests: Chains = new Chains();
  readonly #counts: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The longest of an attachment, or −1. */
  first(attachment: number): number {
    return this.#requests.first(attachment);
  }

  after(request: number): number {
    return this.#requests.after(request);
  }

  count(attachment: number): number {
    return this.#counts[attachment] ?? 0;
  }

  append(attachment: number, request: number): void {
    this.#requests.append(attachment, request);
    this.#counts[attachment] = this.count(attachment) + 1;
    this.#size += 1;
  }

  remove(attachment: number, request: number): void {
    this.#requests.remove(attachment, request);
    this.#counts[attachment] = this.count(attachment) - 1;
    this.#size -= 1;
  }
}
