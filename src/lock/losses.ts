/**
 * The locks of one partition that were lost last, and why (L14): a ring, filled by the entries of the log, the same at every
 * replica. What was let go of in order is no loss. Texts are cut, so that the ring has a largest size.
 */
import { assert } from '../base/assert.ts';

/** Numbers stand in snapshots, fixed for ever. */
export const LossCause = {
  /** Its session was not heard of for a lease. */
  expired: 1,
  /** Its session was closed while it held the lock. */
  closed: 2,
  /** The client gave it back: its lease had run out there, before a renewal was acknowledged (L4). */
  givenBack: 3,
  /** An operator took it away. */
  broken: 4,
  /** An operator ended the lock-delay of one that was lost (L13). */
  delayEnded: 5,
} as const;

export const LOSS_CAUSES = 5;

/** Losses that a partition remembers. */
export const LOSSES_MAX = 64;
/** Of a key, its first bytes; of names and labels, their first characters. */
export const LOSS_KEY_BYTES_MAX = 256;
export const LOSS_TEXT_MAX = 100;
const LOSS_BYTES = 1024;

export interface Loss {
  readonly cause: number;
  /** Log time. */
  readonly atMs: number;
  /** The first bytes of the key, and how many it has. */
  readonly key: Uint8Array;
  readonly keyLength: number;
  /** Fencing token of the grant; with `broken` the one that was named, which may be that from before a conversion. */
  readonly epoch: number;
  readonly operation: number;
  readonly mode: number;
  /** As LCKK says it. */
  readonly flow: number;
  /** Log time of the grant. */
  readonly sinceMs: number;
  /** How long the key stayed locked afterwards (L13); 0: not at all. */
  readonly delayMs: number;
  /** Of the holder; empty where only a lock-delay was ended. */
  readonly session: string;
  readonly name: string;
  readonly label: string;
  /** With `broken` and `delayEnded`: whose connection asked for it. */
  readonly by: string;
}

export class Losses {
  readonly #ring: Loss[] = [];
  /** So many have been added, those that are forgotten among them. */
  added = 0;
  /** Log time from which on every loss is known; 0: no entry has been applied. */
  sinceMs = 0;

  get bytes(): number {
    return this.#ring.length * LOSS_BYTES;
  }

  add(loss: Loss): void {
    if (this.#ring.length < LOSSES_MAX) this.#ring.push(cut(loss));
    else {
      const at = this.added % LOSSES_MAX;
      this.sinceMs = (this.#ring[at] as Loss).atMs;
      this.#ring[at] = cut(loss);
    }
    this.added += 1;
  }

  /** From the `count`-th of all on, oldest first, as far as they are remembered. */
  *from(count: number): Generator<Loss> {
    const oldest = this.added - this.#ring.length;
    for (let number = Math.max(count, oldest); number < this.added; number += 1)
      yield this.#ring[number % LOSSES_MAX] as Loss;
  }

  /** Those of a key, newest first. */
  of(key: Uint8Array): Loss[] {
    return [...this.from(0)].filter((loss) => isOf(loss, key)).reverse();
  }

  // ---- for snapshots

  /** As another replica has them: `added` in all, of which the last ones are remembered, oldest first. */
  restore(added: number, sinceMs: number, remembered: readonly Loss[]): void {
    assert(remembered.length === Math.min(added, LOSSES_MAX), 'losses: as many as the ring holds are remembered');
    this.added = added;
    this.sinceMs = sinceMs;
    const oldest = added - remembered.length;
    for (const [at, loss] of remembered.entries()) this.#ring[(oldest + at) % LOSSES_MAX] = loss;
  }
}

function cut(loss: Loss): Loss {
  return {
    ...loss,
    key: loss.key.slice(0, LOSS_KEY_BYTES_MAX),
    name: cutText(loss.name),
    label: cutText(loss.label),
    by: cutText(loss.by),
  };
}

/** Without half a character at its end: encoded and decoded again it is the same. */
function cutText(text: string): string {
  return text.slice(0, LOSS_TEXT_MAX).toWellFormed();
}

/** Keys that are longer than what is kept of them are told apart by their beginning and their length. */
function isOf({ key, keyLength }: Loss, wanted: Uint8Array): boolean {
  return keyLength === wanted.length && key.every((byte, at) => byte === wanted[at]);
}
