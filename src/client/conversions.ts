/**
 * Other modes for locks that are held (L7). Upward is a wait like any other, and what was given up is taken back: the lock is
 * held as before. Downward takes effect here when it is asked for, for others may come in from then on. Between concurrent
 * write and protected read, of which neither has all of the other, it goes down to concurrent read first.
 */
import { isDownward, LockMode } from '../base/lock-mode.ts';
import { KeyvalError } from '../errors.ts';
import { WriteFlag } from '../protocol/client-codec.ts';
import type { Content } from './answers.ts';
import type { ReadOptions } from './client.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { HeldLock } from './held-lock.ts';
import type { Key } from './key-buffer.ts';
import { type ConvertOptions, type LockModeName, modeOf, type WaitSettings, waitSettings } from './lock-options.ts';
import type { Granted, LockRequests } from './lock-requests.ts';
import type { Operation } from './operation.ts';

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
  /** Locks that are being converted, in whatever direction. */
  readonly #underWay: Set<HeldLock> = new Set();

  constructor(dispatcher: Dispatcher, requests: LockRequests, keys: Keys) {
    this.#dispatcher = dispatcher;
    this.#requests = requests;
    this.#keys = keys;
  }

  /** Gives what the key holds, or UNREAD; null: it was not asked for, or the mode is weaker than before. */
  async convert(held: HeldLock, name: LockModeName, options: ConvertOptions): Promise<Content | null> {
    const mode = modeOf(name);
    const { timeoutMs } = this.#keys;
    const settings = waitSettings(options, { timeoutMs, leaseMs: this.#dispatcher.session.leaseMs });
    if (settings.signal?.aborted)
      throw new KeyvalError('KV_ABORTED', 'aborted before it was sent', { cause: settings.signal.reason });
    if (this.#underWay.has(held))
      throw new KeyvalError('KV_USAGE', `the lock on ${held.name} is being converted already; wait for that`);
    if (mode === held.mode) return null;
    this.#underWay.add(held);
    try {
      return await this.#convert(held, mode, settings);
    } finally {
      this.#underWay.delete(held);
    }
  }

  async #convert(held: HeldLock, mode: number, settings: WaitSettings): Promise<Content | null> {
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
    return this.#upward(held, mode, settings);
  }

  async #downward(held: HeldLock, mode: number, settings: WaitSettings): Promise<void> {
    const { mode: former } = held;
    let operation: Operation | null = null;
    held.mode = mode;
    try {
      const granted = await this.#requests.convert(held, mode, { ...settings, waitMs: 0, fetch: false }, (begun) => {
        operation = begun;
      });
      this.#become(held, mode, granted);
    } catch (error) {
      if (isUndone(error, operation as unknown as Operation)) held.mode = former;
      throw error;
    }
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
    let operation: Operation | null = null;
    let cancelled: Promise<void> | null = null;
    const cancel = (): Promise<void> => {
      cancelled ??= this.#requests.cancel(operation as Operation);
      return cancelled;
    };
    let ended: Promise<void> | null = null;
    held.endConversion = (): Promise<void> => {
      this.#requests.giveUp(operation as Operation, letGo(held));
      ended ??= this.#endedWithin(held, cancel());
      return ended;
    };
    const lost = (): void => void held.endConversion?.();
    held.signal.addEventListener('abort', lost, { once: true });
    try {
      const granted = await this.#requests.convert(held, mode, settings, (begun) => {
        operation = begun;
      });
      if (cancelled !== null) await cancelled;
      else this.#become(held, mode, granted);
      if (held.state !== 'held') throw letGo(held);
      return granted;
    } catch (error) {
      const isSettled =
        error instanceof KeyvalError && isRefusal(error) && !(operation as unknown as Operation).unknown;
      if (!isSettled) await cancel();
      held.signal.throwIfAborted();
      throw error;
    } finally {
      held.endConversion = null;
      held.signal.removeEventListener('abort', lost);
    }
  }

  /**
   * Whoever lets go of the lock waits for its node no longer than for a lease. The node may take the release for one of another
   * token then, when it has granted the conversion before it hears that this was given up; so it is repeated afterwards.
   */
  #endedWithin(held: HeldLock, cancelled: Promise<void>): Promise<void> {
    const { ports, session } = this.#dispatcher;
    return new Promise((resolve) => {
      const late = ports.timers.after(session.leaseMs, () => {
        resolve();
        cancelled.then(() => this.#releaseAgain(held));
      });
      cancelled.then(() => {
        late.cancel();
        resolve();
      });
    });
  }

  #releaseAgain(held: HeldLock): void {
    if (held.state !== 'released' && held.state !== 'lost') return;
    const flags = held.state === 'lost' ? WriteFlag.givenBack : 0;
    this.#requests.release(held, null, 0, flags).catch(() => undefined);
  }

  /** The node may have taken it for one downward: then token and grant are the same as before. */
  #become(held: HeldLock, mode: number, { grant, operation }: Granted): void {
    held.mode = mode;
    if (grant.token === held.token) return;
    held.token = grant.token;
    held.sequence = operation.sequence;
  }
}

function letGo({ name }: HeldLock): KeyvalError {
  return new KeyvalError('KV_ABORTED', `the lock on ${name} was let go of`);
}

/** Certainly the node has done nothing. What was aborted may have been sent before. */
function isUndone(error: unknown, { attempts, unknown }: Operation): boolean {
  if (!(error instanceof KeyvalError) || error.outcome !== 'not-done' || unknown) return false;
  return attempts === 0 || error.code !== 'KV_ABORTED';
}

/** The node has said that nothing came of it. */
function isRefusal({ code }: KeyvalError): boolean {
  return code === 'KV_LOCK_BUSY' || code === 'KV_DEADLOCK' || code === 'KV_NOT_HELD' || code === 'KV_NO_SESSION';
}
