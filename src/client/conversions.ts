/**
 * Other modes for locks that are held (L7). Upward is a wait like any other, and what was given up is taken back: the lock is
 * held as before. Downward takes effect here when it is asked for, for others may come in from then on. Between concurrent
 * write and protected read, of which neither has all of the other, it goes down to concurrent read first.
 */
import { isDownward, LockMode } from '../base/lock-mode.ts';
import { KeyvalError } from '../errors.ts';
import type { Content } from './answers.ts';
import type { ReadOptions } from './client.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { HeldLock } from './held-lock.ts';
import type { Key } from './key-buffer.ts';
import { type ConvertOptions, type LockModeName, modeOf, type WaitSettings, waitSettings } from './lock-options.ts';
import type { Granted, LockRequests } from './lock-requests.ts';
import type { Operation } from './operation.ts';

interface Keys {
  readonly timeoutMs: number;
  contentOf(key: Key, options: ReadOptions): Promise<Content>;
}

export class Conversions {
  readonly #dispatcher: Dispatcher;
  readonly #requests: LockRequests;
  readonly #keys: Keys;

  constructor(dispatcher: Dispatcher, requests: LockRequests, keys: Keys) {
    this.#dispatcher = dispatcher;
    this.#requests = requests;
    this.#keys = keys;
  }

  /** Gives what the key holds; null: it was not asked for, or the mode is weaker than before. */
  async convert(held: HeldLock, name: LockModeName, options: ConvertOptions): Promise<Content | null> {
    const mode = modeOf(name);
    const { timeoutMs } = this.#keys;
    const settings = waitSettings(options, { timeoutMs, leaseMs: this.#dispatcher.session.leaseMs });
    if (settings.signal?.aborted)
      throw new KeyvalError('KV_ABORTED', 'aborted before it was sent', { cause: settings.signal.reason });
    if (held.endConversion !== null)
      throw new KeyvalError('KV_USAGE', `the lock on ${held.name} is being converted already; wait for that`);
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
    return this.#upward(held, mode, settings);
  }

  async #downward(held: HeldLock, mode: number, settings: WaitSettings): Promise<void> {
    held.mode = mode;
    await this.#requests.convert(held, mode, { ...settings, waitMs: 0, fetch: false }, () => undefined);
  }

  async #upward(held: HeldLock, mode: number, settings: WaitSettings): Promise<Content | null> {
    const { grant } = await this.#granted(held, mode, settings);
    if (!settings.fetch || grant.content !== null) return grant.content;
    const { timeoutMs, signal } = settings;
    return this.#keys.contentOf(held.key, signal === undefined ? { timeoutMs } : { timeoutMs, signal });
  }

  async #granted(held: HeldLock, mode: number, settings: WaitSettings): Promise<Granted> {
    let operation: Operation | null = null;
    let cancelled: Promise<void> | null = null;
    const cancel = (): Promise<void> => {
      cancelled ??= this.#requests.cancel(operation as Operation);
      return cancelled;
    };
    held.endConversion = (): Promise<void> => {
      const error = new KeyvalError('KV_ABORTED', `the lock on ${held.name} was let go of`);
      this.#requests.giveUp(operation as Operation, error);
      return cancel();
    };
    const lost = (): void => void held.endConversion?.();
    held.signal.addEventListener('abort', lost, { once: true });
    try {
      const granted = await this.#requests.convert(held, mode, settings, (begun) => {
        operation = begun;
      });
      if (cancelled !== null) await cancelled;
      else this.#become(held, mode, granted);
      if (held.state !== 'held') throw new KeyvalError('KV_ABORTED', `the lock on ${held.name} was let go of`);
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

  #become(held: HeldLock, mode: number, { grant, operation }: Granted): void {
    held.mode = mode;
    held.token = grant.token;
    held.sequence = operation.sequence;
  }
}

/** The node has said that nothing came of it. */
function isRefusal({ code }: KeyvalError): boolean {
  return code === 'KV_LOCK_BUSY' || code === 'KV_DEADLOCK' || code === 'KV_NOT_HELD' || code === 'KV_NO_SESSION';
}
