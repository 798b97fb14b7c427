/**
 * One operation of one key, made ready for judging: values and versions are small integers, and each operation says in
 * the same few words what it demands of the state and what it leaves.
 */

import type { Operation } from '../history/operation.ts';

/** No value, no version: nothing is said about it. */
export const NONE = -1;

/** The rank of version 0, which says that the key is absent. */
export const VERSION_ABSENT = 0;

export class RegisterOperation {
  readonly source: Operation;
  /** Place in the order of calls. */
  index = 0;
  readonly call: number;
  /** Of an uncertain operation: the moment until which it may take effect, mostly Infinity. */
  readonly ret: number;
  /** It certainly took effect. An uncertain one may be left out. */
  readonly certain: boolean;
  /** It writes. One that does not only observes. */
  changes = false;
  /** It writes without looking: whatever was there before, it succeeds and answers the same. */
  blind = false;
  /** The value it found (ABSENT included), or NONE. */
  needs: number = NONE;
  /** The value it leaves (ABSENT included), or NONE: it leaves none, or nobody knows which. */
  makes: number = NONE;
  /** It found something, whatever that was: a delete, or a refused cas that tells a version. */
  needsPresence = false;
  /** Rank of the version a successful cas demanded, or NONE. */
  needsVersion: number = NONE;
  /** A refused cas: not both of these held (NONE: not demanded). */
  refused = false;
  refusedValue: number = NONE;
  refusedVersion: number = NONE;
  /** Rank of the version it answered: of the value it left if it writes, else of the one it found. Or NONE. */
  version: number = NONE;
  /** ns after which the value may vanish, at the earliest; Infinity: it stays. */
  lifetime: number = Number.POSITIVE_INFINITY;
  /** incr: what is added. */
  by = 0n;
  /** Equal for uncertain operations that do the same: it does not matter which of them took effect. */
  signature = 0;

  constructor(source: Operation, certain: boolean) {
    this.source = source;
    this.certain = certain;
    this.call = source.call;
    this.ret = source.ret;
  }
}
