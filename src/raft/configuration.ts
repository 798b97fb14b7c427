/**
 * Who votes: voters and learners, changed one node at a time (thesis 4.1), so that any two majorities, one of the old and
 * one of the new configuration, have a node in common. A configuration counts as soon as it stands in the log, committed
 * or not; cutting the log takes it back.
 */

import { assert } from '../base/assert.ts';
import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { type Configuration, type Entry, EntryKind, type NodeId } from './messages.ts';

/** More would not elect faster or lose less: other nodes need no vote. */
export const MEMBERS_MAX = 64;

export interface Change {
  /** `add-learner`: gets all entries, has no vote. `add-voter`: a learner that has caught up gets its vote. */
  readonly kind: 'add-learner' | 'add-voter' | 'remove';
  readonly id: NodeId;
}

export const noMembers: Configuration = { voters: [], learners: [] };

export function isMember({ voters, learners }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || learners.includes(id);
}

/** The configuration after `change`, or null where it changes nothing or must not be. */
export function changed(configuration: Configuration, { kind, id }: Change): Configuration | null {
  const { voters, learners } = configuration;
  const others = learners.filter((learner) => learner !== id);
  if (kind === 'add-learner') {
    const isFull = voters.length + learners.length >= MEMBERS_MAX;
    return isMember(configuration, id) || isFull ? null : { voters, learners: [...learners, id] };
  }
  if (kind === 'add-voter') return learners.includes(id) ? { voters: [...voters, id], learners: others } : null;
  if (learners.includes(id)) return { voters, learners: others };
  const remaining = voters.filter((voter) => voter !== id);
  return remaining.length === voters.length || remaining.length === 0 ? null : { voters: remaining, learners };
}

/** voterCount u8 | id u48 × voterCount | learnerCount u8 | id u48 × learnerCount */
export function encodeConfiguration({ voters, learners }: Configuration): Uint8Array {
  const writer = new ByteWriter();
  for (const ids of [voters, learners]) {
    writer.u8(ids.length);
    for (const id of ids) writer.u48(id);
  }
  return writer.finish();
}

/** Null: these bytes are no configuration. */
export function decodeConfiguration(bytes: Uint8Array): Configuration | null {
  const reader = new ByteReader(bytes);
  const voters = readIds(reader);
  const learners = readIds(reader);
  return reader.isComplete ? { voters, learners } : null;
}

function readIds(reader: ByteReader): NodeId[] {
  const ids: NodeId[] = [];
  for (let left = reader.u8(); left > 0 && !reader.isShort; left -= 1) ids.push(reader.u48());
  return ids;
}

interface Known {
  readonly index: number;
  readonly configuration: Configuration;
}

/** The configurations in the log, the one that counts last; before the first stands the snapshot's. */
export class ConfigurationHistory {
  #known: Known[]; // indexes grow; never empty

  constructor(index: number, configuration: Configuration) {
    this.#known = [{ index, configuration }];
  }

  /** The one that counts. */
  get newest(): Configuration {
    return (this.#known.at(-1) as Known).configuration;
  }

  get newestIndex(): number {
    return (this.#known.at(-1) as Known).index;
  }

  /** The one that counted when the log ended at `index`. */
  at(index: number): Configuration {
    const found = this.#known.findLast((known) => known.index <= index) ?? this.#known[0];
    return (found as Known).configuration;
  }

  /** Takes in an entry that was appended to the log. */
  appended(entry: Entry): void {
    if (entry.kind !== EntryKind.configuration) return;
    const configuration = decodeConfiguration(entry.data);
    assert(configuration !== null, 'an entry of kind configuration holds no configuration');
    assert(entry.index > this.newestIndex, 'configurations must be appended in order');
    this.#known.push({ index: entry.index, configuration });
  }

  /** The log was cut: `firstGone` and all behind it are no more. */
  cut(firstGone: number): void {
    this.#known = this.#known.filter((known, place) => place === 0 || known.index < firstGone);
  }

  /** The log before `index` was dropped. */
  compact(index: number): void {
    const from = this.#known.findLastIndex((known) => known.index <= index);
    if (from > 0) this.#known = this.#known.slice(from);
  }

  reset(index: number, configuration: Configuration): void {
    this.#known = [{ index, configuration }];
  }
}
