/**
 * Requests with a history of them (format kvh/1). Each loop is a client of its own in the history, and the owner of its
 * locks: the loops of a thread share a session, but exclude each other all the same. Releases wait for their answers here,
 * so that the history knows when a lock was free again.
 */
import { type Client, type Entry, KeyvalError, type Lock, type SwapResult } from '../../src/index.ts';
import type { HistoryWriter, Outcome } from './history-writer.ts';
import { LOCK_WAIT_MS, type Requests } from './requests.ts';
import { inHistory } from './values.ts';

const NOT_GRANTED = '"got":false';

export interface RecordedRequestsOptions {
  readonly client: Client;
  readonly history: HistoryWriter;
  /** The name of this loop. */
  readonly owner: string;
  readonly valueBytes: number;
}

/** How to send a request and what its lines say. */
interface Recorded<T> {
  readonly kind: string;
  readonly key: string;
  readonly question?: string;
  readonly send: () => Promise<T>;
  readonly answer: (result: T) => string;
  /** An error that is an answer: a condition that was refused. */
  readonly refusal?: { readonly code: string; readonly answer: string };
}

export class RecordedRequests implements Requests {
  readonly #client: Client;
  readonly #history: HistoryWriter;
  readonly #owner: string;
  readonly #valueBytes: number;

  constructor({ client, history, owner, valueBytes }: RecordedRequestsOptions) {
    this.#client = client;
    this.#history = history;
    this.#owner = owner;
    this.#valueBytes = valueBytes;
  }

  async #record<T>({ kind, key, question = '', send, answer, refusal }: Recorded<T>): Promise<T> {
    const level = kind === 'get' ? '"lvl":"lin",' : '';
    const id = this.#history.call(this.#owner, kind, `"k":"${key}",${level}`, question);
    try {
      const result = await send();
      this.#history.ret(id, 'ok', answer(result));
      return result;
    } catch (error) {
      const code = error instanceof KeyvalError ? error.code : null;
      if (code !== null && code === refusal?.code) this.#history.ret(id, 'ok', refusal.answer);
      else this.#history.ret(id, outcomeOf(error));
      throw error;
    }
  }

  async get(key: string): Promise<string | null> {
    const entry = await this.getEntry(key);
    return entry === null ? null : entry.value;
  }

  getEntry(key: string): Promise<Entry<string> | null> {
    return this.#record({
      kind: 'get',
      key,
      send: () => this.#client.getEntry(key),
      answer: (entry) => (entry === null ? '"v":null' : `${this.#value('v', entry.value)},"ver":"${entry.revision}"`),
    });
  }

  put(key: string, value: string): Promise<bigint> {
    const send = (): Promise<bigint> => this.#client.put(key, value);
    return this.#record({ kind: 'put', key, question: this.#value('v', value), send, answer: version });
  }

  delete(key: string): Promise<boolean> {
    const send = (): Promise<boolean> => this.#client.delete(key);
    return this.#record({ kind: 'del', key, send, answer: (found) => `"found":${found}` });
  }

  cas(key: string, revision: bigint, value: string): Promise<SwapResult> {
    return this.#record({
      kind: 'cas',
      key,
      question: `"ver":"${revision}",${this.#value('to', value)}`,
      send: () => this.#client.cas(key, revision, value),
      answer: (swap) => `"ok":${swap.ok},${version(swap.revision)}`,
    });
  }

  incr(key: string): Promise<bigint> {
    const send = (): Promise<bigint> => this.#client.incr(key);
    return this.#record({ kind: 'incr', key, send, answer: (sum) => `"v":"${sum}"` });
  }

  lock(key: string): Promise<Lock> {
    return this.#record({
      kind: 'acquire',
      key,
      question: this.#session,
      send: () => this.#client.lock(key, { waitMs: LOCK_WAIT_MS }),
      answer: granted,
      refusal: { code: 'KV_LOCK_BUSY', answer: NOT_GRANTED },
    });
  }

  tryLock(key: string): Promise<Lock | null> {
    return this.#record({
      kind: 'acquire',
      key,
      question: this.#session,
      send: () => this.#client.tryLock(key),
      answer: (lock) => (lock === null ? NOT_GRANTED : granted(lock)),
    });
  }

  async release(lock: Lock): Promise<void> {
    await this.#record({
      kind: 'release',
      key: lock.key as string,
      question: `${this.#session},"token":"${lock.token}"`,
      send: () => lock.release({ confirm: true }),
      answer: () => '"ok":true',
      refusal: { code: 'KV_NOT_HELD', answer: '"ok":false' },
    });
  }

  /** The client is about to be closed: whatever this loop holds is free from here on. */
  leave(): void {
    this.#history.call(this.#owner, 'close', '', this.#session);
  }

  get #session(): string {
    return `"s":"${this.#owner}"`;
  }

  #value(name: string, value: string): string {
    return `"${name}":"${inHistory(value, this.#valueBytes)}"`;
  }
}

function version(revision: bigint): string {
  return `"ver":"${revision}"`;
}

function granted(lock: Lock): string {
  return `"got":true,"token":"${lock.token}"`;
}

function outcomeOf(error: unknown): Outcome {
  return error instanceof KeyvalError && error.outcome === 'not-done' ? 'fail' : 'unknown';
}
