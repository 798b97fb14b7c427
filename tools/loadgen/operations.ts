/** The operations of the mix, each on one key, by its index. Each resolves with false when it was refused. */

import { dataKey, lockKey, numberKey } from './keys.ts';
import type { MixKind } from './kinds.ts';
import type { Requests } from './requests.ts';
import type { Values } from './values.ts';

export type Perform = (index: number) => Promise<boolean>;

export interface OperationsOptions {
  readonly requests: Requests;
  readonly values: Values;
  /**
   * The revision that each key had when this thread last heard of it; null when the mix has no cas. With it a cas is one
   * request, and it is refused when somebody else was faster.
   */
  readonly revisions: BigUint64Array | null;
}

export class Operations implements Record<MixKind, Perform> {
  readonly #requests: Requests;
  readonly #values: Values;
  readonly #revisions: BigUint64Array | null;

  constructor({ requests, values, revisions }: OperationsOptions) {
    this.#requests = requests;
    this.#values = values;
    this.#revisions = revisions;
  }

  async get(index: number): Promise<boolean> {
    if (this.#revisions === null) await this.#requests.get(dataKey(index));
    else this.#heard(index, (await this.#requests.getEntry(dataKey(index)))?.revision ?? 0n);
    return true;
  }

  async put(index: number): Promise<boolean> {
    this.#heard(index, await this.#requests.put(dataKey(index), this.#values.next()));
    return true;
  }

  async delete(index: number): Promise<boolean> {
    await this.#requests.delete(dataKey(index));
    this.#heard(index, 0n);
    return true;
  }

  async cas(index: number): Promise<boolean> {
    const expected = this.#revisions?.[index] ?? 0n;
    const { ok, revision } = await this.#requests.cas(dataKey(index), expected, this.#values.next());
    this.#heard(index, revision);
    return ok;
  }

  async incr(index: number): Promise<boolean> {
    await this.#requests.incr(numberKey(index));
    return true;
  }

  async lock(index: number): Promise<boolean> {
    const lock = await this.#requests.lock(lockKey(index));
    await this.#requests.release(lock);
    return true;
  }

  async trylock(index: number): Promise<boolean> {
    const lock = await this.#requests.tryLock(lockKey(index));
    if (lock !== null) await this.#requests.release(lock);
    return lock !== null;
  }

  #heard(index: number, revision: bigint): void {
    if (this.#revisions !== null) this.#revisions[index] = revision;
  }
}
