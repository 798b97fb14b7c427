/** A lock that a loop has been granted: what is done under it, and what the history is told of it. */
import type { Client, KeyvalError, Lock, ReleaseOptions } from '../../../src/index.ts';
import { systemClock } from '../../../src/io/clock.ts';
import { hotKey, sumIn, sumText } from './hot-keys.ts';
import type { Journal } from './journal.ts';

const NS_PER_MS = 1e6;

/** How writes of a holder that was stopped meanwhile are called in the history. */
export const WOKEN = '/woken';
/** How the end of a lock that was lost is called: nobody let go of it. */
export const LOST = '/lost';

export interface ClaimOptions {
  readonly client: Client;
  readonly journal: Journal;
  /** The loop: its name in the history, and that of its session. */
  readonly owner: string;
  readonly lock: Lock;
  readonly tag: number;
}

export class Claim {
  readonly lock: Lock;
  readonly tag: number;
  readonly #client: Client;
  readonly #journal: Journal;
  readonly #owner: string;
  #writes = 0;

  constructor({ client, journal, owner, lock, tag }: ClaimOptions) {
    this.#client = client;
    this.#journal = journal;
    this.#owner = owner;
    this.lock = lock;
    this.tag = tag;
    lock.on('lost', ({ cause, error }) => {
      this.#letGo(LOST);
      journal.lost(owner, cause, error.message);
    });
  }

  get #terms(): { readonly s: string; readonly token: string } {
    return { s: this.#owner, token: `${this.lock.token}` };
  }

  #name(key: string): string {
    this.#writes += 1;
    return `${this.#owner} ${key.slice(0, 1)}${this.lock.token}.${this.#writes}`;
  }

  /** The history is told from here on: as of now the client counts on the lock, until its lease runs out. */
  believe(): void {
    // The stamp comes first: whoever is stopped behind it claims less, not more.
    const nowNs = this.#journal.nowNs();
    const { leaseUntilMs } = this.#client.dispatcher.session.at(this.lock.partition);
    const leftMs = leaseUntilMs - systemClock.monotonicMs();
    if (leftMs <= 0 || !this.lock.held) return;
    const terms = { ...this.#terms, ttl: Math.floor(leftMs * NS_PER_MS) };
    const id = this.#journal.call(this.#owner, 'renew', this.lock.key as string, terms, nowNs);
    this.#journal.answered(id, { ok: true }, nowNs);
  }

  /** A write that counts only under the token (L9). `asWoken`: by who was stopped meanwhile. Gives whether it was answered. */
  write(asWoken = false): Promise<boolean> {
    return this.#fenced(
      hotKey('guard', this.tag),
      this.#name('guard'),
      asWoken ? `${this.#owner}${WOKEN}` : this.#owner,
    );
  }

  async #fenced(key: string, value: string, who: string): Promise<boolean> {
    const fence = { key: this.lock.key, token: this.lock.token };
    const id = this.#journal.call(who, 'fwrite', key, { token: `${fence.token}` });
    try {
      await this.#client.put(key, value, { fence });
      this.#journal.answered(id, { ok: true });
      return true;
    } catch (error) {
      const isRefused = codeOf(error) === 'KV_FENCED';
      if (isRefused) this.#journal.answered(id, { ok: false });
      else this.#journal.failed(id, who, error);
      return isRefused;
    }
  }

  /** Reads a counter, adds one and writes it back under the token: whatever else had come between would be lost. */
  async count(): Promise<void> {
    const key = hotKey('count', this.tag);
    const sum = await this.#read(key);
    if (sum === null) return;
    const value = sumText(sum + 1, this.#name('count'));
    const token = `${this.lock.token}`;
    const write = this.#journal.call(this.#owner, 'fwrite', key, { token });
    const put = this.#journal.call(this.#owner, 'put', key, { v: value });
    try {
      const revision = await this.#client.put(key, value, { fence: this.lock });
      this.#journal.answered(write, { ok: true });
      this.#journal.answered(put, { ver: `${revision}` });
    } catch (error) {
      if (codeOf(error) === 'KV_FENCED') this.#journal.answered(write, { ok: false });
      else this.#journal.failed(write, this.#owner, error);
      this.#journal.failed(put, this.#owner, error);
    }
  }

  async #read(key: string): Promise<number | null> {
    const id = this.#journal.call(this.#owner, 'get', key, {});
    try {
      const entry = await this.#client.getEntry(key);
      this.#journal.answered(id, entry === null ? { v: null } : { v: entry.value, ver: `${entry.revision}` });
      return sumIn(entry?.value ?? null);
    } catch (error) {
      this.#journal.failed(id, this.#owner, error);
      return null;
    }
  }

  /** What the lock has brought along (L8); it was asked for at `sentNs`. */
  tellFetched(sentNs: number): void {
    const { value, revision } = this.lock;
    const id = this.#journal.call(this.#owner, 'get', this.lock.key as string, {}, sentNs);
    this.#journal.answered(id, value === null ? { v: null } : { v: value, ver: `${revision}` });
  }

  /** From here on nobody counts on the lock. */
  #letGo(how = ''): number {
    return this.#journal.call(`${this.#owner}${how}`, 'release', this.lock.key as string, this.#terms);
  }

  /** Nothing when it is lost. */
  async release({ confirm = false }: Pick<ReleaseOptions, 'confirm'> = {}): Promise<void> {
    if (!this.lock.held) return;
    const id = this.#letGo();
    try {
      await this.lock.release({ confirm });
      if (confirm) this.#journal.answered(id, { ok: true });
    } catch (error) {
      this.#releaseFailed(id, error);
    }
  }

  #releaseFailed(id: number, error: unknown): void {
    if (codeOf(error) === 'KV_NOT_HELD') this.#journal.answered(id, { ok: false });
    else this.#journal.doubtful(id, this.#owner, error);
  }

  /** Counts on in the value of the lock's own key, stored and released in one step (L8). */
  async releaseCounting(): Promise<void> {
    if (!this.lock.held) return;
    const value = sumText(sumIn(this.lock.value) + 1, this.#name('lock'));
    const put = this.#journal.call(this.#owner, 'put', this.lock.key as string, { v: value });
    const released = this.#letGo();
    try {
      await this.lock.release({ value });
      this.#journal.answered(put, {});
      this.#journal.answered(released, { ok: true });
    } catch (error) {
      this.#journal.failed(put, this.#owner, error);
      this.#releaseFailed(released, error);
      if (this.lock.held) await this.lock.release();
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as KeyvalError).code;
}
