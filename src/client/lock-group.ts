/**
 * Several locks that are held together (L11). They are taken one by one, in an order that is the same for everybody, so that
 * two programs which want the same locks never wait for each other in a circle.
 */
import { hashSlot } from '../base/hash-slot.ts';
import { flag, OptionTable } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import type { HeldLock } from './held-lock.ts';
import { type Key, KeyBuffer } from './key-buffer.ts';
import type { Lock, ReleaseOptions } from './lock.ts';
import { mustFit } from './request-options.ts';
import { showAs } from './shown.ts';

/** A value would belong to one of them. */
type GroupReleaseOptions = Pick<ReleaseOptions, 'confirm'>;

const releaseTable: OptionTable<GroupReleaseOptions> = new OptionTable('release of several locks', { confirm: flag });

export class LockGroup<V = string> implements AsyncDisposable {
  /** In the order in which the keys were given. */
  readonly locks: readonly Lock<V>[];
  readonly #signal: AbortSignal;

  constructor(locks: readonly Lock<V>[]) {
    this.locks = locks;
    this.#signal = AbortSignal.any(locks.map(({ signal }) => signal));
  }

  /** Aborts with KV_LOCK_LOST when one of them is lost. Like that of one lock it tells of this very moment when it is asked for. */
  get signal(): AbortSignal {
    for (const lock of this.locks) void lock.signal;
    return this.#signal;
  }

  /** @internal */
  get grants(): readonly HeldLock[] {
    return this.locks.flatMap(({ grants }) => grants);
  }

  /** True until one of them is released or lost. */
  get held(): boolean {
    return this.locks.every(({ held }) => held);
  }

  /** @throws KeyvalError KV_LOCK_LOST, KV_NOT_HELD */
  assertHeld(): void {
    for (const lock of this.locks) lock.assertHeld();
  }

  /** @internal Released is not lost. @throws KeyvalError KV_LOCK_LOST */
  throwIfLost(): void {
    for (const lock of this.locks) lock.throwIfLost();
  }

  /** Lets go of all that are still held. @throws KeyvalError with `confirm` as `Lock.release` does, when all have been tried */
  async release(options: GroupReleaseOptions = {}): Promise<void> {
    mustFit(releaseTable, options);
    const held = this.locks.filter((lock) => lock.held);
    const results = await Promise.allSettled(held.map((lock) => lock.release(options)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.locks.map((lock) => lock[Symbol.asyncDispose]()));
  }
}

showAs(LockGroup, ({ held, locks }) => ({ held, locks }));

/** Takes one; the wait ends when `lost` aborts, for one of those taken before is held no more. */
type Take<V> = (key: Key, lost: AbortSignal) => Promise<Lock<V>>;

/**
 * Takes all of them, or none: what was taken before one that cannot be had is released.
 * @throws KeyvalError KV_USAGE for an empty list or a key that stands in it twice, KV_BAD_KEY, and as `take` does
 */
export async function lockAll<V>(keys: readonly Key[], take: Take<V>): Promise<LockGroup<V>> {
  const taken = new Map<Key, Lock<V>>();
  const loss = new AbortController();
  /** Nothing listens to the locks any more. */
  const done = new AbortController();
  try {
    for (const key of inOrder(keys)) {
      const lock = await take(key, loss.signal);
      taken.set(key, lock);
      lock.assertHeld();
      const { signal } = lock;
      signal.addEventListener('abort', () => loss.abort(signal.reason), { signal: done.signal });
    }
    const group = new LockGroup(keys.map((key) => taken.get(key) as Lock<V>));
    group.assertHeld();
    return group;
  } catch (error) {
    for (const lock of taken.values()) await lock[Symbol.asyncDispose]();
    throw loss.signal.aborted ? loss.signal.reason : error;
  } finally {
    done.abort();
  }
}

/** By partition, then by bytes: of two hash slots the larger one is never in the lower partition. */
function inOrder(keys: readonly Key[]): Key[] {
  if (keys.length === 0) throw new KeyvalError('KV_USAGE', 'lock: the list of keys is empty');
  const buffer = new KeyBuffer();
  const placed = keys.map((key) => {
    buffer.set(key);
    return {
      key,
      slot: hashSlot(buffer.bytes, 0, buffer.length),
      bytes: Buffer.from(buffer.bytes.slice(0, buffer.length)),
    };
  });
  placed.sort((a, b) => a.slot - b.slot || Buffer.compare(a.bytes, b.bytes));
  placed.forEach(({ key, bytes }, index) => {
    if (index > 0 && placed[index - 1]?.bytes.equals(bytes))
      throw new KeyvalError(
        'KV_USAGE',
        `lock: the key ${typeof key === 'string' ? `'${key}' ` : ''}stands in the list twice`,
      );
  });
  return placed.map(({ key }) => key);
}
