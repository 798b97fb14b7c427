/**
 * What operators ask about locks, as requests of CLUS, and what nodes answer (L14): JSON on the wire; fields may be added.
 * Tokens are decimal text, sessions the beginning of theirs, hexadecimal; times are how long ago, in milliseconds: nobody's clock is compared.
 */

/** A key: as text, or its bytes in base64 where they are no UTF-8. */
export type KeyName = { readonly key: string } | { readonly key64: string };

/** Where a listing goes on: a place in a partition. It means something only to the node that gave it. */
export interface LocksCursor {
  readonly partition: number;
  readonly slot: number;
}

export type LockRequest =
  /** The locks of the partitions that the node is primary of, as many as it looks at for one answer. */
  | {
      readonly command: 'locks';
      readonly from: LocksCursor;
      /** At most so many of those looked at: those that most wait for, then those held longest. */
      readonly limit: number;
      /** Only keys that begin with it. */
      readonly prefix?: KeyName;
      /** Only those that somebody waits for, in no order, with all who hold them and wait. */
      readonly waited?: boolean;
    }
  | { readonly command: 'lock'; readonly name: KeyName }
  /** Takes the lock away from whoever holds it under these tokens. */
  | { readonly command: 'break-lock'; readonly name: KeyName; readonly tokens: readonly string[] };

/** Grants that one request may break. */
export const BROKEN_TOKENS_MAX = 100;
/** Holders and waiters of one lock that an answer names; of all it tells how many there are. */
export const NAMED_PER_LOCK_MAX = 100;
/** The same in a listing. */
export const HOLDERS_LISTED_MAX = 4;
/** Locks in one answer. */
export const LOCKS_LISTED_MAX = 1000;
/** Of a longer key a listing has its beginning. */
export const KEY_LISTED_BYTES_MAX = 1024;

/** Digits of a session that are told: enough to tell sessions apart, and not enough to act as one. */
export const SESSION_SHOWN_DIGITS = 16;

/** Who holds a lock or waits for it. */
export interface OwnerFacts {
  /** Its beginning, hexadecimal. Empty: nobody, see `abandonedForMs`. */
  readonly session: string;
  /** Host and process. */
  readonly name: string;
  /** Address of the connection that it was heard over last, as its primary knows it; null: none at present. */
  readonly from: string | null;
  /** What does one thing after another in it (L10); 0: not told. */
  readonly flow: number;
  /** By number: lock-mode.ts. */
  readonly mode: number;
  readonly label: string;
}

export interface HolderFacts extends OwnerFacts {
  readonly token: string;
  readonly heldMs: number;
  /** Lease of the session, and what is left of it, as the primary counts; null: nobody's. */
  readonly leaseMs: number | null;
  readonly leaseLeftMs: number | null;
  /** Lock-delay that it asked for (L13). */
  readonly delayMs: number;
  /** The holder was lost: it is free after this many milliseconds; null: it is held. */
  readonly abandonedForMs: number | null;
}

export interface WaiterFacts extends OwnerFacts {
  readonly waitedMs: number;
  /** Token under which it holds the lock already, and waits for another mode; null: it holds nothing yet. */
  readonly holds: string | null;
}

export type LockFacts = KeyName & {
  readonly partition: number;
  /** Bytes of the key: more than `KEY_LISTED_BYTES_MAX`, and a listing has its beginning only. */
  readonly keyBytes: number;
  readonly holders: readonly HolderFacts[];
  readonly holderCount: number;
  /** Conversions first, then the queue, each in order. */
  readonly waiters: readonly WaiterFacts[];
  readonly waiterCount: number;
};

export interface LocksAnswer {
  readonly locks: readonly LockFacts[];
  /** Locks looked at that are as was asked, those left out by `limit` among them. */
  readonly matching: number;
  /** Partitions that were answered for. */
  readonly partitions: number;
  /** Null: that was all. */
  readonly next: LocksCursor | null;
}

/**
 * `expired`: the session was not heard of for a lease. `closed`: it was closed while it held the lock. `given-back`: the lease
 * had run out at the client. `broken`: an operator took it away. `delay-ended`: an operator ended the lock-delay of one lost.
 */
export type LossFactsCause = 'expired' | 'closed' | 'given-back' | 'broken' | 'delay-ended';

export interface LossFacts {
  readonly cause: LossFactsCause;
  readonly lostMs: number;
  readonly session: string;
  readonly name: string;
  readonly token: string;
  readonly mode: number;
  readonly flow: number;
  readonly label: string;
  /** How long it had been held. */
  readonly heldMs: number;
  /** How long the key stayed locked afterwards. */
  readonly delayMs: number;
  /** Name of the connection that asked for it; empty: nobody asked. */
  readonly by: string;
}

export interface LockAnswer {
  /** Null: nobody holds it. */
  readonly lock: LockFacts | null;
  readonly partition: number;
  /** The last ones of this key, newest first. */
  readonly losses: readonly LossFacts[];
  /** For so long every loss in the partition is known. */
  readonly lossesKnownMs: number;
}

export interface BrokenAnswer {
  /** What was taken away. */
  readonly broken: readonly LossFacts[];
  /** Afterwards; null: nobody holds it. */
  readonly lock: LockFacts | null;
}
