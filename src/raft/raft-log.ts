/**
 * The log in memory: all entries behind the last compaction.
 *
 *       base │ base+1 …        applied        committed          stable               lastIndex
 *     ───────┼───────────────────┴────────────────┴─────────────────┴─────────────────────┴──
 *     dropped│                                    (stable may also lie before committed)
 *
 * Entries behind `stable` have yet to be written; what is committed is never cut. After a conflict the follower tells
 * where the logs may still agree, by term (Raft §5.3, end), so that one round per term suffices.
 */

import { assert } from '../base/assert.ts';
import type { Entry, Snapshot } from './messages.ts';

/** What an entry costs beside its data, in memory, on the wire and on disk, about. */
export const ENTRY_OVERHEAD_BYTES = 64;

/** `termAt` for an index that is compacted, or not there yet. */
export const UNKNOWN_TERM = -1;

export interface Place {
  readonly index: number;
  readonly term: number;
}

export function bytesOf(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

export class RaftLog {
  #base: Place;
  #entries: Entry[]; // #entries[i].index === #base.index + 1 + i
  #stable: number; // base.index <= stable <= lastIndex
  #committed: number; // base.index <= committed <= lastIndex; grows only
  #applied: number; // base.index <= applied <= committed; grows only
  #bytes = 0;

  constructor(base: Place, entries: readonly Entry[], committed: number) {
    this.#base = { index: base.index, term: base.term };
    this.#entries = [];
    for (const entry of entries) this.#push(entry);
    this.#stable = this.lastIndex;
    this.#committed = Math.max(base.index, Math.min(committed, this.lastIndex));
    this.#applied = base.index;
  }

  get baseIndex(): number {
    return this.#base.index;
  }

  get lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#base.term;
  }

  get stable(): number {
    return this.#stable;
  }

  get committed(): number {
    return this.#committed;
  }

  get applied(): number {
    return this.#applied;
  }

  /** Memory of all entries, about. */
  get bytes(): number {
    return this.#bytes;
  }

  termAt(index: number): number {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term ?? UNKNOWN_TERM;
  }

  has({ index, term }: Place): boolean {
    return this.termAt(index) === term;
  }

  /** Whether a log that ends at `last` holds at least what this one holds (Raft §5.4.1). */
  isCoveredBy(last: Place): boolean {
    return last.term > this.lastTerm || (last.term === this.lastTerm && last.index >= this.lastIndex);
  }

  /** Appends at the end: the leader's own entries. */
  append(entry: Entry): void {
    this.#push(entry);
  }

  /**
   * Takes the leader's entries, which must follow on what this log has. Entries that are here already stay; from the
   * first that differs on, the leader's replace what is here.
   * @returns the first index that is new, or 0 when all were here already
   */
  merge(entries: readonly Entry[]): number {
    const fresh = entries.findIndex((entry) => !this.has(entry));
    if (fresh < 0) return 0;
    const first = (entries[fresh] as Entry).index;
    assert(first > this.#committed, 'a committed entry must never be replaced');
    assert(first <= this.lastIndex + 1, 'entries must follow on the log');
    if (first <= this.lastIndex) this.#cut(first);
    for (const entry of entries.slice(fresh)) this.#push(entry);
    return first;
  }

  #cut(first: number): void {
    for (const entry of this.#entries.splice(first - this.#base.index - 1)) this.#bytes -= bytesOf(entry);
    this.#stable = Math.min(this.#stable, first - 1);
  }

  #push(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, 'entries must be appended without a gap');
    assert(entry.term >= this.lastTerm, 'terms never go back');
    this.#entries.push(entry);
    this.#bytes += bytesOf(entry);
  }

  /** The last place at or before `index` whose term is not above `term`: there two logs may still agree. */
  lastNotAbove(index: number, term: number): Place {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#base.index && this.termAt(at) > term) at -= 1;
    at = Math.max(at, this.#base.index);
    return { index: at, term: this.termAt(at) };
  }

  /** Entries from `first` on, at least one if there is one, in all at most `bytesMax`. */
  from(first: number, bytesMax: number, last: number = this.lastIndex): Entry[] {
    const found: Entry[] = [];
    let left = bytesMax;
    for (let index = first; index <= last; index += 1) {
      const entry = this.#entries[index - this.#base.index - 1] as Entry;
      left -= bytesOf(entry);
      if (left < 0 && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  /** Those that have yet to be written. */
  unstable(): Entry[] {
    return this.#entries.slice(this.#stable - this.#base.index);
  }

  /** Everything up to this place is on disk, unless it was replaced meanwhile. */
  stableTo(place: Place): void {
    if (this.has(place) && place.index > this.#stable) this.#stable = place.index;
  }

  commitTo(index: number): boolean {
    if (index <= this.#committed) return false;
    assert(index <= this.lastIndex, 'what is not there cannot be committed');
    this.#committed = index;
    return true;
  }

  /** Committed and not yet applied, a bounded piece. */
  toApply(bytesMax: number): Entry[] {
    return this.from(this.#applied + 1, bytesMax, this.#committed);
  }

  appliedTo(index: number): void {
    assert(index >= this.#applied && index <= this.#committed, 'only what is committed is applied, once');
    this.#applied = index;
  }

  /** Drops everything up to `index`, which must be applied. */
  compact(index: number): void {
    if (index <= this.#base.index) return;
    assert(index <= this.#applied && index <= this.#stable, 'only what is applied and stored is dropped');
    const term = this.termAt(index);
    for (const entry of this.#entries.splice(0, index - this.#base.index)) this.#bytes -= bytesOf(entry);
    this.#base = { index, term };
  }

  /** Everything here gives way to a snapshot. */
  restore({ index, term }: Snapshot): void {
    assert(index > this.#committed, 'a snapshot must not take back what is committed');
    this.#base = { index, term };
    this.#entries = [];
    this.#bytes = 0;
    this.#stable = index;
    this.#committed = index;
    this.#applied = index;
  }
}
