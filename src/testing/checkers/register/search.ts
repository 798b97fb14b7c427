/**
 * Looks for an order of all operations of one key, one after the other, in which every answer is right and which puts
 * no operation before one that had finished when it began: linearizability (Herlihy and Wing 1990).
 *
 * Depth-first with memory, after Wing and Gong (1993) and Lowe ("Testing for linearizability", 2017): where an order
 * fails, take back the latest choice; never enter a configuration twice. What makes it fast here:
 *
 * - observers that are right now are put in order at once, since they change nothing;
 * - a value is not left while pending operations still have to find it and nobody can write it again (`ValueOrder`);
 * - versions only grow, so an operation must not come before a pending one with a smaller version;
 * - an uncertain operation is put in order only directly before one that needs its effect: if nobody notices it, an
 *   order without it is as good. Of several that do the same, the first is as good as any.
 */

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

/** What can come next: an operation, or null: the value expires. */
type Choice = RegisterOperation | null;

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

  /** Puts in order what needs no choice; returns what can come next, the most promising first. */
  #settle(): Choice[] {
    for (;;) {
      const enabled = this.#pending.enabled();
      if (!this.#takeObservers(enabled)) return this.#choices(enabled);
    }
  }

  #takeObservers(enabled: readonly RegisterOperation[]): boolean {
    const until = this.#freeUntil(enabled);
    let any = false;
    for (const operation of enabled) {
      if (operation.changes || operation.call > until) continue;
      if (this.#changesNothing(operation) && this.#take(operation)) any = true;
    }
    return any;
  }

  /** The moment to which an observer may bring the order forward without making anything else too late. */
  #freeUntil(enabled: readonly RegisterOperation[]): number {
    if (!this.#history.timed) return Number.POSITIVE_INFINITY;
    const { now } = this.#state;
    if (this.#history.expires || this.#history.startExpires) return now;
    let until = Number.POSITIVE_INFINITY;
    for (const { certain, ret } of enabled) if (!certain && ret >= now) until = Math.min(until, ret);
    return until;
  }

  /** It may be put in order now without telling the state anything new. */
  #changesNothing(operation: RegisterOperation): boolean {
    const before = this.#state.save();
    const legal = this.#state.apply(operation);
    const { value, version, newest } = this.#state;
    const same = value === before.value && version === before.version && newest === before.newest;
    this.#state.restore(before);
    return legal && same;
  }

  #choices(enabled: readonly RegisterOperation[]): Choice[] {
    const uncertain: RegisterOperation[] = [];
    const choices: Choice[] = [];
    for (const operation of enabled) {
      if (operation.certain) choices.push(operation);
      else if (
        this.#state.now <= operation.ret &&
        !uncertain.some(({ signature }) => signature === operation.signature)
      ) {
        uncertain.push(operation);
        if (this.#isNoticed(operation, enabled)) choices.push(operation);
      }
    }
    if (this.#mayExpire(enabled)) choices.push(null);
    if (choices.length < 2) return choices;
    this.#order.rate(enabled, this.#state.value, this.#pending.barrier);
    return choices.sort((a, b) => this.#order.compare(a, b));
  }

  /** Whether something that can come next needs the effect of this uncertain operation. */
  #isNoticed(uncertain: RegisterOperation, enabled: readonly RegisterOperation[]): boolean {
    const before = this.#state.save();
    const possible = this.#state.apply(uncertain);
    const after = this.#state.save();
    const noticed =
      possible &&
      (uncertain.lifetime < Number.POSITIVE_INFINITY ||
        enabled.some((other) => other !== uncertain && this.#notices(other, before, after)));
    this.#state.restore(before);
    return noticed;
  }

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
    if (!operation.certain || this.#history.timed || tellsVersionOnly(operation)) return true;
    this.#state.restore(before);
    return !this.#state.apply(operation);
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

/** A refused cas that tells the version of a value it does not name: which value that is, is up to the order. */
function tellsVersionOnly({ changes, needs, version }: RegisterOperation): boolean {
  return !changes && needs === NONE && version !== NONE;
}

/** It has a place in the order of versions. An absent key has none, whatever it answered. */
function hasVersion({ certain, version, changes, needs }: RegisterOperation): boolean {
  return certain && version > VERSION_ABSENT && version !== NONE && (changes || needs !== ABSENT);
}
