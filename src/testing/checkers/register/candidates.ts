/**
 * What can come next in an order: which operations must be tried, which need not be, and which can be taken at once.
 *
 * - An observer that is right now is taken at once: it changes nothing, so an order with it later is as good with it now.
 * - An uncertain operation is tried only directly before one that needs its effect: if nobody notices it, an order
 *   without it is as good. Of several that do the same, only the first is tried.
 * - So is the expiry of a value.
 */

import type { PendingList } from './pending-list.ts';
import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation } from './register-operation.ts';
import type { RegisterState, Snapshot } from './register-state.ts';
import type { ValueOrder } from './value-order.ts';
import { ABSENT } from './value-table.ts';

/** What can come next: an operation, or null: the value expires. */
export type Choice = RegisterOperation | null;

export class Candidates {
  readonly #history: RegisterHistory;
  readonly #state: RegisterState;
  readonly #pending: PendingList;
  readonly #order: ValueOrder;

  /** All of them belong to the search, which changes them between the calls. */
  constructor(history: RegisterHistory, state: RegisterState, pending: PendingList, order: ValueOrder) {
    this.#history = history;
    this.#state = state;
    this.#pending = pending;
    this.#order = order;
  }

  /** Those that can be taken at once, in any order. */
  observers(enabled: readonly RegisterOperation[]): RegisterOperation[] {
    const until = this.#freeUntil(enabled);
    return enabled.filter(
      (operation) => !operation.changes && operation.call <= until && this.#changesNothing(operation),
    );
  }

  /** Those that must be tried, the most promising first. */
  choices(enabled: readonly RegisterOperation[]): Choice[] {
    const uncertain = new Set<number>();
    const choices: Choice[] = [];
    for (const operation of enabled) {
      if (operation.certain) choices.push(operation);
      else if (this.#state.now <= operation.ret && !uncertain.has(operation.signature)) {
        uncertain.add(operation.signature);
        if (this.#isNoticed(operation, enabled)) choices.push(operation);
      }
    }
    if (this.#mayExpire(enabled)) choices.push(null);
    if (choices.length < 2) return choices;
    this.#order.rate(enabled, this.#state.value, this.#pending.barrier);
    return choices.sort((a, b) => this.#order.compare(a, b));
  }

  /**
   * The moment to which an observer may bring the order forward without making anything else too late: an uncertain
   * effect that has a bound, or the beginning of a time to live.
   */
  #freeUntil(enabled: readonly RegisterOperation[]): number {
    let until = Number.POSITIVE_INFINITY;
    if (!this.#history.timed) return until;
    const { now } = this.#state;
    for (const { certain, call, ret, lifetime } of enabled) {
      if (!certain && ret >= now) until = Math.min(until, ret);
      if (lifetime < Number.POSITIVE_INFINITY) until = Math.min(until, Math.max(now, call));
    }
    return until;
  }

  /** It is right now, and tells the state nothing new. */
  #changesNothing(operation: RegisterOperation): boolean {
    const before = this.#state.save();
    const legal = this.#state.apply(operation);
    const { value, version, newest } = this.#state;
    const same = value === before.value && version === before.version && newest === before.newest;
    this.#state.restore(before);
    return legal && same;
  }

  /** Whether something that can come next needs the effect of this uncertain operation. */
  #isNoticed(uncertain: RegisterOperation, enabled: readonly RegisterOperation[]): boolean {
    const before = this.#state.save();
    const possible = this.#state.apply(uncertain);
    const after = this.#state.save();
    const noticed =
      possible &&
      (this.#mayExpire(enabled) || enabled.some((other) => other !== uncertain && this.#notices(other, before, after)));
    this.#state.restore(before);
    return noticed;
  }

  /** Whether the present value can expire next, to something that needs its absence. */
  #mayExpire(enabled: readonly RegisterOperation[]): boolean {
    const { value, expiresAt } = this.#state;
    if (value === ABSENT || expiresAt > this.#pending.barrier) return false;
    const before = this.#state.save();
    this.#state.expire();
    const after = this.#state.save();
    const noticed = enabled.some((other) => this.#notices(other, before, after));
    this.#state.restore(before);
    return noticed;
  }

  /** Whether an operation is right after a change; and, if it is certain, was not right before it. */
  #notices(operation: RegisterOperation, before: Snapshot, after: Snapshot): boolean {
    if (operation.blind) return false;
    this.#state.restore(after);
    if (!this.#state.apply(operation)) return false;
    // Where moments matter, what is right before and after may still be too late before.
    if (!operation.certain || this.#history.timed || tellsVersionOnly(operation)) return true;
    this.#state.restore(before);
    return !this.#state.apply(operation);
  }
}

/** A refused cas that tells the version of a value it does not name: which value that is, is up to the order. */
function tellsVersionOnly({ changes, needs, version }: RegisterOperation): boolean {
  return !changes && needs === NONE && version !== NONE;
}
