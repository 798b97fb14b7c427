/**
 * Other modes for locks that are held (L7). Upward is a wait like any other, and what was given up is taken back: the lock is
 * held as before. Downward takes effect here when it is asked for, for others may come in from then on. Between concurrent
 * write and protected read, of which neither has all of the other, it goes down to concurrent read first.
 *
 * Whoever asks waits in bounds; what was asked does not end with that. Given up upward: CNCL, downward: the request itself is repeated
 * until the node has answered. Until then the node keeps the lock in the mode that counts here or in a stronger one, and
 * nobody asks it for another.
 */
import { isDownward, LockMode } from '../base/lock-mode.ts';
import { type Code, KeyvalError } from '../errors.ts';
import { mustNotHaveFired } from './aborts.ts';
import type { Content } from './answers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { HeldLock } from './held-lock.ts';
import type { Key } from './key-buffer.ts';
import { type ConvertOptions, type LockModeName, modeOf, type WaitSettings, waitSettings } from './lock-options.ts';
import type { Granted, LockRequests } from './lock-requests.ts';
import type { Operation } from './operation.ts';
import type { ReadOptions } from './request-options.ts';
import { ambiguous } from './verdict.ts';
import { within } from './within.ts';

/** In place of what the key holds: it was asked for and could not be had. */
export const UNREAD: Content = { bytes: null, revision: 0n };

interface Keys {
  readonly timeoutMs: number;
  contentOf(key: Key, options: ReadOptions): Promise<Content>;
}

export class Conversions {
  readonly #dispatcher: Dispatcher;
  readonly #requests: LockRequests;
  readonly #keys: Keys;
  readonly #settled: (held: HeldLock) => void;
  /** Locks that are being converted, in whatever direction. */
  readonly #underWay: Set<HeldLock> = new Set();

  /** `settled` is told when the node has done with a conversion whose caller waits for it no longer. */
  constructor(dispatcher: Dispatcher, requests: LockRequests, keys: Keys, settled: (held: HeldLock) => void) {
    this.#dispatcher = dispatcher;
    this.#requests = requests;
    this.#keys = keys;
    this.#settled = settled;
  }

  /** Gives what the key holds, or UNREAD; null: it was not asked for, or the mode is weaker than before. */
  async convert(held: HeldLock, name: LockModeName, options: ConvertOptions): Promise<Content | null> {
    const mode = modeOf(name);
    const { timeoutMs } = this.#keys;
    const settings = waitSettings(options, { timeoutMs, leaseMs: this.#dispatcher.session.leaseMs });
    mustNotHaveFired(settings.signal);
    if (this.#underWay.has(held))
      throw new KeyvalError('KV_USAGE', `the lock on ${held.name} is being converted already; wait for that`);
    this.#underWay.add(held);
    try {
      if (held.unsettled !== null) await this.#settledBefore(held, held.unsettled, settings);
      return await this.#convert(held, mode, settings);
    } finally {
      this.#underWay.delete(held);
    }
  }

  /** @throws KeyvalError KV_DEADLINE, KV_ABORTED, KV_LOCK_LOST */
  async #settledBefore(held: HeldLock, unsettled: Promise<void>, settings: WaitSettings): Promise<void> {
    const { timeoutMs: ms, signal } = settings;
    const text = `the conversion of the lock on ${held.name} before this one has not been answered yet`;
    const late = (): KeyvalError => new KeyvalError('KV_DEADLINE', text);
    await within(unsettled, { timers: this.#dispatcher.ports.timers, ms, late, signal });
    mustBeHeld(held);
  }

  async #convert(held: HeldLock, mode: number, settings: WaitSettings): Promise<Content | null> {
    if (mode === held.mode) return null;
    if (isDownward(mode, held.mode)) return this.#upward(held, mode, settings);
    if (held.handles > 1)
      throw new KeyvalError(
        'KV_USAGE',
        `this flow took the lock on ${held.name} ${held.handles} times; release the others`,
      );
    if (isDownward(held.mode, mode)) {
      await this.#downward(held, mode, settings);
      return null;
    }
    // Others may be let in under the new mode before this client hears of its grant: what only the former had ends first.
    await this.#downward(held, LockMode.concurrentRead, settings);
    mustBeHeld(held);
    return this.#upward(held, mode, settings);
  }

  /** Nobody takes back what was given up so: it is repeated until a node has answered, as a release is. */
  async #downward(held: HeldLock, mode: number, { timeoutMs: ms, signal }: WaitSettings): Promise<void> {
    const { mode: former } = held;
    held.mode = mode;
    const { operation, granted } = this.#requests.weaken(held, mode);
    const lost = (): void => this.#requests.giveUp(operation, held.signal.reason);
    held.signal.addEventListener('abort', lost, { once: true });
    const answered = granted
      .then(
        () => undefined,
        (error: KeyvalError) => {
          if (error.outcome === 'not-done') held.mode = former; // the node has refused it
          throw error;
        },
      )
      .finally(() => held.signal.removeEventListener('abort', lost));
    try {
      const late = (): KeyvalError =>
        ambiguous(operation, 'no answer came before the deadline; it is repeated until one comes');
      await within(answered, { timers: this.#dispatcher.ports.timers, ms, late, signal });
    } catch (error) {
      if (!operation.done) this.#settleLater(held, answered);
      throw error;
    }
  }

  /** Whoever asked waits no longer. */
  #settleLater(held: HeldLock, answered: Promise<void>): void {
    const settled = (): void => {
      held.unsettled = null;
      held.endConversion = null;
      this.#settled(held);
    };
    held.unsettled = answered.then(settled, settled);
  }

  async #upward(held: HeldLock, mode: number, settings: WaitSettings): Promise<Content | null> {
    const { grant } = await this.#granted(held, mode, settings);
    return settings.fetch && grant.content === null ? this.#read(held, settings) : grant.content;
  }

  /** A value that did not come along. Whether it can be had or not, the lock has its new mode. */
  async #read(held: HeldLock, { timeoutMs, signal }: WaitSettings): Promise<Content> {
    const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    const content = await this.#keys.contentOf(held.key, options).catch(() => UNREAD);
    const isHeld = held.state === 'held' && held.owner.leaseHolds(held);
    held.signal.throwIfAborted();
    if (!isHeld) throw letGo(held);
    return content;
  }

  async #granted(held: HeldLock, mode: number, settings: WaitSettings): Promise<Granted> {
    const { operation, granted } = this.#requests.convert(held, mode, settings);
    let cancelled: Promise<void> | null = null;
    const cancel = (): Promise<void> => {
      cancelled ??= this.#requests.cancel(operation);
      return cancelled;
    };
    let ended: Promise<void> | null = null;
    held.endConversion = (): Promise<void> => {
      this.#requests.giveUp(operation, letGo(held));
      ended ??= this.#endedWithin(cancel());
      return ended;
    };
    const lost = (): void => void held.endConversion?.();
    held.signal.addEventListener('abort', lost, { once: true });
    try {
      const grant = await granted;
      if (cancelled !== null || held.state !== 'held') throw letGo(held);
      this.#become(held, mode, grant);
      held.endConversion = null;
      return grant;
    } catch (error) {
      if (isSettled(error, operation)) held.endConversion = null;
      else this.#settleLater(held, cancel());
      held.signal.throwIfAborted();
      throw error;
    } finally {
      held.signal.removeEventListener('abort', lost);
    }
  }

  /** Whoever lets go of the lock waits for its node no longer than for a lease. */
  #endedWithin(cancelled: Promise<void>): Promise<void> {
    const { ports, session } = this.#dispatcher;
    return new Promise((resolve) => {
      const late = ports.timers.after(session.leaseMs, resolve);
      cancelled.then(() => {
        late.cancel();
        resolve();
      });
    });
  }

  /** To a node that keeps a stronger mode than is believed here it was one downward: then token and grant are the same as before. */
  #become(held: HeldLock, mode: number, { grant, operation }: Granted): void {
    held.mode = mode;
    if (grant.token === held.token) return;
    held.token = grant.token;
    held.sequence = operation.sequence;
  }
}

/** Of one that was let go of meanwhile the release is under way: it would miss a grant. @throws KeyvalError KV_LOCK_LOST, KV_ABORTED */
function mustBeHeld(held: HeldLock): void {
  held.signal.throwIfAborted();
  if (held.state !== 'held') throw letGo(held);
}

function letGo({ name }: HeldLock): KeyvalError {
  return new KeyvalError('KV_ABORTED', `the lock on ${name} was let go of`);
}

/** The node has said that nothing came of it. */
function isSettled(error: unknown, { unknown }: Operation): boolean {
  return error instanceof KeyvalError && REFUSALS.has(error.code) && !unknown;
}

const REFUSALS: ReadonlySet<Code> = new Set(['KV_LOCK_BUSY', 'KV_DEADLOCK', 'KV_NOT_HELD', 'KV_NO_SESSION']);
