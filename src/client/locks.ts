/**
 * The locks this client holds (L3, L4, L6). Each lives under the lease of its partition, counted from the moment the last
 * acknowledged renewal was sent: when it has run out the lock counts as lost here, whatever the node thinks, and its
 * signal aborts.
 */

import type { TimerHandle } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import { WriteFlag } from '../protocol/client-codec.ts';
import type { Content } from './answers.ts';
import type { Codec } from './codecs.ts';
import { Conversions, UNREAD } from './conversions.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Fence } from './fence.ts';
import type { Flow, Flows } from './flows.ts';
import { HeldLock } from './held-lock.ts';
import { HeldLocks } from './held-locks.ts';
import { type Key, keyText } from './key-buffer.ts';
import { isHeldAfter, Lock, type LockContent, type LockHost } from './lock.ts';
import type { LossCause } from './lock-loss.ts';
import { type ConvertOptions, type LockModeName, type LockSettings, mustBeLease } from './lock-options.ts';
import { LockRequests } from './lock-requests.ts';
import type { Operation } from './operation.ts';
import { Releases } from './releases.ts';
import type { Renewal } from './renewal/renewal.ts';
import type { DeleteOptions, PutOptions, ReadOptions } from './request-options.ts';
import { NO_SEQUENCE } from './session.ts';
import { encodeValue, spanOf } from './values.ts';
import { WantedLocks } from './wanted-locks.ts';
import { within } from './within.ts';

const CLOSED_TEXT = 'the client was closed';

/** Keys as the client reads and writes them. */
interface Keys<V> extends Pick<LockHost<V>, 'put' | 'delete'> {
  /** Deadline of a request, milliseconds. */
  readonly timeoutMs: number;
  /** As the holder of a lock reads: never what may be old, unless it is asked for. */
  getFresh(key: Key, options?: ReadOptions): Promise<V | null>;
  contentOf(key: Key, options: ReadOptions): Promise<Content>;
}

export class Locks<V> implements LockHost<V> {
  readonly #dispatcher: Dispatcher;
  readonly #keys: Keys<V>;
  readonly #codec: Codec<V>;
  readonly flows: Flows;
  /** Null: the main thread alone renews. */
  readonly #renewal: Renewal | null;
  readonly #requests: LockRequests;
  readonly #conversions: Conversions;
  readonly #releases: Releases;
  readonly #wanted: WantedLocks;
  readonly #held: HeldLocks = new HeldLocks();
  /** The session is about to say good-bye: no lock is taken any more. */
  #isClosing = false;
  /** How often somebody has said that locks may be gone. */
  #doubts = 0;
  #leaseTimer: TimerHandle | null = null;
  #wakesAtMs = 0;

  constructor(dispatcher: Dispatcher, keys: Keys<V>, codec: Codec<V>, flows: Flows, renewal: Renewal | null) {
    this.#dispatcher = dispatcher;
    this.#keys = keys;
    this.#codec = codec;
    this.flows = flows;
    this.#renewal = renewal;
    this.#requests = new LockRequests(dispatcher);
    this.#conversions = new Conversions(dispatcher, this.#requests, keys, (held) => this.#settled(held));
    this.#releases = new Releases(dispatcher, this.#requests);
    this.#wanted = new WantedLocks(this.#requests);
  }

  get(key: Key, options?: ReadOptions): Promise<V | null> {
    return this.#keys.getFresh(key, options);
  }

  put(key: Key, value: V, options?: PutOptions): Promise<bigint> {
    return this.#keys.put(key, value, options);
  }

  delete(key: Key, options?: DeleteOptions): Promise<boolean> {
    return this.#keys.delete(key, options);
  }

  get #nowMs(): number {
    return this.#dispatcher.ports.clock.monotonicMs();
  }

  /**
   * Resolves with the lock, which `flow` owns.
   * @throws KeyvalError KV_LOCK_BUSY, KV_ABORTED, KV_NO_QUORUM, KV_UNREACHABLE, KV_AMBIGUOUS, KV_DEADLOCK, KV_LOCK_LOST, …
   */
  async acquire(key: Key, settings: LockSettings, flow: Flow | null): Promise<Lock<V>> {
    if (this.#isClosing) throw closed();
    const again = this.flows.again(key, settings.mode);
    if (again?.owner.leaseHolds(again)) return (again.owner as Locks<V>).#again(again, settings);
    const doubts = this.#doubts;
    const { grant, operation } = await this.#requests.acquire(key, settings, flow?.tag ?? 0);
    if (this.#isClosing) throw closed(); // the session's end frees it
    this.#mustBePresent(operation);
    const held = new HeldLock(this, operation, flow, grant.token, settings.mode);
    if (!settings.renew) held.untilMs = this.#nowMs + settings.leaseMs; // not from when it began to wait in line
    this.#register(held);
    if (doubts !== this.#doubts) this.#ask(held);
    if (settings.fetch && grant.content === null) return this.#fetched(held, settings);
    return new Lock(this, held, grant.content === null ? null : this.#decoded(grant.content));
  }

  /** Whoever asks runs under it already. @throws KeyvalError KV_USAGE when it is to be renewed, and the lock is not */
  async #again(held: HeldLock, settings: LockSettings): Promise<Lock<V>> {
    if (settings.renew && held.untilMs !== Number.POSITIVE_INFINITY) throw notRenewed(held);
    held.handles += 1;
    return settings.fetch ? this.#fetched(held, settings) : new Lock(this, held, null);
  }

  /** A value that did not come along: large, or about to expire, or the lock was held already. */
  async #fetched(held: HeldLock, { timeoutMs, signal }: LockSettings): Promise<Lock<V>> {
    const lock = new Lock(this, held, null);
    try {
      const content = await this.#keys.contentOf(
        held.key,
        signal === undefined ? { timeoutMs } : { timeoutMs, signal },
      );
      lock.assertHeld(); // else it may be the value of whoever came next
      return new Lock(this, held, this.#decoded(content));
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  #decoded({ bytes, revision }: Content): LockContent<V> {
    return { revision, decode: () => (bytes === null ? null : this.#codec.decode(bytes, 0, bytes.length)) };
  }

  /** L3: what an attachment was granted that has ended meanwhile is gone with it. @throws KeyvalError KV_LOCK_LOST */
  #mustBePresent({ partition, attachEpoch, attachOperation }: Operation): void {
    if (this.#dispatcher.session.at(partition).is(attachEpoch, attachOperation)) return;
    throw new KeyvalError('KV_LOCK_LOST', 'the session had ended when the lock was granted');
  }

  /** @throws KeyvalError KV_LOCK_LOST when its lease has run out before it came */
  #register(held: HeldLock): void {
    this.endHung(); // what was held before; this one comes afterwards
    this.#renewal?.hold();
    if (this.#leaseUntilMs(held) <= this.#nowMs) {
      void this.#releases.silent(held);
      throw tooLate(held, this.#dispatcher.session.leaseMs);
    }
    this.#held.add(held);
    held.flow?.add(held);
    this.#wakeBy(this.#leaseUntilMs(held));
  }

  /** The lock of that key, if it is held under that token. */
  heldUnder({ key, token }: Fence): HeldLock | null {
    const name = keyText(key);
    return this.#held.all().find((held) => held.token === token && keyText(held.key) === name) ?? null;
  }

  leaseUntilMs(partition: number): number {
    return this.#dispatcher.session.at(partition).leaseUntilMs;
  }

  #leaseUntilMs({ partition, untilMs }: HeldLock): number {
    return Math.min(untilMs, this.leaseUntilMs(partition));
  }

  /** True while the lease of the lock's partition has not run out. The end counts at once, even while timers are late. */
  leaseHolds(held: HeldLock): boolean {
    if (this.endHung()) return false;
    const now = this.#nowMs;
    if (now >= this.leaseUntilMs(held.partition)) this.#runOut(held.partition);
    else if (now >= held.untilMs) this.#giveUp(held);
    else return true;
    return false;
  }

  /** Wakes at the end of the lease that ends first. */
  #watchLeases(): void {
    if (this.#held.size === 0) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const held of this.#held.all()) earliest = Math.min(earliest, this.#leaseUntilMs(held));
    this.#wakeBy(earliest);
  }

  /** Wakes then, or before. */
  #wakeBy(untilMs: number): void {
    if (this.#leaseTimer !== null && this.#wakesAtMs <= untilMs) return;
    this.#leaseTimer?.cancel();
    this.#wakesAtMs = untilMs;
    this.#leaseTimer = this.#dispatcher.ports.timers.after(Math.max(1, untilMs - this.#nowMs), () => {
      this.#leaseTimer = null;
      this.#endLeases();
      this.#watchLeases();
    });
  }

  #endLeases(): void {
    for (const held of this.#held.all()) if (held.state !== 'lost') this.leaseHolds(held);
  }

  /**
   * The lease has run out here; the session may live on at the node, which then keeps the locks. They are given back, so
   * that others need not wait for the session's end.
   */
  #runOut(partition: number): void {
    if (this.#dispatcher.session.at(partition).isForgotten)
      return this.#dispatcher.attachmentLost(partition, 'its node no longer knows the session');
    this.#giveBack(partition, 'lease', 'the lease ran out without a renewal');
  }

  #giveBack(partition: number, cause: LossCause, reason: string): void {
    const locks = this.#held.at(partition);
    this.#lose(partition, cause, reason);
    for (const held of locks) this.#releaseLost(held);
  }

  /** A release of what is lost already: the node is to know that it was. */
  #releaseLost(held: HeldLock): void {
    this.#drop(held);
    void this.#releases.silent(held, WriteFlag.givenBack);
  }

  /** It was not to be renewed. */
  #giveUp(held: HeldLock): void {
    held.lose('lease', 'its lease ran out, and it was taken without renewal (renew: false)');
    this.#releaseLost(held);
  }

  /** @throws KeyvalError KV_USAGE */
  extend(held: HeldLock, ms: number = this.#dispatcher.session.leaseMs): void {
    if (held.untilMs === Number.POSITIVE_INFINITY)
      throw new KeyvalError(
        'KV_USAGE',
        'extend: the lock is renewed by itself; take it with renew: false to extend it',
      );
    held.untilMs = this.#nowMs + mustBeLease(ms);
    this.#wakeBy(this.#leaseUntilMs(held));
  }

  /** True: the main thread stood still for longer than its budget, and everything is given up that was held then (L4). */
  endHung(): boolean {
    const hungMs = this.#renewal?.hungMs ?? 0;
    if (hungMs === 0) return false;
    const reason = `the main thread stood still for ${hungMs} ms, longer than hangBudgetMs (${this.#renewal?.hangBudgetMs}); do long work in parts or in a worker thread, or raise hangBudgetMs`;
    for (const partition of this.#held.partitions()) this.#giveBack(partition, 'hang', reason);
    return true;
  }

  /** Every lock in `partition` is lost. */
  lost(partition: number, cause: LossCause, reason: string): void {
    this.endHung();
    this.#lose(partition, cause, reason);
  }

  #lose(partition: number, cause: LossCause, reason: string): void {
    const locks = this.#held.at(partition);
    for (const held of locks) this.#drop(held);
    for (const held of locks) held.lose(cause, reason);
  }

  #drop(held: HeldLock): void {
    held.flow?.remove(held);
    this.#held.delete(held);
  }

  /** The node that serves these is another, or a new connection: it has to hear again what is listened to. */
  found(partitions: readonly number[]): void {
    for (const partition of partitions) for (const held of this.#held.at(partition)) this.#wanted.again(held);
    this.doubt(partitions);
  }

  watch(held: HeldLock): void {
    this.#wanted.watch(held);
  }

  /** A node says that somebody waits for a lock; without a `sequence`, for one of those under that token. */
  wanted(partition: number, token: bigint, sequence: number, mode: number): void {
    for (const held of this.#held.at(partition))
      if (held.token === token && (held.sequence === sequence || sequence === NO_SEQUENCE))
        this.#wanted.tell(held, mode);
  }

  /**
   * L14: an operator has taken locks away, or may have, and nobody was reached to be told: the node is asked for each that is
   * held there.
   */
  doubt(partitions: Iterable<number>): void {
    this.#doubts += 1;
    for (const partition of partitions) for (const held of this.#held.at(partition)) this.#ask(held);
  }

  /** The same for every partition. */
  doubtAll(): void {
    this.doubt(this.#held.partitions());
  }

  /**
   * While it is being converted upward nobody can say under which token it is held, and while it is being released nobody need;
   * it is asked for afterwards.
   */
  #ask(held: HeldLock): void {
    if (held.state === 'storing') held.isDoubted = true;
    if (this.#isClosing || held.state !== 'held' || held.endConversion !== null) return;
    const { token } = held;
    this.#requests.isHeld(held).then((isHeld) => {
      if (!isHeld && held.state === 'storing') held.isDoubted = true;
      if (isHeld || held.state !== 'held' || held.token !== token || held.endConversion !== null) return;
      held.lose('broken', 'an operator has taken it away; its node says that nobody holds it under this token');
      this.#drop(held);
      void this.#releases.silent(held); // the node may have been asked too early
    });
  }

  /** L7. Null: no value was asked for; undefined: it could not be had. */
  async convert(
    held: HeldLock,
    mode: LockModeName,
    options: ConvertOptions,
  ): Promise<LockContent<V> | null | undefined> {
    const doubts = this.#doubts;
    try {
      const content = await this.#conversions.convert(held, mode, options);
      if (held.state === 'held') this.#wanted.again(held);
      if (content === UNREAD) return undefined;
      return content === null ? null : this.#decoded(content);
    } catch (error) {
      if (!(error instanceof KeyvalError && error.code === 'KV_USAGE')) this.#doubts += 1;
      throw error;
    } finally {
      if (doubts !== this.#doubts) this.#ask(held);
    }
  }

  /** The node has done with a conversion that was given up, or in doubt. */
  #settled(held: HeldLock): void {
    this.#wanted.again(held);
    this.#ask(held);
  }

  /**
   * L6. The release is repeated until a node has answered it, for as long as the session lives. Unconfirmed: resolves at
   * once; the message stands in order in its queue, or goes out when the node is back. Confirmed: resolves when it is
   * committed. @throws KeyvalError KV_NOT_HELD, KV_AMBIGUOUS when a lease has passed without an answer
   */
  async release(held: HeldLock, { confirm = false }: { readonly confirm?: boolean }): Promise<void> {
    this.#drop(held);
    if (!confirm) return this.#releases.plain(held);
    const { done } = await this.#releases.send(held);
    return this.#within(this.#dispatcher.session.leaseMs, done);
  }

  /**
   * L8: stores a value and lets go of the lock in one step. Until that is certain the lock counts as held here; what becomes
   * of a store in doubt, the lock is given back.
   * @throws KeyvalError KV_NOT_HELD, KV_AMBIGUOUS, KV_OUT_OF_MEMORY, …
   */
  async store(held: HeldLock, value: V, ttlMs: number | undefined): Promise<void> {
    const bytes = encodeValue(this.#codec, value);
    const span = spanOf(ttlMs);
    if (held.endConversion !== null) await held.endConversion();
    const stored = this.#requests.release(held, bytes, span, WriteFlag.store);
    try {
      await this.#within(Math.max(this.#dispatcher.session.leaseMs, this.#keys.timeoutMs), stored);
      this.#drop(held);
    } catch (error) {
      if (!isHeldAfter(error)) {
        this.#drop(held);
        stored.catch(() => this.#releases.silent(held));
      } else if (held.state === 'storing') {
        held.state = 'held';
        if (held.isDoubted) this.#ask(held);
      }
      throw error;
    }
  }

  #within(ms: number, committed: Promise<void>): Promise<void> {
    const late = (): KeyvalError => new KeyvalError('KV_AMBIGUOUS', `the release was not answered for ${ms} ms`);
    return within(committed, { timers: this.#dispatcher.ports.timers, ms, late });
  }

  /** Nobody waits for a lock any more, and nobody begins to: what came back behind the good-bye would outlive the client. */
  endWaits(): void {
    this.#isClosing = true;
    this.#requests.giveUpAll(closed());
  }

  /** These partitions have heard the good-bye. */
  hasLeft(partitions: ReadonlySet<number>): void {
    this.#releases.hasLeft(partitions);
  }

  /** What is held counts as lost; nothing is released: the good-bye, which is to come after this, does that. */
  close(): void {
    for (const partition of this.#held.partitions()) this.lost(partition, 'closed', CLOSED_TEXT);
    this.#leaseTimer?.cancel();
  }
}

function tooLate({ name }: HeldLock, leaseMs: number): KeyvalError {
  const text = `the lock on ${name} was granted when its lease of ${leaseMs} ms had run out; if the way to its node and back takes long, ask for a longer one (leaseMs)`;
  return new KeyvalError('KV_LOCK_LOST', text);
}

function notRenewed({ name }: HeldLock): KeyvalError {
  const text = `this flow holds the lock on ${name} with renew: false, and asks for it again to be renewed; say renew: false here, too, or leave it out where the lock was taken`;
  return new KeyvalError('KV_USAGE', text);
}

function closed(): KeyvalError {
  return new KeyvalError('KV_CLOSED', CLOSED_TEXT);
}
