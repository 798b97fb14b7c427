/**
 * Requests of each session, those held or those waiting, in the order in which they became so, and how many there are. Of a
 * session with many they are looked up by their sequence, in an index that is made when it is asked for first.
 */
import { Chains } from './chains.ts';

const NONE = -1;
/** Among so many all are looked at. An index is given up when half as many are left. */
export const INDEXED_MIN = 64;
/** Of an index, about. */
const BYTES_PER_REQUEST = 40;

export class SessionChains {
  readonly #requests: Chains = new Chains();
  readonly #counts: number[] = [];
  /** By attachment: request by sequence. Null: two have the same, and the chain tells which came first. */
  readonly #indexes: Map<number, Map<number, number> | null> = new Map();
  readonly #sequenceOf: (request: number) => number;
  #size = 0;

  /** The sequence of a request that is here does not change but between `leaves` and `enters`. */
  constructor(sequenceOf: (request: number) => number) {
    this.#sequenceOf = sequenceOf;
  }

  get size(): number {
    return this.#size;
  }

  /** Of the indexes, about. */
  get bytes(): number {
    let bytes = 0;
    for (const index of this.#indexes.values()) bytes += (index?.size ?? 0) * BYTES_PER_REQUEST;
    return bytes;
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

  /** The longest under `sequence`, or −1. */
  find(attachment: number, sequence: number): number {
    const index = this.indexOf(attachment);
    return index === null ? this.#from(this.first(attachment), sequence) : (index.get(sequence) ?? NONE);
  }

  /** The next one under `sequence` after `request`, or −1: sequences come again after 2³². */
  findAfter(attachment: number, request: number, sequence: number): number {
    return this.indexOf(attachment) === null ? this.#from(this.after(request), sequence) : NONE;
  }

  #from(first: number, sequence: number): number {
    let request = first;
    while (request !== NONE && this.#sequenceOf(request) !== sequence) request = this.after(request);
    return request;
  }

  /** Null: there are few, or two under one sequence, and all may have to be looked at. */
  indexOf(attachment: number): Map<number, number> | null {
    if (this.count(attachment) <= INDEXED_MIN) return null;
    const known = this.#indexes.get(attachment);
    return known === undefined ? this.#makeIndex(attachment) : known;
  }

  #makeIndex(attachment: number): Map<number, number> | null {
    this.#indexes.set(attachment, new Map());
    for (let request = this.first(attachment); request !== NONE; request = this.after(request))
      this.enters(attachment, request);
    return this.#indexes.get(attachment) ?? null;
  }

  append(attachment: number, request: number): void {
    this.#requests.append(attachment, request);
    this.#counts[attachment] = this.count(attachment) + 1;
    this.#size += 1;
    this.enters(attachment, request);
  }

  remove(attachment: number, request: number): void {
    this.leaves(attachment, request);
    this.#requests.remove(attachment, request);
    this.#counts[attachment] = this.count(attachment) - 1;
    this.#size -= 1;
    if (this.#indexes.size > 0 && this.count(attachment) <= INDEXED_MIN / 2) this.#indexes.delete(attachment);
  }

  /** It is known by its sequence from now on. */
  enters(attachment: number, request: number): void {
    const index = this.#indexes.size === 0 ? undefined : this.#indexes.get(attachment);
    if (index === undefined || index === null) return;
    const sequence = this.#sequenceOf(request);
    if (index.has(sequence)) this.#indexes.set(attachment, null);
    else index.set(sequence, request);
  }

  /** It is about to have another sequence, or to go. */
  leaves(attachment: number, request: number): void {
    if (this.#indexes.size > 0) this.#indexes.get(attachment)?.delete(this.#sequenceOf(request));
  }
}
