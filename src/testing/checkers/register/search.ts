/**
 * Looks for an order of all operations of one key, one after the other, in which every answer is right and which puts
 * no operation before one that had finished when it began: linearizability (Herlihy and Wing 1990).
 *
 * Depth-first with memory, after Wing and Gong (1993) and Lowe ("Testing for linearizability", 2017): where an order
 * fails, take back the latest choice; never enter a configuration twice. What makes it fast here:
 *
 * - few candidates, tried in a promising order (candidates.ts, value-order.ts);
 * - a value is not left while pending operations still have to find it and nobody can write it again;
 * - versions only grow, so an operation must not come before a pending one with a smaller version.
 */

import { Candidates, type Choice } from './candidates.ts';
import { ConfigurationSet } from './configuration-set.ts';
import { PendingList } from './pending-list.ts';
import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation, VERSION_ABSENT } from './register-operation.ts';
import { RegisterState, type Snapshot } from './register-state.ts';
import { ValueOrder } from './value-order.ts';
import { ABSENT } from './value-table.ts';

export interface SearchResult {
  readonly verdict: 'linearizable' | 'violation' | 'undecided';
  /** Operations put in order, those taken back included. */
  readonly steps: number;
}

interface Taken {
  readonly choice: Choice;
  readonly before: Snapshot;
  readonly oldestVersion: number;
}

/** A point to come back to. */
interface Branch {
  readonly depth: number;
  readonly choices: readonly Choice[];
  next: number;
}

/** @param maxSteps give up (`undecided`) after putting so many operations in order, those taken back included */
export function searchOrder(history: RegisterHistory, maxSteps: number): SearchResult {
  return new Search(history, maxSteps).run();
}

class Search {
  readonly #history: RegisterHistory;
  readonly #maxSteps: number;
  readonly #state: RegisterState;
  readonly #pending: PendingList;
  readonly #order: ValueOrder;
  readonly #candidates: Candidates;
  readonly #seen = new ConfigurationSet();
  /** Certain operations with a version, least first; before #oldestVersion all are taken. */
  readonly #versioned: readonly RegisterOperation[];
  #oldestVersion = 0;
  readonly #isTaken: Uint8Array;
  readonly #trail: Taken[] = [];
  readonly #branches: Branch[] = [];
  #steps = 0;

  constructor(history: RegisterHistory, maxSteps: number) {
    this.#history = history;
    this.#maxSteps = maxSteps;
    this.#state = new RegisterState(history);
    this.#pending = new PendingList(history.operations, history.meta.skewNs > 0);
    this.#order = new ValueOrder(history);
    this.#candidates = new Candidates(history, this.#state, this.#pending, this.#order);
    this.#versioned = history.operations.filter(hasVersion).sort((a, b) => a.version - b.version);
    this.#isTaken = new Uint8Array(history.operations.length);
  }

  run(): SearchResult {
    for (;;) {
      const choices = this.#settle();
      if (this.#pending.barrier === Number.POSITIVE_INFINITY) return this.#result('linearizable');
      const only = choices.length === 1 ? choices[0] : undefined;
      if (only !== undefined && this.#take(only)) continue;
      if (choices.length > 1 && this.#isNew()) this.#branches.push({ depth: this.#trail.length, choices, next: 0 });
      if (!this.#advance()) return this.#result(this.#steps > this.#maxSteps ? 'undecided' : 'violation');
    }
  }

  #result(verdict: SearchResult['verdict']): SearchResult {
    return { verdict, steps: this.#steps };
  }

  /** Takes the next untried choice, going back as far as needed. */
  #advance(): boolean {
    for (let branch = this.#branches.at(-1); branch !== undefined; branch = this.#branches.at(-1)) {
      this.#undoTo(branch.depth);
      while (branch.next < branch.choices.length) {
        if (this.#steps > this.#maxSteps) return false;
        if (this.#take(branch.choices[branch.next++] as Choice)) return true;
      }
      this.#branches.pop();
    }
    return false;
  }

  /** Takes what needs no choice; returns what can come next, the most promising first. */
  #settle(): readonly Choice[] {
    for (;;) {
      const enabled = this.#pending.enabled();
      const observers = this.#candidates.observers(enabled).filter((observer) => this.#take(observer));
      if (observers.length === 0) return this.#candidates.choices(enabled);
    }
  }

  /** Puts a choice next in order, unless it cannot be. */
  #take(choice: Choice): boolean {
    const before = this.#state.save();
    const oldestVersion = this.#oldestVersion;
    if (choice === null) this.#state.expire();
    else if (!this.#takeOperation(choice, before)) {
      this.#state.restore(before);
      return false;
    }
    this.#steps++;
    this.#trail.push({ choice, before, oldestVersion });
    return true;
  }

  #takeOperation(operation: RegisterOperation, before: Snapshot): boolean {
    if (!this.#state.apply(operation) || !this.#isVersionDue(operation)) return false;
    this.#order.take(operation);
    if (this.#state.value !== before.value && this.#order.isNeededLast(before.value)) {
      this.#order.putBack(operation);
      return false;
    }
    this.#pending.remove(operation.index);
    this.#seen.toggle(operation.index);
    this.#isTaken[operation.index] = 1;
    while (this.#isVersionTaken()) this.#oldestVersion++;
    return true;
  }

  #isVersionDue(operation: RegisterOperation): boolean {
    if (!hasVersion(operation)) return true;
    const oldest = this.#versioned[this.#oldestVersion];
    return oldest === undefined || operation.version <= oldest.version;
  }

  #isVersionTaken(): boolean {
    const oldest = this.#versioned[this.#oldestVersion];
    return oldest !== undefined && this.#isTaken[oldest.index] === 1;
  }

  #undoTo(depth: number): void {
    while (this.#trail.length > depth) {
      const { choice, before, oldestVersion } = this.#trail.pop() as Taken;
      this.#state.restore(before);
      this.#oldestVersion = oldestVersion;
      if (choice === null) continue;
      this.#isTaken[choice.index] = 0;
      this.#seen.toggle(choice.index);
      this.#pending.putBack(choice.index);
      this.#order.putBack(choice);
    }
  }

  #isNew(): boolean {
    const { value, version, newest, expiresAt, now } = this.#state;
    return this.#seen.add([value, version, newest, expiresAt, this.#history.timed ? now : 0]);
  }
}

/** It has a place in the order of versions. An absent key has none, whatever it answered. */
function hasVersion({ certain, version, changes, needs }: RegisterOperation): boolean {
  return certain && version > VERSION_ABSENT && version !== NONE && (changes || needs !== ABSENT);
}
