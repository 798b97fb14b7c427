/** What requests take besides keys and values. It is looked at before anything is done: see `OptionTable`. */
import { anything, type Kinds, number, type OptionTable, signal } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import type { Fence } from './fence.ts';
import type { ReadMode } from './options.ts';

export interface RequestOptions {
  /** Milliseconds until the request fails; default: the client's `timeoutMs` (5000). */
  readonly timeoutMs?: number;
  /** Ends the wait for the answer. A write that was sent may still take effect: KV_AMBIGUOUS. */
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends RequestOptions {
  /** How fresh the answer must be; default: the client's `reads`. */
  readonly reads?: ReadMode;
}

export interface WriteOptions extends RequestOptions {
  /** Only while this lock is held under this token (L9); a `Lock` will do. Refused with KV_FENCED. */
  readonly fence?: Fence;
}

export interface DeleteOptions extends WriteOptions {
  /** Only if the key has this revision. */
  readonly ifRevision?: bigint;
}

export interface SwapOptions extends WriteOptions {
  /** Milliseconds the key lives; default: until it is deleted. */
  readonly ttlMs?: number;
}

export interface PutOptions extends WriteOptions {
  /** Milliseconds the key lives; default: until it is deleted. */
  readonly ttlMs?: number;
  /** Only if the key has this revision; 0n: only if it is absent. */
  readonly ifRevision?: bigint;
  /** Only if the key is absent. */
  readonly ifAbsent?: boolean;
}

/** @throws KeyvalError KV_USAGE naming the option that `table` does not know, or whose value is of another kind */
export function mustFit<T extends object>(table: OptionTable<T>, options: T | undefined): void {
  if (options === undefined) return;
  const fault = table.fault(options);
  if (fault !== null) throw new KeyvalError('KV_USAGE', fault);
}

export const requestKinds: Kinds<RequestOptions> = { timeoutMs: number, signal };
/** `readFlagsOf` looks at `reads`. */
export const readKinds: Kinds<ReadOptions> = { ...requestKinds, reads: anything };
