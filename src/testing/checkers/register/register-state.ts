/**
 * The sequential register that a linearizable key must look like: what each operation demands and does, one after the
 * other. Versions that nobody has told are *unknown* until an observer tells them; they are then newer than all before.
 * A value with a time to live may vanish once that has passed since its write took effect, never before; that it must
 * vanish is not demanded (R23 of the design: a due key is gone once its expiry has committed).
 */

import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation, VERSION_ABSENT } from './register-operation.ts';
import { ABSENT, UNTOLD } from './value-table.ts';

export interface Snapshot {
  readonly value: number;
  readonly version: number;
  readonly newest: number;
  readonly expiresAt: number;
  readonly now: number;
}

export class RegisterState {
  readonly #history: RegisterHistory;
  value: number;
  /** Rank of the present value's version, or NONE: unknown. */
  version: number = NONE;
  /** Greatest rank seen so far. Invariant: version ≤ newest. */
  newest = 0;
  /** Earliest moment at which the value may vanish. */
  expiresAt: number = Number.POSITIVE_INFINITY;
  /** Earliest moment the next effect can have; kept only where moments matter. */
  now: number = Number.NEGATIVE_INFINITY;

  constructor(history: RegisterHistory) {
    this.#history = history;
    this.value = history.initial;
    if (history.startExpires) this.expiresAt = this.now;
  }

  save(): Snapshot {
    const { value, version, newest, expiresAt, now } = this;
    return { value, version, newest, expiresAt, now };
  }

  restore(saved: Snapshot): void {
    this.value = saved.value;
    this.version = saved.version;
    this.newest = saved.newest;
    this.expiresAt = saved.expiresAt;
    this.now = saved.now;
  }

  /**
   * Lets an operation take effect next.
   * @returns false when it cannot, or when it is uncertain and would change nothing; the state is then undefined
   */
  apply(operation: RegisterOperation): boolean {
    if (this.#history.timed && operation.call > this.now) this.now = operation.call;
    if (operation.needs !== NONE && this.value === UNTOLD) this.value = operation.needs;
    if (operation.needs !== NONE && operation.needs !== this.value) return false;
    if (operation.refused) return this.#refuse(operation);
    if (!operation.changes) return this.#observe(operation.version);
    if (operation.makes === ABSENT) return this.#remove(operation);
    if (operation.source.kind === 'incr') return this.#add(operation);
    if (operation.needsVersion > VERSION_ABSENT && !this.#hasVersion(operation.needsVersion)) return false;
    this.expiresAt =
      operation.lifetime === Number.POSITIVE_INFINITY ? operation.lifetime : this.now + operation.lifetime;
    return this.#write(operation.makes, operation.version);
  }

  /** Lets the value vanish, no earlier than it may. */
  expire(): void {
    this.now = Math.max(this.now, this.expiresAt);
    this.#clear();
  }

  #refuse(operation: RegisterOperation): boolean {
    if (operation.needsPresence && this.value === ABSENT) return false;
    return this.#observe(operation.version) && !this.#meets(operation);
  }

  /** True when the condition of a refused cas surely holds, so that it could not be refused. */
  #meets({ refusedValue, refusedVersion }: RegisterOperation): boolean {
    if (refusedValue !== NONE && refusedValue !== this.value) return false;
    if (refusedVersion === NONE) return true;
    if (refusedVersion === VERSION_ABSENT) return this.value === ABSENT;
    return this.value !== ABSENT && this.version === refusedVersion;
  }

  #hasVersion(rank: number): boolean {
    return this.value !== ABSENT && this.#observe(rank);
  }

  #observe(rank: number): boolean {
    if (rank === NONE) return true;
    if (rank === VERSION_ABSENT && this.value === UNTOLD) this.value = ABSENT;
    if (rank === VERSION_ABSENT) return this.value === ABSENT;
    if (this.value === ABSENT) return this.#raise(rank, rank >= this.newest);
    if (this.version !== NONE) return this.version === rank;
    this.version = rank;
    return this.#raise(rank, rank > this.newest);
  }

  #write(value: number, rank: number): boolean {
    this.value = value;
    this.version = rank;
    return rank === NONE || this.#raise(rank, rank > this.newest);
  }

  #remove(operation: RegisterOperation): boolean {
    const present = this.value !== ABSENT;
    if (!present && (operation.needsPresence || !operation.certain)) return false;
    this.#clear();
    const rank = operation.version;
    return rank === NONE || this.#raise(rank, present ? rank > this.newest : rank >= this.newest);
  }

  /** An increment leaves the time to live as it is. */
  #add(operation: RegisterOperation): boolean {
    const { values } = this.#history;
    if (this.value === UNTOLD)
      return this.#write(operation.makes === NONE ? UNTOLD : operation.makes, operation.version);
    const base = values.integerOf(this.value);
    if (base === null) return false;
    const sum = values.intern(String(base + operation.by));
    if (operation.makes !== NONE && operation.makes !== sum) return false;
    return this.#write(sum, operation.version);
  }

  #clear(): void {
    this.value = ABSENT;
    this.version = NONE;
    this.expiresAt = Number.POSITIVE_INFINITY;
  }

  #raise(rank: number, legal: boolean): boolean {
    if (legal) this.newest = rank;
    return legal;
  }
}
